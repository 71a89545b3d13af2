/**
 * A growing list of commands, in the layout of `Command` in kernels/xueba.h: 160 bytes each — opcode (int32), 11 dims
 * (int32), 4 scalars (float32), 12 addresses (float64 holding byte addresses: exact up to 2^53, and no BigInt).
 */
import { type KernelName, kernelNames, opcodes } from './kernels.ts'

export const COMMAND_BYTES = 160
export const DIMS = 11
export const SCALARS = 4
export const ADDRESSES = 12

const WORDS = COMMAND_BYTES / 4
const DOUBLES = COMMAND_BYTES / 8

/** One command read back, for the reference backend and for profiles. */
export interface DecodedCommand {
  kernel: KernelName
  dims: Int32Array
  scalars: Float32Array
  addresses: Float64Array
}

export class CommandList {
  count = 0
  private buffer = new ArrayBuffer(64 * COMMAND_BYTES)
  private int32 = new Int32Array(this.buffer)
  private float32 = new Float32Array(this.buffer)
  private float64 = new Float64Array(this.buffer)

  /** Appends a command. Missing addresses are 0 (absent). */
  push(kernel: KernelName, dims: readonly number[], scalars: readonly number[], addresses: readonly number[]): void {
    if (dims.length > DIMS || scalars.length > SCALARS || addresses.length > ADDRESSES)
      throw new Error(`${kernel}: a command holds ${DIMS} dims, ${SCALARS} scalars and ${ADDRESSES} addresses`)
    if ((this.count + 1) * COMMAND_BYTES > this.buffer.byteLength) this.grow()
    const word = this.count * WORDS
    const double = this.count * DOUBLES
    this.int32[word] = opcodes[kernel]
    for (let i = 0; i < DIMS; i++) {
      const dim = dims[i] ?? 0
      if (dim > 0x7fffffff) throw new Error(`${kernel}: dimension ${dim} does not fit 31 bits`)
      this.int32[word + 1 + i] = dim
    }
    for (let i = 0; i < SCALARS; i++) this.float32[word + 1 + DIMS + i] = scalars[i] ?? 0
    for (let i = 0; i < ADDRESSES; i++) this.float64[double + 8 + i] = addresses[i] ?? 0
    this.count++
  }

  /** The commands as bytes, for a native or WebAssembly executor. Valid until the next push. */
  bytes(): Uint8Array {
    return new Uint8Array(this.buffer, 0, this.count * COMMAND_BYTES)
  }

  at(i: number): DecodedCommand {
    return {
      kernel: kernelNames[this.int32[i * WORDS]! - 1]!,
      dims: this.int32.subarray(i * WORDS + 1, i * WORDS + 1 + DIMS),
      scalars: this.float32.subarray(i * WORDS + 1 + DIMS, i * WORDS + 16),
      addresses: this.float64.subarray(i * DOUBLES + 8, (i + 1) * DOUBLES),
    }
  }

  clear(): void {
    this.count = 0
  }

  private grow(): void {
    const larger = new ArrayBuffer(this.buffer.byteLength * 2)
    new Uint8Array(larger).set(new Uint8Array(this.buffer))
    this.buffer = larger
    this.int32 = new Int32Array(larger)
    this.float32 = new Float32Array(larger)
    this.float64 = new Float64Array(larger)
  }
}
