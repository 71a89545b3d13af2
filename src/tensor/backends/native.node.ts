/**
 * The native backend: the kernels as a shared library, compiled for this machine on first use and called through koffi.
 * One call hands the whole list to a pool of C threads. Memory comes from the system and is reached by copying in and out.
 */
import koffi from 'koffi'
import type { Backend } from '../backend.ts'
import { compileKernels } from './compile.node.ts'

type Library = ReturnType<typeof load>

let library: Library | null = null
/** Threads the one pool of this process has now. */
let pool = 0

function load() {
  const { path, ...compiled } = compileKernels()
  const so = koffi.load(path)
  const stop = so.func('xb_stop', 'void', []) as () => void
  // koffi unloads the library when the process ends: no thread may still be running its code.
  process.on('exit', stop)
  return {
    compiled,
    start: so.func('xb_start', 'int', ['int']) as (threads: number) => number,
    run: so.func('xb_run', 'int', ['void *', 'int']) as (list: Uint8Array, count: number) => number,
    reserve: so.func('xb_reserve', 'uintptr_t', ['size_t']) as (bytes: number) => number,
    release: so.func('xb_release', 'void', ['uintptr_t', 'size_t']) as (address: number, bytes: number) => void,
    copyIn: so.func('xb_copy', 'void', ['uintptr_t', 'void *', 'size_t']) as (
      to: number,
      from: ArrayBufferView,
      bytes: number,
    ) => void,
    copyOut: so.func('xb_copy', 'void', ['void *', 'uintptr_t', 'size_t']) as (
      to: ArrayBufferView,
      from: number,
      bytes: number,
    ) => void,
    peakFlops: so.func('xb_peak_flops', 'double', ['double', 'int']) as (iterations: number, half: number) => number,
    bf16Unit: so.func('xb_bf16_unit', 'int', []) as () => number,
  }
}

/** What multiplies bfloat16, by the number the kernels give it. */
const BF16_UNITS = ['none (rounded f32)', 'AVX512_BF16', 'AMX']

/** What the pool in kernels/queue.c has room for. */
const MAX_THREADS = 256

/** Throws a sentence when the machine has no C compiler. */
export function openNative(wanted: number): Backend {
  const threads = Math.min(wanted, MAX_THREADS)
  const so = (library ??= load())
  const withPool = () => {
    if (pool !== threads) pool = so.start(threads)
    if (pool !== threads) throw new Error(`the system gave ${pool} of the ${threads} threads asked for`)
  }
  withPool()
  return {
    name: 'native',
    threads,
    elementBytes: 4,
    blockBytes: 8 << 20, // four huge pages (xb_reserve); what is not touched costs nothing
    description: { ...so.compiled, bf16: BF16_UNITS[so.bf16Unit()]! },
    reserve(bytes) {
      const address = so.reserve(bytes)
      if (address === 0) throw new Error(`out of memory: the system refused ${(bytes / 2 ** 20).toFixed(0)} MB more`)
      return address
    },
    release: so.release,
    write(address, dtype, values) {
      const Type = dtype === 'i32' ? Int32Array : Float32Array
      const data = values instanceof Type ? values : Type.from(values)
      so.copyIn(address, data, data.byteLength)
    },
    read(address, dtype, length) {
      const data = new (dtype === 'i32' ? Int32Array : Float32Array)(length)
      so.copyOut(data, address, data.byteLength)
      return data
    },
    execute(commands) {
      withPool()
      const unknown = so.run(commands.bytes(), commands.count)
      if (unknown) throw new Error(`command ${unknown - 1} has an opcode that the library does not know`)
    },
    peakFlops(iterations, precision = 'f32') {
      withPool()
      return so.peakFlops(iterations, precision === 'bf16' ? 1 : 0)
    },
    close: () => Promise.resolve(),
  }
}
