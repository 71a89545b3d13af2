/** The engines that tests compare with the reference: all fast backends that work on this machine. XUEBA_CPU chooses one. */
import { openNative } from './backends/native.node.ts'
import { openWasmInNode } from './backends/wasm.node.ts'
import { Engine } from './engine.ts'

const open = { native: openNative, wasm: openWasmInNode }

/** Undefined where there is no C compiler, or another backend was chosen. */
export async function openFast(name: keyof typeof open, threads: number): Promise<Engine | undefined> {
  if (process.env.XUEBA_CPU && process.env.XUEBA_CPU !== name) return undefined
  try {
    return new Engine(await open[name](threads))
  } catch (error) {
    if (name !== 'native' || !/no C compiler/.test(String(error))) throw error
    console.warn(`skipped: ${String(error)}`)
    return undefined
  }
}

export async function fastEngines(): Promise<[name: string, engine: Engine][]> {
  const engines: [string, Engine][] = []
  for (const name of ['native', 'wasm'] as const) {
    const engine = await openFast(name, 2)
    if (engine) engines.push([name, engine])
  }
  return engines
}
