/**
 * Products of few rows with weights of 8 bits, for decoding: one factor for each output, so that a weight is factor · q with q in −127 … 127
 * (symmetric, row by row: "vector-wise" in Dettmers et al., LLM.int8(), 2022; here only the weights are rounded, inputs and sums stay f32).
 */
import type { Engine } from '../engine.ts'
import { type Int8, show, type Tensor } from '../tensor.ts'
import type { ReferenceKernels } from './reference.ts'

/** Rows of x up to which reading 8-bit weights is worth widening them; more rows take the same weights in f32. */
export const INT8_ROWS = 16

/** values (N·K), a multiple of 4 in K, to 8 bits: the bytes and factors for a kernel, and the values as rounded. */
export function roundToInt8(values: ArrayLike<number>, n: number, k: number) {
  const bytes = new Int8Array(n * k)
  const factors = new Float32Array(n)
  const rounded = new Float32Array(n * k)
  for (let row = 0; row < n; row++) {
    let most = 0
    for (let i = row * k; i < (row + 1) * k; i++) most = Math.max(most, Math.abs(values[i]!))
    const factor = (factors[row] = most / 127)
    if (factor === 0) continue
    for (let i = row * k; i < (row + 1) * k; i++) {
      bytes[i] = Math.round(values[i]! / factors[row])
      rounded[i] = bytes[i]! * factors[row]
    }
  }
  return { bytes, factors, rounded }
}

/** Takes what `roundToInt8` made into the engine's memory. */
export function int8Of(engine: Engine, { bytes, factors }: ReturnType<typeof roundToInt8>): Int8 {
  const words = new Int32Array(bytes.buffer)
  return {
    bytes: engine.keep(engine.tensor(words, [words.length], 'i32')),
    factors: engine.keep(engine.tensor(factors, [factors.length])),
  }
}

/** x (M, K) · wᵀ (K, N) + residual (M, N) into y (M, N). No gradient. */
export function linearInt8(x: Tensor, { bytes, factors }: Int8, y: Tensor, residual?: Tensor): void {
  const [m = 0, k = 0] = x.shape
  const n = factors.size
  x.engine.expect('linearInt8', [x, factors, y, residual], [bytes])
  if (bytes.size * 4 !== n * k || y.size !== m * n)
    throw new Error(
      `linearInt8: x ${show(x.shape)} needs ${n}×${k} bytes and y (${m}, ${n}); got ${bytes.size * 4} bytes`,
    )
  x.engine.enqueue('linear_int8', [x, bytes, factors, y, residual ?? null], [m, n, k], [residual ? 1 : 0])
}

export const int8Kernels: ReferenceKernels = {
  linear_int8({ dims: [m = 0, n = 0, k = 0], scalars: [beta = 0], at, has }) {
    const [x, words, factors, y] = [at(0), at(1), at(2), at(3)]
    const r = has(4) ? at(4) : y
    const byte = (i: number) => ((words[i >> 2]! >> (8 * (i & 3))) << 24) >> 24
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        let total = 0
        for (let p = 0; p < k; p++) total += x[i * k + p]! * byte(j * k + p)
        y[i * n + j] = total * factors[j]! + (beta === 0 ? 0 : beta * r[i * n + j]!)
      }
  },
}
