/**
 * The WebAssembly backend: dist/kernels.wasm on a memory that threads share. Thread 0 is the caller; the others are workers that
 * instantiate the same module on the same memory, each with a stack of its own, and live in xb_worker (kernels/queue.c).
 *
 * How a worker is made differs between Node and browsers: a function `spawn` is handed in. With one thread there are no workers and
 * no SharedArrayBuffer ever reaches JavaScript's messages, so that works without cross-origin isolation too. On a browser's main
 * thread waiting is forbidden: there, use one thread, or (better) run the engine in a worker.
 *
 * Needs relaxed SIMD (Node ≥ 22, Chromium ≥ 114). 32-bit addresses: 4 GiB in all; released memory is reused, never returned
 * (scratch buffers of the kernels that have to grow are lost).
 */
import type { Backend } from '../backend.ts'
import { Pool } from '../pool.ts'
import { fastestModule, type TileMemory } from './tiles.ts'
import { buildOf } from './wasm-build.ts'

const PAGE = 65_536
const MAX_PAGES = 65_536
const STACK_BYTES = 4 * PAGE

/** What a thread needs to start. `stack` is the address just above its stack. */
export interface ThreadInit {
  module: WebAssembly.Module
  memory: WebAssembly.Memory
  id: number
  stack: number
}

export interface Thread {
  stop(): void | Promise<unknown>
}

/** Starts a worker that runs `threadSource`; resolves when that calls `ready`, rejects when it fails before. */
export type Spawn = (init: ThreadInit) => Promise<Thread>

/**
 * The whole program of a worker, as the text of a function (init, ready), so that no bundler has to find a file. It ends when the
 * pool stops. A thread that traps takes the others with it: they would wait for it for ever.
 */
export const threadSource = `({ module, memory, id, stack }, ready) => {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } })
  exports.__stack_pointer.value = stack
  ready()
  try {
    exports.xb_worker(id)
  } catch {
    exports.xb_abort()
  }
}`

interface Exports {
  xb_start(threads: number): number
  xb_stop(): void
  xb_run(list: number, count: number): number
  xb_abort(): void
  xb_reserve(bytes: number): number
  xb_peak_flops(iterations: number, half: number): number
}

/** Throws a sentence when this platform cannot run the kernels. */
export async function openWasm(
  bytes: Uint8Array<ArrayBuffer>,
  wanted: number,
  spawn: Spawn,
  tiles: TileMemory,
): Promise<Backend> {
  if (!WebAssembly.validate(bytes))
    throw new Error('the WebAssembly here lacks relaxed SIMD or threads, or kernels.wasm is damaged')
  const module = await fastestModule(await WebAssembly.compile(bytes), tiles)
  const memory = createMemory()
  const exports = (await WebAssembly.instantiate(module, { env: { memory } })).exports as unknown as Exports
  const { compiler, flags, tile } = buildOf(module)

  /** Why nothing can be run any more. */
  let broken = ''
  const reserve = (bytes: number): number => {
    const address = bytes < MAX_PAGES * PAGE ? exports.xb_reserve(bytes) >>> 0 : 0
    if (address === 0) throw new Error(outOfMemory(memory, bytes))
    return address
  }
  const pool = new Pool(reserve, PAGE)
  const guarded = <T>(run: () => T): T => {
    if (broken) throw new Error(broken)
    try {
      return run()
    } catch (error) {
      exports.xb_abort()
      // The only trap in the kernels is scratch memory that could not grow; anything else is a bug, and says where it was.
      broken = `the kernels stopped (${String(error)}). ${outOfMemory(memory, 0)}`
      throw new Error(broken, { cause: error })
    }
  }

  let list = 0
  let listBytes = 0
  const stage = (commands: Uint8Array): void => {
    if (commands.length > listBytes) {
      const larger = pool.allocate(2 * commands.length)
      if (list) pool.release(list, listBytes)
      ;[list, listBytes] = [larger, 2 * commands.length]
    }
    new Uint8Array(memory.buffer, list, commands.length).set(commands)
  }

  const workers: Thread[] = []
  const threads = exports.xb_start(wanted) // at most as many as the pool has room for
  try {
    for (let id = 1; id < threads; id++)
      workers.push(await spawn({ module, memory, id, stack: reserve(STACK_BYTES) + STACK_BYTES }))
  } catch (error) {
    await Promise.all(workers.map((worker) => worker.stop()))
    throw error
  }

  return {
    name: 'wasm',
    threads,
    elementBytes: 4,
    blockBytes: 1 << 20,
    description: { compiler, flags, tile },
    reserve: (bytes) => pool.allocate(bytes),
    release: (address, bytes) => pool.release(address, bytes),
    write(address, dtype, values) {
      const Type = dtype === 'i32' ? Int32Array : Float32Array
      new Type(memory.buffer, address, values.length).set(values)
    },
    read(address, dtype, length) {
      const Type = dtype === 'i32' ? Int32Array : Float32Array
      return new Type(memory.buffer, address, length).slice()
    },
    execute(commands) {
      stage(commands.bytes())
      const unknown = guarded(() => exports.xb_run(list, commands.count))
      if (unknown) throw new Error(`command ${unknown - 1} has an opcode that kernels.wasm does not know`)
    },
    peakFlops: (iterations, precision = 'f32') =>
      guarded(() => exports.xb_peak_flops(iterations, precision === 'bf16' ? 1 : 0)),
    async close() {
      if (!broken) exports.xb_stop()
      broken ||= 'this engine is closed'
      await Promise.all(workers.splice(0).map((worker) => worker.stop()))
    },
  }
}

/** A shared memory that may grow to 4 GiB, or to as much less as the platform can promise. */
function createMemory(): WebAssembly.Memory {
  for (let maximum = MAX_PAGES; ; maximum /= 2) {
    try {
      return new WebAssembly.Memory({ initial: 16, maximum, shared: true })
    } catch (error) {
      if (maximum < 4096) throw new Error(`no memory for WebAssembly here: ${String(error)}`, { cause: error })
    }
  }
}

function outOfMemory(memory: WebAssembly.Memory, bytes: number): string {
  const megabytes = (n: number) => `${Math.ceil(n / 2 ** 20)} MB`
  const wanted = bytes > 0 ? `${megabytes(bytes)} more were asked for` : 'more may have been needed'
  return (
    `WebAssembly has ${megabytes(memory.buffer.byteLength)} in use (4096 MB is the most there is), and ${wanted}: ` +
    'take a smaller model or batch, or the native backend, which has no such limit (it needs a C compiler)'
  )
}
