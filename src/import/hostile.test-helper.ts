/**
 * Model files as damage or malice makes them, for the small fuzz of `npm test` and the large one of `npm run study -- models`: safetensors and
 * GGUF with headers that lie (places beyond the file, overlapping, sizes of 2^63, unknown types), cut short, with weights that are no
 * numbers, and turned bits; and config.json with other numbers.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { damaged, numbers } from '../formats/hostile.test-helper.ts'
import { decodeGgml, type GgufValue, readGguf, writeGguf } from '../formats/index.ts'
import { createModel, initialize, type ModelConfig, saveWeights, toHuggingFace } from '../nn/index.ts'
import { readConfig, readWeights } from '../stages/model-folder.ts'
import { Engine, openReference } from '../tensor/index.ts'

const config: ModelConfig = {
  vocabSize: 40,
  dim: 8,
  layers: 2,
  heads: 2,
  kvHeads: 1,
  headDim: 4,
  ff: 12,
  ropeTheta: 10_000,
  eps: 1e-6,
  tied: false,
  maxPositions: 32,
}

export interface Fuzzed {
  inputs: number
  /** By the kind of file: how many were refused, and how many are files after all. */
  refused: Record<string, number>
  read: Record<string, number>
  /** Messages, their numbers and names left out. */
  kinds: number
  slowestMs: number
  /** How much more memory the process took at its peak, in MB. */
  megabytes: number
  /** What was neither a file nor refused by a sentence of ours. */
  crashes: string[]
}

type Random = () => number
const pick = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random() * items.length)]!

/** What a liar writes for a number. */
const LIES = [0, -1, 1, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 63, 1e300, 0.5, null, 'x', [1], true]

function lyingSafetensors(good: Uint8Array, random: Random): Uint8Array {
  const length = Number(new DataView(good.buffer, good.byteOffset).getBigUint64(0, true))
  const header = JSON.parse(Buffer.from(good.subarray(8, 8 + length)).toString()) as Record<string, any>
  const names = Object.keys(header).filter((name) => name !== '__metadata__')
  const [one, other] = [header[pick(random, names)], header[pick(random, names)]]
  const lie = pick(random, LIES)
  const kind = Math.floor(random() * 8)
  if (kind === 0) one.data_offsets[Math.floor(random() * 2)] = lie
  else if (kind === 1) one.data_offsets = [...other.data_offsets]
  else if (kind === 2) one.shape[Math.floor(random() * 3)] = lie
  else if (kind === 3) one.dtype = pick(random, ['F64', 'I8', 'F8_E4M3', 'BOOL', 'f32', 'BF16', lie])
  else if (kind === 4) header[`${pick(random, names)}x`] = one
  else if (kind === 5) delete header[pick(random, names)]
  else if (kind === 6) one.data_offsets = one.data_offsets.map((at: number) => at + 4 * Math.floor(random() * 9))
  else header['__metadata__'] = pick(random, [lie, { format: lie }])
  const json = Buffer.from(JSON.stringify(header))
  const size = Buffer.alloc(8)
  const told = random() < 0.9 ? BigInt(json.length) : BigInt(pick(random, [0, 1, 2 ** 31, 2 ** 53, 2 ** 63]))
  size.writeBigUInt64LE(told)
  return Buffer.concat([size, json, good.subarray(8 + length)])
}

/** A weight that is no number somewhere in the data. */
function withNaN(good: Uint8Array, random: Random): Uint8Array {
  const bytes = Buffer.from(good)
  const start = 8 + Number(bytes.readBigUInt64LE(0))
  const at = start + 4 * Math.floor((random() * (bytes.length - start)) / 4)
  bytes.writeUInt32LE(pick(random, [0x7fc00000, 0x7f800000, 0xff800000, 0x7f800001]), at)
  return bytes
}

/** Eight or four bytes of the header become a number that a reader might believe. */
function lyingGguf(good: Uint8Array, random: Random): Uint8Array {
  const bytes = Buffer.from(good)
  const at = Math.floor(random() * (bytes.length - 8))
  if (random() < 0.5) bytes.writeUInt32LE(pick(random, [0, 1, 13, 255, 2 ** 31, 2 ** 32 - 1]), at)
  else bytes.writeBigUInt64LE(pick(random, [0n, 1n << 31n, 1n << 53n, 1n << 63n, (1n << 64n) - 1n]), at)
  return bytes
}

function lyingConfig(good: Record<string, unknown>, random: Random): Uint8Array {
  const key = pick(random, Object.keys(good))
  const lie = pick(random, [...LIES, 1e6, 3, 'mamba', 'gpt2', {}])
  const text = JSON.stringify({ ...good, [key]: lie })
  return Buffer.from(random() < 0.9 ? text : text.slice(0, Math.floor(random() * text.length)))
}

/** Our sentences begin with what they are about. */
const OURS = /^(safetensors: |gguf: |weights: |config\.json: |model \w+: )|cannot be read as part of a model: /

/** Reads `inputs` damaged files; the same seed, the same files. `folder`: for files on the disk. */
export async function fuzzModels(inputs: number, folder: string, seed = 8): Promise<Fuzzed> {
  const random = numbers(seed)
  const engine = new Engine(openReference())
  const model = createModel(engine, config, { trainable: false })
  initialize(model, 1)
  const safetensors = await saveWeights(model)
  await engine.close()
  const gguf = writeGguf(
    new Map<string, GgufValue>([
      ['general.architecture', { type: 'string', value: 'qwen3' }],
      ['tokens', { type: 'array', of: 'string', value: ['中', 'b', 'c'] }],
      ['scores', { type: 'array', of: 'f32', value: [0, 1] }],
      ['count', { type: 'u64', value: 7n }],
    ]),
    new Map([
      ['a.weight', { type: 'f32' as const, shape: [3, 32], data: new Float32Array(96).fill(1) }],
      ['b.weight', { type: 'q4_0' as const, shape: [2, 32], data: new Float32Array(64).fill(1) }],
      ['c.weight', { type: 'bf16' as const, shape: [5], data: new Float32Array(5).fill(1) }],
    ]),
  )
  const json = toHuggingFace(config)
  mkdirSync(folder, { recursive: true })
  const readFolder = async (name: string, bytes: Uint8Array) => {
    writeFileSync(join(folder, 'config.json'), JSON.stringify(json))
    writeFileSync(join(folder, name), bytes)
    await readWeights(folder, await readConfig(folder))
  }
  const readers: [name: string, make: () => Uint8Array, read: (bytes: Uint8Array) => unknown][] = [
    ['safetensors, header', () => lyingSafetensors(safetensors, random), (b) => readFolder('model.safetensors', b)],
    ['safetensors, bytes', () => damaged(safetensors, random), (b) => readFolder('model.safetensors', b)],
    [
      'safetensors, cut',
      () => safetensors.subarray(0, Math.floor(random() * safetensors.length)),
      (b) => readFolder('model.safetensors', b),
    ],
    ['safetensors, NaN', () => withNaN(safetensors, random), (b) => readFolder('model.safetensors', b)],
    ['gguf, numbers', () => lyingGguf(gguf, random), (b) => wholeGguf(b)],
    ['gguf, bytes', () => damaged(gguf, random), (b) => wholeGguf(b)],
    ['gguf, cut', () => gguf.subarray(0, Math.floor(random() * gguf.length)), (b) => wholeGguf(b)],
    ['config.json', () => lyingConfig(json, random), (b) => readLied(b)],
  ]
  const readLied = async (bytes: Uint8Array) => {
    writeFileSync(join(folder, 'model.safetensors'), safetensors)
    writeFileSync(join(folder, 'config.json'), bytes)
    await readWeights(folder, await readConfig(folder))
  }
  const result: Fuzzed = { inputs, refused: {}, read: {}, kinds: 0, slowestMs: 0, megabytes: 0, crashes: [] }
  const kinds = new Set<string>()
  const before = process.memoryUsage().rss
  for (let i = 0; i < inputs; i++) {
    const [name, make, read] = readers[i % readers.length]!
    const bytes = make()
    const from = performance.now()
    try {
      await read(bytes)
      result.read[name] = (result.read[name] ?? 0) + 1
    } catch (error) {
      const { message } = error as Error
      result.refused[name] = (result.refused[name] ?? 0) + 1
      kinds.add(message.replaceAll(/"[^"]*"|[\d.e+-]+|\[.*?\]/g, '·').slice(-60))
      if (!OURS.test(message)) result.crashes.push(`${name}, input ${i}: ${(error as Error).name}: ${message}`)
      // Behind a sentence of ours a crash of another kind may hide.
      else if (/is not a function|of undefined|Invalid array length|out of memory|allocation/.test(message))
        result.crashes.push(`${name}, input ${i}: ${message}`)
    }
    result.slowestMs = Math.max(result.slowestMs, performance.now() - from)
    result.megabytes = Math.max(result.megabytes, (process.memoryUsage().rss - before) / 1e6)
  }
  return { ...result, kinds: kinds.size }
}

function wholeGguf(bytes: Uint8Array): void {
  for (const { type, data } of readGguf(bytes).tensors.values()) decodeGgml(type, data)
}
