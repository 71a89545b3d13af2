/** Opens the best engine of this machine in Node; XUEBA_CPU = native | wasm | reference forces one. */
import { availableParallelism } from 'node:os'
import type { Backend } from './backend.ts'
import { openReference } from './backends/reference.ts'
import { openWasmInNode } from './backends/wasm.node.ts'
import { Engine } from './engine.ts'

/** In order of speed. */
export const backendNames = ['native', 'wasm', 'reference'] as const
export type BackendName = (typeof backendNames)[number]

export interface EngineOptions {
  backend?: BackendName
  /** Default: XUEBA_THREADS, or all cores. */
  threads?: number
}

const open: Record<BackendName, (threads: number) => Backend | Promise<Backend>> = {
  native: async (threads) => (await import('./backends/native.node.ts')).openNative(threads), // koffi loads a library of its own
  wasm: openWasmInNode,
  reference: openReference,
}

/** Without a choice: the fastest that works here; what does not is said on stderr in a line. Throws a sentence when the chosen one does not work. */
export async function openEngine(options: EngineOptions = {}): Promise<Engine> {
  const threads = options.threads ?? (Number(process.env.XUEBA_THREADS) || availableParallelism())
  if (!Number.isInteger(threads) || threads < 1)
    throw new Error(`threads: expected a whole number from 1, got ${threads}`)
  const wanted = options.backend ?? process.env.XUEBA_CPU
  if (wanted !== undefined && wanted !== '') {
    const name = backendNames.find((b) => b === wanted)
    if (!name) throw new Error(`backend "${wanted}": expected one of ${backendNames.join(', ')}`)
    return new Engine(await open[name](threads))
  }
  for (const name of ['native', 'wasm'] as const) {
    try {
      return new Engine(await open[name](threads))
    } catch (error) {
      const next = backendNames[backendNames.indexOf(name) + 1]
      console.error(`xueba: no ${name} backend, taking ${next}: ${(error as Error).message.split('\n')[0]}`)
    }
  }
  return new Engine(openReference())
}
