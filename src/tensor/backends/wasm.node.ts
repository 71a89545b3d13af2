/** The WebAssembly backend in Node: dist/kernels.wasm from the disk, worker_threads that do not keep the process alive. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Backend } from '../backend.ts'
import { openWasm, type Thread, type ThreadInit, threadSource } from './wasm.ts'

/** dist/ at the package's root: three folders up, from src and from dist alike. */
export const wasmFile = fileURLToPath(new URL('../../../dist/kernels.wasm', import.meta.url))

/** Throws a sentence when the module has not been built. */
export async function openWasmInNode(threads: number): Promise<Backend> {
  if (!existsSync(wasmFile)) throw new Error(`${wasmFile} is not there: node scripts/kernels.ts builds it`)
  return openWasm(new Uint8Array(readFileSync(wasmFile)), threads, spawn)
}

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
