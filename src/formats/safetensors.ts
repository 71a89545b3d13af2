/**
 * Safetensors: named arrays behind a JSON header (https://huggingface.co/docs/safetensors, "Format").
 *
 * Pure functions on bytes, web standards only; safetensors-folder.ts reads large files in pieces. Reading refuses whatever the reference implementation refuses: a header that is
 * not JSON, unknown types, sizes that do not match shapes, overlaps, holes, bytes after the end. F32, BF16 and F16 become
 * Float32Array, I32 becomes Int32Array; the other types are refused by name. Writing is deterministic: wider types first, then by
 * name, header padded to 8 bytes, so that equal tensors give equal bytes. Little-endian machines only (all that run JavaScript today).
 */

import { fromBfloat16, fromFloat16, toBfloat16, toFloat16 } from './half.ts'

export type SafetensorsType = 'F32' | 'BF16' | 'F16' | 'I32'

/** `dtype` is how the values are stored; in memory floats are always 32 bits wide. */
export interface SafetensorsTensor {
  dtype: SafetensorsType
  shape: number[]
  data: Float32Array | Int32Array
}

export interface Safetensors {
  tensors: Map<string, SafetensorsTensor>
  metadata: Record<string, string>
}

/** Where a tensor lies: its first byte and the one after its last, counted from the start of the data. */
export interface TensorPlace {
  dtype: SafetensorsType
  shape: number[]
  begin: number
  end: number
}

export interface SafetensorsHeader {
  places: Map<string, TensorPlace>
  metadata: Record<string, string>
  /** Bytes of the file before the data. */
  dataStart: number
}

const bytesPerValue: Record<SafetensorsType, number> = { F32: 4, I32: 4, BF16: 2, F16: 2 }
const headerLimit = 100_000_000 // as in the reference implementation

const fail = (message: string): never => {
  throw new Error(`safetensors: ${message}`)
}

/** Throws an Error that names the tensor and what is wrong with it. */
export function readSafetensors(bytes: Uint8Array): Safetensors {
  const { places, metadata, dataStart } = readSafetensorsHeader(bytes, bytes.length)
  const tensors = new Map<string, SafetensorsTensor>()
  for (const [name, { dtype, shape, begin, end }] of places)
    tensors.set(name, { dtype, shape, data: decodeTensor(copyOf(bytes, dataStart + begin, dataStart + end), dtype) })
  return { tensors, metadata }
}

/** How many bytes from the file's beginning `readSafetensorsHeader` wants, told by the first 8 of a file of `fileBytes`. */
export function safetensorsHeaderBytes(first: Uint8Array, fileBytes: number): number {
  if (first.length < 8) fail(`${first.length} bytes are too few for the 8-byte length of the header`)
  const length = new DataView(first.buffer, first.byteOffset, 8).getBigUint64(0, true)
  if (length > BigInt(headerLimit))
    fail(`the header says it is ${length} bytes long; more than ${headerLimit} is refused`)
  const end = 8 + Number(length)
  if (end > fileBytes) fail(`the header says it is ${length} bytes long, but only ${fileBytes - 8} follow`)
  return end
}

/** `bytes` begin as the file does and hold at least its header. Throws as `readSafetensors`. */
export function readSafetensorsHeader(bytes: Uint8Array, fileBytes: number): SafetensorsHeader {
  const dataStart = safetensorsHeaderBytes(bytes, fileBytes)
  const header = parseHeader(bytes.subarray(8, dataStart))
  const metadata: Record<string, string> = {}
  const places = new Map<string, TensorPlace>()
  const ranges: { name: string; begin: number; end: number }[] = []
  const dataBytes = fileBytes - dataStart
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') {
      readMetadata(entry, metadata)
      continue
    }
    const { dtype, shape, begin, end } = readEntry(name, entry, dataBytes)
    ranges.push({ name, begin, end })
    places.set(name, { dtype, shape, begin, end })
  }
  ranges.sort((a, b) => a.begin - b.begin || a.end - b.end)
  let expected = 0
  for (const { name, begin, end } of ranges) {
    if (begin < expected)
      fail(`"${name}" starts at byte ${begin} of the data, inside the tensor that ends at ${expected}`)
    if (begin > expected) fail(`bytes ${expected} to ${begin} of the data belong to no tensor ("${name}" comes next)`)
    expected = end
  }
  if (expected !== dataBytes) fail(`the tensors end at byte ${expected} of the data, which has ${dataBytes}`)
  return { places, metadata, dataStart }
}

/** The same tensors and metadata give the same bytes, in whatever order they come. BF16 and F16 round to nearest, ties to even. */
export function writeSafetensors(
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const header: [string, unknown][] = []
  const metadataKeys = Object.keys(metadata).sort()
  if (metadataKeys.length > 0)
    header.push(['__metadata__', Object.fromEntries(metadataKeys.map((k) => [k, metadata[k]]))])
  const names = [...tensors.keys()].sort(
    (a, b) =>
      bytesPerValue[tensors.get(b)!.dtype] - bytesPerValue[tensors.get(a)!.dtype] || (a < b ? -1 : a > b ? 1 : 0),
  )
  const parts: Uint8Array[] = []
  let offset = 0
  for (const name of names) {
    if (name === '__metadata__') fail('"__metadata__" is reserved and cannot name a tensor')
    const { dtype, shape, data } = tensors.get(name)!
    const count = shape.reduce((product, size) => product * size, 1)
    if (count !== data.length)
      fail(`"${name}" has ${data.length} values but shape [${shape.join(', ')}] holds ${count}`)
    if ((dtype === 'I32') !== data instanceof Int32Array)
      fail(`"${name}" is ${dtype} but its data is ${data.constructor.name}`)
    const part = encode(data, dtype)
    header.push([name, { dtype, shape, data_offsets: [offset, offset + part.length] }])
    offset += part.length
    parts.push(part)
  }
  // Written entry by entry: an object literal would reorder keys that look like integers.
  const json = `{${header.map(([name, entry]) => `${JSON.stringify(name)}:${JSON.stringify(entry)}`).join(',')}}`
  const headerBytes = new TextEncoder().encode(json)
  const padded = Math.ceil(headerBytes.length / 8) * 8
  const bytes = new Uint8Array(8 + padded + offset)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(padded), true)
  bytes.fill(0x20, 8, 8 + padded)
  bytes.set(headerBytes, 8)
  let at = 8 + padded
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

function parseHeader(bytes: Uint8Array): object {
  if (bytes[0] !== 0x7b) fail('the header does not start with "{"')
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)) as object
  } catch (error) {
    return fail(`the header is not JSON in UTF-8 (${(error as Error).message})`)
  }
}

function readMetadata(entry: unknown, metadata: Record<string, string>) {
  if (!isObject(entry)) return fail('"__metadata__" is not an object')
  for (const [key, value] of Object.entries(entry)) {
    if (typeof value !== 'string') return fail(`"__metadata__" holds "${key}", whose value is not a string`)
    Object.defineProperty(metadata, key, { value, enumerable: true, configurable: true, writable: true })
  }
}

function readEntry(name: string, entry: unknown, dataBytes: number) {
  if (!isObject(entry)) return fail(`the entry of "${name}" is not an object`)
  const { dtype, shape, data_offsets: offsets } = entry
  if (typeof dtype !== 'string' || !Object.hasOwn(bytesPerValue, dtype)) {
    return fail(
      `"${name}" has dtype ${JSON.stringify(dtype)}; this reader knows ${Object.keys(bytesPerValue).join(', ')}`,
    )
  }
  if (!isSizes(shape)) return fail(`"${name}" has shape ${JSON.stringify(shape)}; a list of sizes was expected`)
  if (!isSizes(offsets) || offsets.length !== 2) {
    return fail(`"${name}" has data_offsets ${JSON.stringify(offsets)}; [begin, end] was expected`)
  }
  const [begin, end] = offsets as [number, number]
  if (begin > end || end > dataBytes)
    fail(`"${name}" lies at bytes ${begin} to ${end} of the data, which has ${dataBytes}`)
  const size = shape.reduce((product, n) => product * n, 1) * bytesPerValue[dtype as SafetensorsType]
  if (size !== end - begin) fail(`"${name}" has ${end - begin} bytes; ${dtype} [${shape.join(', ')}] needs ${size}`)
  return { dtype: dtype as SafetensorsType, shape, begin, end }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0)

/** A copy with a buffer of its own: `slice` of a Node Buffer would share the file's, at any alignment. */
function copyOf(bytes: Uint8Array, begin: number, end: number): Uint8Array {
  return new Uint8Array(bytes.subarray(begin, end))
}

/** Values from bytes, which must be a copy of their own, so that their buffer starts at byte 0 and is aligned. */
export function decodeTensor(bytes: Uint8Array, dtype: SafetensorsType): Float32Array | Int32Array {
  const buffer = bytes.buffer as ArrayBuffer
  if (dtype === 'F32') return new Float32Array(buffer)
  if (dtype === 'I32') return new Int32Array(buffer)
  const halves = new Uint16Array(buffer)
  return dtype === 'BF16' ? fromBfloat16(halves) : fromFloat16(halves)
}

function encode(data: Float32Array | Int32Array, dtype: SafetensorsType): Uint8Array {
  if (dtype === 'BF16') return new Uint8Array(toBfloat16(data as Float32Array).buffer)
  if (dtype === 'F16') return new Uint8Array(toFloat16(data as Float32Array).buffer)
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}
