/**
 * bfloat16 in matrix products: factors are rounded, sums and everything else stay f32. The engine's `precision` says so when a
 * command is recorded; weights are kept in f32, so that small updates are not lost.
 */
import type { Engine } from '../engine.ts'

/** A command's dimension: whether its factors are rounded to bfloat16. */
export function isHalf({ precision }: Engine): number {
  return precision === 'bf16' ? 1 : 0
}

const word = new DataView(new ArrayBuffer(4))

/** The nearest bfloat16, ties to even. */
export function toBf16(x: number): number {
  word.setFloat32(0, x)
  const bits = word.getUint32(0)
  word.setUint32(0, (bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000)
  return Number.isNaN(x) ? x : word.getFloat32(0)
}

export const same = (x: number): number => x
