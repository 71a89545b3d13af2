/**
 * Reading GGUF (gguf.ts), as strictly as llama.cpp or more so: every length is compared with what is left of the file before
 * anything is allocated, and nothing is guessed. Refused by name: other versions, big-endian files, unknown types, arrays of arrays,
 * keys or tensors that come twice, tensors that are not one after the other, bytes that belong to nothing.
 */
import { bytesOfGgml, fitsGgml, ggmlOfId, type GgmlType } from './ggml.ts'
import {
  GGUF_ALIGNMENT,
  GGUF_MAGIC,
  GGUF_NAME_BYTES,
  GGUF_VERSION,
  type GgufScalar,
  type GgufType,
  ggufTypes,
  type GgufValue,
  scalarBytes,
} from './gguf.ts'

export interface GgufTensorInfo {
  type: GgmlType
  /** Ours: (rows, columns). */
  shape: number[]
  /** Bytes from the start of the data, and how many. */
  offset: number
  bytes: number
}

export interface GgufHeader {
  metadata: Map<string, GgufValue>
  tensors: Map<string, GgufTensorInfo>
  /** Where the data begins, in bytes from the start of the file. */
  dataStart: number
}

export interface Gguf {
  metadata: Map<string, GgufValue>
  /** `data` is a view of the file: `decodeGgml` makes values of it. */
  tensors: Map<string, GgufTensorInfo & { data: Uint8Array }>
}

const fail = (message: string): never => {
  throw new Error(`gguf: ${message}`)
}

/** The smallest metadata entry and tensor entry: an empty name, and what must follow it. */
const LEAST_ENTRY = { 'metadata entries': 8 + 4 + 1, tensors: 8 + 4 + 8 + 4 + 8 }

/** Throws an Error that names the key or tensor, and what is wrong with it. */
export function readGguf(bytes: Uint8Array): Gguf {
  const { metadata, tensors, dataStart } = readGgufHeader(bytes)
  const found: Gguf['tensors'] = new Map()
  let end = dataStart
  for (const [name, info] of tensors) {
    const at = dataStart + info.offset
    end = at + info.bytes
    if (end > bytes.length) fail(`"${name}" lies at bytes ${at} to ${end}; the file has ${bytes.length}`)
    found.set(name, { ...info, data: bytes.subarray(at, end) })
  }
  const alignment = alignmentOf(metadata)
  if (tensors.size > 0 && bytes.length > align(end, alignment))
    fail(`the last tensor ends at byte ${end}; the file has ${bytes.length}`)
  return { metadata, tensors: found }
}

/** Everything but the data: the beginning of a file is enough. */
export function readGgufHeader(bytes: Uint8Array): GgufHeader {
  const from = new Reader(bytes)
  const magic = from.u32('the magic number')
  if (magic !== GGUF_MAGIC) fail('the file does not begin with "GGUF"')
  const version = from.u32('the version')
  if (version === 0x03000000) fail('the file is big-endian; only little-endian files are read')
  if (version !== GGUF_VERSION) fail(`the version is ${version}; only ${GGUF_VERSION} is read`)
  const tensorCount = from.count('tensors')
  const metadata = new Map<string, GgufValue>()
  for (let left = from.count('metadata entries'); left > 0; left--) {
    const key = from.string('a key')
    if (!/^[ -~]{1,65535}$/.test(key))
      fail(`the key ${JSON.stringify(key.slice(0, 80))} is not 1 to 65535 ASCII characters`)
    if (metadata.has(key)) fail(`the key ${key} comes twice`)
    metadata.set(key, from.value(key))
  }
  const alignment = alignmentOf(metadata)
  const tensors = new Map<string, GgufTensorInfo>()
  let expected = 0
  for (let i = 0; i < tensorCount; i++) {
    const [name, info] = from.tensor()
    if (tensors.has(name)) fail(`the tensor "${name}" comes twice`)
    if (info.offset !== expected) fail(`"${name}" lies at byte ${info.offset} of the data; ${expected} was expected`)
    expected = align(expected + info.bytes, alignment)
    tensors.set(name, info)
  }
  return { metadata, tensors, dataStart: align(from.at, alignment) }
}

const align = (at: number, alignment: number) => Math.ceil(at / alignment) * alignment

function alignmentOf(metadata: ReadonlyMap<string, GgufValue>): number {
  const found = metadata.get('general.alignment')
  if (!found) return GGUF_ALIGNMENT
  const { type, value } = found
  if (type !== 'u32' || typeof value !== 'number' || value < 8 || value > 65536 || (value & (value - 1)) !== 0)
    return fail('general.alignment is not a u32 and a power of two from 8 to 65536')
  return value
}

const typeNames = Object.fromEntries(Object.entries(ggufTypes).map(([name, id]) => [id, name as GgufType]))

/** A place in the bytes; every step says what it was looking for when they end. */
class Reader {
  at = 0
  private readonly bytes: Uint8Array
  private readonly view: DataView

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  private get left(): number {
    return this.bytes.length - this.at
  }

  /** Moves on by so many bytes and returns where they begin. */
  private skip(bytes: number, what: string): number {
    if (bytes > this.left) fail(`the file ends in ${what}: ${bytes} bytes were expected, ${this.left} are left`)
    const at = this.at
    this.at += bytes
    return at
  }

  u32(what: string): number {
    return this.view.getUint32(this.skip(4, what), true)
  }

  /** A length or size; one that no array of JavaScript's could have is refused. */
  private length(what: string): number {
    const value = this.view.getBigUint64(this.skip(8, what), true)
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) fail(`${what} says ${value}, which is not possible`)
    return Number(value)
  }

  count(what: keyof typeof LEAST_ENTRY): number {
    const count = this.length(`the number of ${what}`)
    if (count > this.left / LEAST_ENTRY[what]) fail(`${count} ${what} do not fit into the ${this.left} bytes left`)
    return count
  }

  string(what: string): string {
    const length = this.length(`the length of ${what}`)
    const at = this.skip(length, what)
    try {
      return utf8.decode(this.bytes.subarray(at, at + length))
    } catch {
      return fail(`${what} is not UTF-8`)
    }
  }

  value(key: string): GgufValue {
    const type = this.type(key)
    if (type !== 'array') return { type, value: this.scalar(type, key) }
    const of = this.type(`the elements of ${key}`)
    if (of === 'array') return fail(`${key} is an array of arrays, which is not read`)
    const length = this.length(`the length of ${key}`)
    if (length > this.left / scalarBytes[of])
      fail(`${key} says it has ${length} elements; only ${this.left} bytes are left`)
    return { type, of, value: Array.from({ length }, () => this.scalar(of, key)) }
  }

  private type(what: string): GgufType {
    const id = this.u32(`the type of ${what}`)
    return typeNames[id] ?? fail(`${what} has the type ${id}, which is none of GGUF's 13`)
  }

  private scalar(type: Exclude<GgufType, 'array'>, key: string): GgufScalar {
    if (type === 'string') return this.string(key)
    const { view } = this
    const at = this.skip(scalarBytes[type], key)
    if (type === 'bool') {
      const value = view.getUint8(at)
      return value > 1 ? fail(`${key} is a bool with the value ${value}; 0 or 1 was expected`) : value === 1
    }
    if (type === 'u8') return view.getUint8(at)
    if (type === 'i8') return view.getInt8(at)
    if (type === 'u16') return view.getUint16(at, true)
    if (type === 'i16') return view.getInt16(at, true)
    if (type === 'u32') return view.getUint32(at, true)
    if (type === 'i32') return view.getInt32(at, true)
    if (type === 'f32') return view.getFloat32(at, true)
    if (type === 'f64') return view.getFloat64(at, true)
    return type === 'u64' ? view.getBigUint64(at, true) : view.getBigInt64(at, true)
  }

  tensor(): [name: string, info: GgufTensorInfo] {
    const name = this.string('the name of a tensor')
    const bytes = new TextEncoder().encode(name).length
    if (bytes < 1 || bytes > GGUF_NAME_BYTES)
      fail(`the name ${JSON.stringify(name.slice(0, 80))} has ${bytes} bytes; 1 to ${GGUF_NAME_BYTES} were expected`)
    const dims = this.u32(`"${name}"`)
    if (dims < 1 || dims > 4) fail(`"${name}" has ${dims} dimensions; 1 to 4 were expected`)
    const shape = Array.from({ length: dims }, () => this.length(`a size of "${name}"`)).toReversed()
    const values = shape.reduce((product, size) => product * size, 1)
    if (values < 1 || !Number.isSafeInteger(values * 4))
      fail(`"${name}" has shape [${shape.join(', ')}], which is not possible`)
    const id = this.u32(`the type of "${name}"`)
    const type = ggmlOfId(id) ?? fail(`"${name}" has the type ${id}; this reader knows f32, f16, bf16, q8_0 and q4_0`)
    if (!fitsGgml(type, shape.at(-1)!))
      fail(`"${name}" has rows of ${shape.at(-1)}, which are not whole blocks of ${type}`)
    const offset = this.length(`the place of "${name}"`)
    return [name, { type, shape, offset, bytes: bytesOfGgml(type, values) }]
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
