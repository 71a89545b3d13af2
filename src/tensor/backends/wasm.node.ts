/** The WebAssembly backend in Node: dist/kernels.wasm from the disk, worker_threads that do not keep the process alive. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Backend } from '../backend.ts'
import { cacheFolder } from './sources.node.ts'
import type { TileMemory } from './tiles.ts'
import { openWasm, type Thread, type ThreadInit, threadSource } from './wasm.ts'

/** dist/ at the package's root: three folders up, from src and from dist alike. */
export const wasmFile = fileURLToPath(new URL('../../../dist/kernels.wasm', import.meta.url))

/** Throws a sentence when the module has not been built. */
export async function openWasmInNode(threads: number): Promise<Backend> {
  if (!existsSync(wasmFile)) throw new Error(`${wasmFile} is not there: node scripts/kernels.ts builds it`)
  return openWasm(new Uint8Array(readFileSync(wasmFile)), threads, spawn, tiles)
}

/** In a file beside the compiled native kernels, for this processor and this V8. A cache that cannot be written is measured anew. */
const tiles: TileMemory = {
  read: (key) => {
    try {
      return (JSON.parse(readFileSync(tileFile, 'utf8')) as Record<string, string>)[here(key)]
    } catch {
      return undefined
    }
  },
  write(key, tile) {
    try {
      mkdirSync(cacheFolder(), { recursive: true })
      writeFileSync(`${tileFile}.${process.pid}`, JSON.stringify({ [here(key)]: tile }))
      renameSync(`${tileFile}.${process.pid}`, tileFile)
    } catch {}
  },
}
const tileFile = join(cacheFolder(), 'wasm-tile.json')
const here = (key: string) => [key, process.versions.v8, process.arch, cpus()[0]?.model].join(' ')

const program = `const { workerData, parentPort } = require('node:worker_threads')
;(${threadSource})(workerData, () => parentPort.postMessage('ready'))`

function spawn(init: ThreadInit): Promise<Thread> {
  const worker = new Worker(program, { eval: true, workerData: init, execArgv: [] })
  return new Promise((resolve, reject) => {
    worker.once('error', reject)
    worker.once('message', () => {
      worker.unref()
      resolve({ stop: () => worker.terminate() })
    })
  })
}
