/**
 * The weights of a model's folder, read in pieces: `model.safetensors`, or the shards that `model.safetensors.index.json` names. Opening reads
 * and checks the headers only; a tensor's values then come by the mebibyte, so that a model of any size needs no more memory than it has itself.
 */
import { existsSync } from 'node:fs'
import { type FileHandle, open, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { decodeTensor, readSafetensorsHeader, safetensorsHeaderBytes, type TensorPlace } from './safetensors.ts'

export const WEIGHTS_FILE = 'model.safetensors'
export const WEIGHTS_INDEX = 'model.safetensors.index.json'

export interface StoredWeights {
  tensors: ReadonlyMap<string, Pick<TensorPlace, 'dtype' | 'shape'>>
  /** Hands over a tensor's values in pieces, floats as f32; `first` is the place of a piece's first value. */
  read(name: string, take: (values: Float32Array | Int32Array, first: number) => void): Promise<void>
  close(): Promise<void>
}

const PIECE = 1 << 24 // bytes

/** Whether a folder holds weights. */
export const hasWeights = (folder: string) =>
  existsSync(join(folder, WEIGHTS_FILE)) || existsSync(join(folder, WEIGHTS_INDEX))

/** The files of a folder's weights by name, the index left out; one file comes before shards. Throws an Error that names the index. */
export async function weightFiles(folder: string): Promise<string[]> {
  if (existsSync(join(folder, WEIGHTS_FILE)) || !existsSync(join(folder, WEIGHTS_INDEX))) return [WEIGHTS_FILE]
  return [...new Set(Object.values(await readIndex(join(folder, WEIGHTS_INDEX))))].sort()
}

/** Throws an Error that starts with the path of the file that is wrong. */
export async function openWeights(folder: string): Promise<StoredWeights> {
  const files: OpenFile[] = []
  const close = async () => {
    for (const { handle } of files) await handle.close()
  }
  try {
    for (const name of await weightFiles(folder)) files.push(await openFile(join(folder, name)))
    const owners = new Map<string, OpenFile>()
    for (const file of files)
      for (const name of file.places.keys()) {
        const other = owners.get(name)
        if (other) throw new Error(`${file.path}: "${name}" lies in ${basename(other.path)} as well`)
        owners.set(name, file)
      }
    if (!existsSync(join(folder, WEIGHTS_FILE))) await expectIndexed(join(folder, WEIGHTS_INDEX), owners)
    return {
      tensors: new Map(Array.from(owners, ([name, { places }]) => [name, places.get(name)!])),
      read: (name, take) => readTensor(owners.get(name)!, name, take),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

interface OpenFile {
  path: string
  handle: FileHandle
  places: Map<string, TensorPlace>
  dataStart: number
}

async function openFile(path: string): Promise<OpenFile> {
  const handle = await open(path, 'r')
  try {
    const { size } = await handle.stat()
    const first = await readAt(handle, 0, Math.min(8, size))
    const header = readSafetensorsHeader(await readAt(handle, 0, safetensorsHeaderBytes(first, size)), size)
    return { path, handle, ...header }
  } catch (error) {
    await handle.close()
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error })
  }
}

async function readTensor(
  { path, handle, places, dataStart }: OpenFile,
  name: string,
  take: (values: Float32Array | Int32Array, first: number) => void,
) {
  const { dtype, begin, end } = places.get(name)!
  const bytesPerValue = dtype === 'F32' || dtype === 'I32' ? 4 : 2
  for (let at = begin; at < end; at += PIECE) {
    const bytes = await readAt(handle, dataStart + at, Math.min(PIECE, end - at))
    if (bytes.length < Math.min(PIECE, end - at)) throw new Error(`${path}: the file ends inside "${name}"`)
    take(decodeTensor(bytes, dtype), (at - begin) / bytesPerValue)
  }
}

async function readAt(handle: FileHandle, from: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, length - done, from + done)
    if (bytesRead === 0) return bytes.slice(0, done)
    done += bytesRead
  }
  return bytes
}

/** Tensor → name of its file, which must lie beside the index. */
async function readIndex(path: string): Promise<Record<string, string>> {
  let map: unknown
  try {
    map = (JSON.parse(await readFile(path, 'utf8')) as { weight_map?: unknown }).weight_map
  } catch (error) {
    throw new Error(`${path} is not JSON: ${(error as Error).message}`, { cause: error })
  }
  if (typeof map !== 'object' || map === null) throw new Error(`${path}: weight_map must say where each tensor lies`)
  for (const [name, file] of Object.entries(map))
    if (typeof file !== 'string' || !/^[\w-][\w.-]*\.safetensors$/.test(file))
      throw new Error(
        `${path}: weight_map["${name}"] is ${JSON.stringify(file)}, expected a .safetensors file beside it`,
      )
  return map as Record<string, string>
}

async function expectIndexed(path: string, owners: ReadonlyMap<string, OpenFile>) {
  for (const [name, file] of Object.entries(await readIndex(path)))
    if (basename(owners.get(name)?.path ?? '') !== file) throw new Error(`${path}: "${name}" is not in ${file}`)
}
