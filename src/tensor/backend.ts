/**
 * What an executor of commands must offer: a connector, not a class to extend. Shared code never asks which backend it
 * has; it reads what the backend states (bytes per element, threads) and calls these functions.
 */
import type { CommandList } from './command.ts'

export type DType = 'f32' | 'i32'

/** Of the factors of a matrix product; sums are f32 either way. */
export type Precision = 'f32' | 'bf16'

/** Float32Array from the fast backends, Float64Array from the reference. */
export type FloatArray = Float32Array | Float64Array

export interface Backend {
  readonly name: string
  readonly threads: number
  /** Bytes an element occupies: 4 where f32 is f32, 8 on the float64 reference. */
  readonly elementBytes: number
  /** Memory is best asked for in multiples of so many bytes: huge pages where they make it faster to reach. */
  readonly blockBytes: number
  /** What runs here, for `doctor` and the run's record: compiler, flags, vector width. */
  readonly description: Record<string, string | number>
  /** Address of at least `bytes` fresh bytes, 64-byte aligned. Throws a sentence when there is no more memory. */
  reserve(bytes: number): number
  /** Gives a reserved block back, where the platform can. */
  release(address: number, bytes: number): void
  write(address: number, dtype: DType, values: ArrayLike<number>): void
  /** `length` elements at `address`: Int32Array for i32, FloatArray for f32. */
  read(address: number, dtype: DType, length: number): FloatArray | Int32Array
  /** Runs the list to its end; a promise only where waiting is forbidden (a browser's main thread, a GPU). */
  execute(commands: CommandList): void | Promise<void>
  /** Times `iterations` rounds of fused multiply-adds held in registers; returns floating-point operations done (0: no such unit). */
  peakFlops?(iterations: number, precision?: Precision): number
  close(): Promise<void>
}
