/**
 * GGUF, version 3, little-endian: the model file of llama.cpp and Ollama. Metadata with types, then a table of tensors, then their
 * data, each aligned (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md). Written here, read in gguf-read.ts.
 *
 * Shapes are ours, (rows, columns); a file lists them the other way round, the row's length first. Writing is a generator of
 * pieces, so that only one tensor at a time is held in its stored form.
 */
import { bytesOfGgml, encodeGgml, fitsGgml, type GgmlType, idOfGgml } from './ggml.ts'

/** Number in the file of each type of a metadata value. */
export const ggufTypes = {
  u8: 0,
  i8: 1,
  u16: 2,
  i16: 3,
  u32: 4,
  i32: 5,
  f32: 6,
  bool: 7,
  string: 8,
  array: 9,
  u64: 10,
  i64: 11,
  f64: 12,
} as const

export type GgufType = keyof typeof ggufTypes
/** 64-bit integers are bigints. */
export type GgufScalar = number | bigint | boolean | string

/** A value with its type; an array has the type of its elements in `of`. Arrays of arrays are neither written nor read. */
export type GgufValue =
  | { type: Exclude<GgufType, 'array'>; value: GgufScalar }
  | { type: 'array'; of: Exclude<GgufType, 'array'>; value: readonly GgufScalar[] }

export type GgufMetadata = ReadonlyMap<string, GgufValue>

/** A tensor to be written: always given in f32. */
export interface GgufTensor {
  type: GgmlType
  shape: readonly number[]
  data: Float32Array
}

export const GGUF_MAGIC = 0x46554747 // "GGUF" read as little-endian
export const GGUF_VERSION = 3
/** Bytes that data is aligned to, where `general.alignment` says nothing else. */
export const GGUF_ALIGNMENT = 32
/** Bytes of a tensor's name: ggml keeps it in 64, a closing zero included. */
export const GGUF_NAME_BYTES = 63

const fail = (message: string): never => {
  throw new Error(`gguf: ${message}`)
}

/** The file in pieces, in order. Throws an Error that names the key or tensor that cannot be written. */
export function* ggufPieces(
  metadata: GgufMetadata,
  tensors: ReadonlyMap<string, GgufTensor>,
): Generator<Uint8Array, void, undefined> {
  const header = ggufHeader(metadata, tensors)
  yield header
  yield padding(header.length)
  for (const { type, data } of tensors.values()) {
    const bytes = encodeGgml(type, data)
    yield bytes
    yield padding(bytes.length)
  }
}

/** The whole file. */
export function writeGguf(metadata: GgufMetadata, tensors: ReadonlyMap<string, GgufTensor>): Uint8Array {
  return concat([...ggufPieces(metadata, tensors)])
}

const padded = (bytes: number) => Math.ceil(bytes / GGUF_ALIGNMENT) * GGUF_ALIGNMENT
const padding = (bytes: number) => new Uint8Array(padded(bytes) - bytes)

function ggufHeader(metadata: GgufMetadata, tensors: ReadonlyMap<string, GgufTensor>): Uint8Array {
  const parts: Uint8Array[] = [
    scalar('u32', GGUF_MAGIC),
    scalar('u32', GGUF_VERSION),
    scalar('u64', BigInt(tensors.size)),
    scalar('u64', BigInt(metadata.size)),
  ]
  for (const [key, value] of metadata) {
    if (!/^[ -~]{1,65535}$/.test(key)) fail(`the key ${JSON.stringify(key)} is not 1 to 65535 ASCII characters`)
    if (key === 'general.alignment') fail(`general.alignment is always ${GGUF_ALIGNMENT} here`)
    parts.push(scalar('string', key))
    for (const part of encodeValue(key, value)) parts.push(part) // not `...`: vocabularies have hundreds of thousands
  }
  let offset = 0
  for (const [name, { type, shape, data }] of tensors) {
    checkTensor(name, type, shape, data)
    parts.push(scalar('string', name), scalar('u32', shape.length))
    for (const size of shape.toReversed()) parts.push(scalar('u64', BigInt(size)))
    parts.push(scalar('u32', idOfGgml(type)), scalar('u64', BigInt(offset)))
    offset += padded(bytesOfGgml(type, data.length))
  }
  return concat(parts)
}

function checkTensor(name: string, type: GgmlType, shape: readonly number[], data: Float32Array) {
  const bytes = new TextEncoder().encode(name).length
  if (bytes < 1 || bytes > GGUF_NAME_BYTES)
    fail(`the name ${JSON.stringify(name)} has ${bytes} bytes; 1 to ${GGUF_NAME_BYTES} are possible`)
  if (shape.length < 1 || shape.length > 4 || shape.some((size) => size < 1))
    fail(`"${name}" has shape [${shape.join(', ')}]; one to four sizes from 1 on are possible`)
  const count = shape.reduce((product, size) => product * size, 1)
  if (count !== data.length) fail(`"${name}" has ${data.length} values but shape [${shape.join(', ')}] holds ${count}`)
  if (!fitsGgml(type, shape.at(-1)!))
    fail(`"${name}" has rows of ${shape.at(-1)}, which are not whole blocks of ${type}`)
}

function encodeValue(key: string, value: GgufValue): Uint8Array[] {
  const one = (type: Exclude<GgufType, 'array'>, item: GgufScalar) => {
    if (!isOfType(type, item)) fail(`${key} holds ${String(item)}, which is not a ${type}`)
    return scalar(type, item)
  }
  if (value.type !== 'array') return [scalar('u32', ggufTypes[value.type]), one(value.type, value.value)]
  return [
    scalar('u32', ggufTypes.array),
    scalar('u32', ggufTypes[value.of]),
    scalar('u64', BigInt(value.value.length)),
    ...value.value.map((item) => one(value.of, item)),
  ]
}

/** Bits of the integer types; negative for signed ones. */
const integers: Partial<Record<GgufType, number>> = {
  u8: 8,
  i8: -8,
  u16: 16,
  i16: -16,
  u32: 32,
  i32: -32,
  u64: 64,
  i64: -64,
}

function isOfType(type: GgufType, value: GgufScalar): boolean {
  const bits = integers[type]
  if (bits === undefined)
    return typeof value === (type === 'bool' ? 'boolean' : type === 'string' ? 'string' : 'number')
  if (typeof value !== (Math.abs(bits) === 64 ? 'bigint' : 'number')) return false
  if (typeof value === 'number' && !Number.isInteger(value)) return false
  const integer = BigInt(value)
  return integer === (bits < 0 ? BigInt.asIntN(-bits, integer) : BigInt.asUintN(bits, integer))
}

function scalar(type: Exclude<GgufType, 'array'>, value: GgufScalar): Uint8Array {
  if (type === 'string') {
    const text = new TextEncoder().encode(value as string)
    return concat([scalar('u64', BigInt(text.length)), text])
  }
  const view = new DataView(new ArrayBuffer(scalarBytes[type]))
  const n = value as number
  if (type === 'u8' || type === 'bool') view.setUint8(0, Number(value))
  else if (type === 'i8') view.setInt8(0, n)
  else if (type === 'u16') view.setUint16(0, n, true)
  else if (type === 'i16') view.setInt16(0, n, true)
  else if (type === 'u32') view.setUint32(0, n, true)
  else if (type === 'i32') view.setInt32(0, n, true)
  else if (type === 'f32') view.setFloat32(0, n, true)
  else if (type === 'f64') view.setFloat64(0, n, true)
  else if (type === 'u64') view.setBigUint64(0, value as bigint, true)
  else view.setBigInt64(0, value as bigint, true)
  return new Uint8Array(view.buffer)
}

/** Bytes of a value of each type; of a string, its length's. */
export const scalarBytes: Record<Exclude<GgufType, 'array'>, number> = {
  u8: 1,
  i8: 1,
  bool: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  f32: 4,
  string: 8,
  u64: 8,
  i64: 8,
  f64: 8,
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
