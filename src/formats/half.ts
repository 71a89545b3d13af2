/**
 * Sixteen-bit floats: bfloat16 and IEEE 754 binary16, to and from float32. Narrowing rounds to nearest, ties to even; NaN stays NaN,
 * and a value beyond binary16's largest becomes infinite, as the standard says: whoever writes files looks for those first.
 */

/** Largest finite binary16. */
export const FLOAT16_MAX = 65504

const word = new Float32Array(1)
const bitsOfWord = new Uint32Array(word.buffer)

/** The bits of each value as bfloat16. */
export function toBfloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  const halves = new Uint16Array(values.length)
  for (let i = 0; i < halves.length; i++) {
    const value = bits[i]!
    const isNaN = (value & 0x7fffffff) > 0x7f800000
    halves[i] = isNaN ? (value >>> 16) | 0x40 : (value + 0x7fff + ((value >>> 16) & 1)) >>> 16
  }
  return halves
}

export function fromBfloat16(halves: Uint16Array): Float32Array {
  const values = new Float32Array(halves.length)
  const bits = new Uint32Array(values.buffer)
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16
  return values
}

/** The bits of one value as binary16. */
export function float16Bits(value: number): number {
  word[0] = value
  const bits = bitsOfWord[0]!
  const sign = (bits >>> 16) & 0x8000
  const rest = bits & 0x7fffffff
  if (rest > 0x7f800000) return sign | 0x7e00 // NaN
  if (rest >= 0x47800000) return sign | 0x7c00 // 65,536 and more, infinity
  if (rest >= 0x38800000) {
    // Normal: the exponent's bias goes from 127 to 15; a carry out of the fraction goes into the exponent, as it should.
    const rebased = rest - 0x38000000
    return sign | ((rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13)
  }
  if (rest <= 0x33000000) return sign // at most 2^-25, half of the smallest: ties to zero
  // Subnormal: the fraction with its leading one, shifted until one unit is 2^-24.
  const shift = 126 - (rest >>> 23)
  const fraction = (rest & 0x7fffff) | 0x800000
  const quotient = fraction >>> shift
  const remainder = fraction & ((1 << shift) - 1)
  const half = 1 << (shift - 1)
  return sign | (quotient + (remainder > half || (remainder === half && (quotient & 1) === 1) ? 1 : 0))
}

/** A binary16 as a number. */
export function float16Value(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >> 10) & 31
  const fraction = half & 1023
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction ? NaN : sign * Infinity
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

/** The bits of each value as binary16. */
export function toFloat16(values: Float32Array): Uint16Array {
  return Uint16Array.from(values, float16Bits)
}

export function fromFloat16(halves: Uint16Array): Float32Array {
  table ??= Float32Array.from({ length: 65536 }, (_, half) => float16Value(half))
  const values = new Float32Array(halves.length)
  for (let i = 0; i < halves.length; i++) values[i] = table[halves[i]!]!
  return values
}
/** The value of each of the 65,536. */
let table: Float32Array | undefined
