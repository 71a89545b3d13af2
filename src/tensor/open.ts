/**
 * Opens an engine in a browser. Threads need a page that is cross-origin isolated (served with `Cross-Origin-Opener-Policy: same-origin`
 * and `Cross-Origin-Embedder-Policy: require-corp`), an engine opened in a worker, and `worker-src blob:` where a content security
 * policy is set. Elsewhere there is one thread, and `engine.backend.threads` says so.
 */
import { openWasm, type Thread, type ThreadInit, threadSource } from './backends/wasm.ts'
import { Engine } from './engine.ts'
import type { TileMemory } from './backends/tiles.ts'

export interface BrowserEngineOptions {
  /** At most so many. Default: all cores. */
  threads?: number
  /** Where kernels.wasm is served. Default: where the package has it, which bundlers follow. */
  wasmUrl?: string | URL
}

/** Throws a sentence when kernels.wasm cannot be had, or not be run. */
export async function openBrowserEngine(options: BrowserEngineOptions = {}): Promise<Engine> {
  const url = options.wasmUrl ?? new URL('../../dist/kernels.wasm', import.meta.url)
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${String(url)}: ${response.status} ${response.statusText}`)
  const bytes = new Uint8Array(await response.arrayBuffer())
  const mayWait = typeof document === 'undefined' && globalThis.crossOriginIsolated
  const threads = mayWait ? (options.threads ?? navigator.hardwareConcurrency) : 1
  return new Engine(await openWasm(bytes, threads, spawn, tiles))
}

/** In the browser's cache, where the page may use it; elsewhere it is measured anew. */
const tiles: TileMemory = {
  read: async (key) => (await (await openCache())?.match(entry(key)))?.text(),
  write: async (key, tile) => (await openCache())?.put(entry(key), new Response(tile)),
}
const entry = (key: string) => `/xueba-tile?${encodeURIComponent(`${key} ${navigator.userAgent}`)}`

async function openCache(): Promise<Cache | undefined> {
  try {
    return await globalThis.caches?.open('xueba')
  } catch {
    return undefined // a sandboxed or private page
  }
}

const program = `onmessage = ({ data }) => {
  (${threadSource})(data, () => postMessage('ready'))
  close()
}`

function spawn(init: ThreadInit): Promise<Thread> {
  const url = URL.createObjectURL(new Blob([program], { type: 'text/javascript' }))
  const worker = new Worker(url)
  return new Promise<Thread>((resolve, reject) => {
    worker.addEventListener('error', (event) => reject(new Error(event.message || 'the browser refused a worker')))
    worker.addEventListener('message', () => resolve({ stop: () => worker.terminate() }))
    worker.postMessage(init, [])
  }).finally(() => URL.revokeObjectURL(url))
}
