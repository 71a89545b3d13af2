/**
 * How a reference kernel sees its command: plain numbers and Float64Arrays that start at each operand. Reference kernels
 * are the textbook: loops one can read next to the formula, no blocking, no reuse of partial results.
 */
import type { KernelName } from '../kernels.ts'

export interface ReferenceCommand {
  dims: Int32Array
  scalars: Float32Array
  /** Operand i from its first element on (ids are whole numbers in the same array). Throws when the operand is absent. */
  at(i: number): Float64Array
  has(i: number): boolean
}

export type ReferenceKernel = (c: ReferenceCommand) => void

export type ReferenceKernels = Partial<Record<KernelName, ReferenceKernel>>
