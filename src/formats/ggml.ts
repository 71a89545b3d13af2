/**
 * The number formats of ggml that we write and read: f32, f16, bf16, and the blocks q8_0 and q4_0 (ggml-common.h: block_q8_0,
 * block_q4_0). Values of a row, 32 at a time, share a scale in half precision:
 *
 *   q8_0, 34 bytes: d = max|x| / 127 as binary16, then 32 signed bytes q = round(x / d);            x ≈ d·q
 *   q4_0, 18 bytes: d = m / −8, m the value of largest magnitude with its sign, as binary16, then 16 bytes whose low halves
 *   are q of the values 0 to 15 and whose high halves are q of 16 to 31, q = min(15, ⌊x / d + 8.5⌋);  x ≈ d·(q − 8)
 *
 * As in ggml, q is taken with the scale in f32, before it is rounded to binary16. Arithmetic is in f32, step by step.
 */
import { fromBfloat16, fromFloat16, float16Bits, float16Value, toBfloat16, toFloat16 } from './half.ts'

/** Values that share a scale. */
export const QUANT_BLOCK = 32

/** Number in the file (enum ggml_type), values of a block, and its bytes. */
const types = {
  f32: { id: 0, block: 1, bytes: 4 },
  f16: { id: 1, block: 1, bytes: 2 },
  bf16: { id: 30, block: 1, bytes: 2 },
  q8_0: { id: 8, block: QUANT_BLOCK, bytes: 34 },
  q4_0: { id: 2, block: QUANT_BLOCK, bytes: 18 },
} as const

export type GgmlType = keyof typeof types
export const ggmlTypes = Object.keys(types) as GgmlType[]

export const idOfGgml = (type: GgmlType): number => types[type].id

/** The type with this number in a file; undefined when it is not one of ours. */
export const ggmlOfId = (id: number): GgmlType | undefined => ggmlTypes.find((type) => types[type].id === id)

/** Whether rows of this length can be stored: whole blocks only. */
export const fitsGgml = (type: GgmlType, columns: number): boolean => columns % types[type].block === 0

/** Bytes of so many values, which must be whole blocks. */
export const bytesOfGgml = (type: GgmlType, values: number): number => (values / types[type].block) * types[type].bytes

/** Values, whose number must be whole blocks, as a file holds them. */
export function encodeGgml(type: GgmlType, values: Float32Array): Uint8Array {
  if (type === 'f32') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  if (type === 'f16') return new Uint8Array(toFloat16(values).buffer)
  if (type === 'bf16') return new Uint8Array(toBfloat16(values).buffer)
  const bytes = new Uint8Array(bytesOfGgml(type, values.length))
  const encode = type === 'q8_0' ? encodeQ8 : encodeQ4
  for (let from = 0, at = 0; from < values.length; from += QUANT_BLOCK, at += types[type].bytes)
    encode(values, from, bytes, at)
  return bytes
}

/** What a file holds, as values. */
export function decodeGgml(type: GgmlType, bytes: Uint8Array): Float32Array {
  const buffer = new Uint8Array(bytes).buffer // a copy of its own, so that it is aligned
  if (type === 'f32') return new Float32Array(buffer)
  if (type === 'f16') return fromFloat16(new Uint16Array(buffer))
  if (type === 'bf16') return fromBfloat16(new Uint16Array(buffer))
  const size = types[type].bytes
  const values = new Float32Array((bytes.length / size) * QUANT_BLOCK)
  const decode = type === 'q8_0' ? decodeQ8 : decodeQ4
  for (let at = 0, to = 0; at < bytes.length; at += size, to += QUANT_BLOCK) decode(bytes, at, values, to)
  return values
}

const f = Math.fround

function putScale(bytes: Uint8Array, at: number, scale: number) {
  const bits = float16Bits(scale)
  bytes[at] = bits & 0xff
  bytes[at + 1] = bits >>> 8
}

const scaleAt = (bytes: Uint8Array, at: number) => float16Value(bytes[at]! | (bytes[at + 1]! << 8))

function encodeQ8(values: Float32Array, from: number, bytes: Uint8Array, at: number) {
  let largest = 0
  for (let i = 0; i < QUANT_BLOCK; i++) largest = Math.max(largest, Math.abs(values[from + i]!))
  const scale = f(largest / 127)
  const inverse = scale === 0 ? 0 : f(1 / scale)
  putScale(bytes, at, scale)
  for (let i = 0; i < QUANT_BLOCK; i++) {
    const x = f(values[from + i]! * inverse)
    bytes[at + 2 + i] = Math.sign(x) * Math.floor(Math.abs(x) + 0.5) // halves away from zero, as C's roundf
  }
}

function decodeQ8(bytes: Uint8Array, at: number, values: Float32Array, to: number) {
  const scale = scaleAt(bytes, at)
  for (let i = 0; i < QUANT_BLOCK; i++) values[to + i] = scale * ((bytes[at + 2 + i]! << 24) >> 24)
}

function encodeQ4(values: Float32Array, from: number, bytes: Uint8Array, at: number) {
  let largest = 0 // the first of largest magnitude, with its sign
  for (let i = 0; i < QUANT_BLOCK; i++) if (Math.abs(values[from + i]!) > Math.abs(largest)) largest = values[from + i]!
  const scale = f(largest / -8)
  const inverse = scale === 0 ? 0 : f(1 / scale)
  const q = (i: number) => Math.min(15, Math.trunc(f(f(values[from + i]! * inverse) + 8.5)))
  putScale(bytes, at, scale)
  for (let i = 0; i < QUANT_BLOCK / 2; i++) bytes[at + 2 + i] = q(i) | (q(i + QUANT_BLOCK / 2) << 4)
}

function decodeQ4(bytes: Uint8Array, at: number, values: Float32Array, to: number) {
  const scale = scaleAt(bytes, at)
  for (let i = 0; i < QUANT_BLOCK / 2; i++) {
    const both = bytes[at + 2 + i]!
    values[to + i] = scale * ((both & 15) - 8)
    values[to + i + QUANT_BLOCK / 2] = scale * ((both >>> 4) - 8)
  }
}
