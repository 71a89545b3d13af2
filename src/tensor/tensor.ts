/**
 * A tensor is a shape, a dtype and an address in a backend's memory; views share storage. Reading is asynchronous on
 * every backend (a browser's main thread may not wait and a GPU must not); writing is ordered with the commands around it.
 */
import type { Node } from './autograd.ts'
import type { DType, FloatArray } from './backend.ts'
import type { Engine } from './engine.ts'
import type { Pool } from './pool.ts'

export type Shape = readonly number[]

/** Memory behind one tensor and its views. `owner` says who frees it: its scope, the autograd tape, or whoever made it. */
export interface Storage {
  address: number
  bytes: number
  freed: boolean
  owner: 'scope' | 'tape' | 'user'
  /** Where the memory came from and goes back to. */
  pool: Pool
}

export const sizeOf = (shape: Shape): number => shape.reduce((a, b) => a * b, 1)

export const show = (shape: Shape): string => `(${shape.join(', ')})`

/** What a frozen weight (M, K) learns through: scale · b (M, R) · a (R, K) is part of it. */
export interface LowRank {
  a: Tensor
  b: Tensor
  scale: number
}

/** A weight (N, K) in 8 bits: its bytes in words of four, and the factor of each row. */
export interface Int8 {
  /** (N·K/4) i32 */
  bytes: Tensor
  /** (N) */
  factors: Tensor
}

export class Tensor {
  readonly engine: Engine
  readonly shape: Shape
  readonly dtype: DType
  readonly size: number
  readonly storage: Storage
  /** Elements from the start of the storage. */
  readonly offset: number
  /** True for parameters and for everything computed from them while recording. */
  requiresGrad = false
  /** Gradient: set ahead for parameters (and added to), made by `backward` for the rest. */
  grad: Tensor | null = null
  /** Gets the gradient in this tensor's place, where it is the weight of a `linear`. */
  adapter: LowRank | null = null
  /** The same weight in 8 bits, for products of few rows. */
  int8: Int8 | null = null
  /** The recorded operation that made this tensor. */
  node: Node | null = null

  constructor(engine: Engine, shape: Shape, dtype: DType, storage: Storage, offset = 0) {
    this.engine = engine
    this.shape = shape
    this.dtype = dtype
    this.size = sizeOf(shape)
    this.storage = storage
    this.offset = offset
  }

  /** Byte address for a command. */
  get address(): number {
    return this.storage.address + this.offset * this.engine.backend.elementBytes
  }

  /** Runs what is pending and copies the values out: Float32Array (Float64Array on the reference). */
  async read(): Promise<FloatArray> {
    return (await this.engine.read(this)) as FloatArray
  }

  /** As `read`, for i32 tensors. */
  async readInts(): Promise<Int32Array> {
    if (this.dtype !== 'i32') throw new Error(`readInts: this tensor is ${this.dtype} ${show(this.shape)}; use read()`)
    return (await this.engine.read(this)) as Int32Array
  }

  /** The one value of a scalar. */
  async item(): Promise<number> {
    if (this.size !== 1) throw new Error(`item: expected one element, got ${show(this.shape)}`)
    return (await this.engine.read(this))[0]!
  }

  /** Overwrites all values, after the commands recorded so far. */
  write(values: ArrayLike<number>): void {
    this.engine.write(this, values)
  }

  /** A tensor over the same memory: `shape` elements from element `offset` on. Not recorded for backward. */
  view(shape: Shape, offset = 0): Tensor {
    const isWhole = [offset, ...shape].every((n) => Number.isInteger(n)) && shape.every((n) => n >= 1)
    if (!isWhole || offset < 0 || offset + sizeOf(shape) > this.size)
      throw new Error(`view: ${show(shape)} at ${offset} lies outside ${show(this.shape)}`)
    return new Tensor(this.engine, shape, this.dtype, this.storage, this.offset + offset)
  }

  /** Gives the memory back now. Using the tensor or a view of it later is an error that names the operation. */
  free(): void {
    this.engine.free(this)
  }
}
