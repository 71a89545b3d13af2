import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { random } from '../tensor/random.ts'
import { openWeights, weightFiles } from './safetensors-folder.ts'
import { safetensorsShards } from './safetensors-shards.ts'
import { type SafetensorsTensor, type SafetensorsType, writeSafetensors } from './safetensors.ts'

const root = await mkdtemp(join(tmpdir(), 'xueba-weights-'))
afterAll(() => rm(root, { recursive: true }))
let folder: string
beforeEach(async () => (folder = await mkdtemp(join(root, 'w'))))

/** Values that all types hold exactly. */
function tensorsOf(dtype: SafetensorsType, sizes: number[]): Map<string, SafetensorsTensor> {
  const draw = random(1, 'weights')
  return new Map(
    sizes.map((n, i) => [
      `t${i}`,
      { dtype, shape: [n], data: Float32Array.from({ length: n }, () => draw.below(256) - 128) },
    ]),
  )
}

async function values(name: string): Promise<number[]> {
  const weights = await openWeights(folder)
  const found: number[] = []
  await weights.read(name, (piece, first) => {
    expect(first).toBe(found.length)
    for (const value of piece) found.push(value)
  })
  await weights.close()
  return found
}

const put = (name: string, content: Uint8Array | string) => writeFile(join(folder, name), content)

test.each(['F32', 'BF16', 'F16'] as const)('reads %s in one file and in shards', async (dtype) => {
  const tensors = tensorsOf(dtype, [5, 300, 17])
  for (const limit of [1e9, 64]) {
    for (const [name, bytes] of safetensorsShards(tensors, limit)) await put(name, bytes)
    for (const [name, { data }] of tensors) expect(await values(name)).toEqual([...data])
    expect((await weightFiles(folder)).length).toBe(limit === 64 ? 3 : 1)
    await rm(join(folder, 'model.safetensors'), { force: true })
  }
})

test('hands over a large tensor in pieces', async () => {
  const data = Float32Array.from({ length: 5_000_000 }, (_, i) => i)
  await put('model.safetensors', writeSafetensors(new Map([['a', { dtype: 'F32', shape: [5_000_000], data }]])))
  const weights = await openWeights(folder)
  const pieces: [first: number, length: number, value: number][] = []
  await weights.read('a', (piece, first) => pieces.push([first, piece.length, piece.at(-1)!]))
  await weights.close()
  expect(pieces).toEqual([
    [0, 4_194_304, 4_194_303],
    [4_194_304, 805_696, 4_999_999],
  ])
})

describe('a header that lies', () => {
  /** A file with this header and so many bytes of data. */
  const file = (header: string, data: number, length?: bigint) => {
    const bytes = new Uint8Array(8 + header.length + data)
    new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(header.length), true)
    bytes.set(new TextEncoder().encode(header), 8)
    return bytes
  }
  const tensor = (shape: string, begin: string | number, end: string | number) =>
    `{"dtype":"F32","shape":${shape},"data_offsets":[${begin},${end}]}`

  test.each([
    ['of 2^63 bytes', file('{}', 0, 1n << 63n), /header says it is 9223372036854775808 bytes long; more than/],
    ['longer than the file', file('{}', 0, 50n), /header says it is 50 bytes long, but only 2 follow/],
    ['of a file of 3 bytes', new Uint8Array(3), /3 bytes are too few/],
    [
      'with offsets beyond the file',
      file(`{"a":${tensor('[4]', 0, 16)}}`, 8),
      /"a" lies at bytes 0 to 16 of the data, which has 8/,
    ],
    [
      'with tensors that overlap',
      file(`{"a":${tensor('[2]', 0, 8)},"b":${tensor('[2]', 4, 12)}}`, 12),
      /"b" starts at byte 4/,
    ],
    ['with a hole', file(`{"a":${tensor('[1]', 4, 8)}}`, 8), /bytes 0 to 4 of the data belong to no tensor/],
    ['with sizes of 2^63', file(`{"a":${tensor('[9223372036854775808]', 0, 8)}}`, 8), /"a" has shape .*list of sizes/],
    ['with a product beyond 2^53', file(`{"a":${tensor('[94906267,94906267]', 0, 8)}}`, 8), /"a" has 8 bytes; F32/],
    ['with offsets of 2^63', file(`{"a":${tensor('[2]', 0, '9223372036854775808')}}`, 8), /"a" has data_offsets/],
    ['with offsets below 0', file(`{"a":${tensor('[2]', -8, 0)}}`, 8), /"a" has data_offsets/],
  ])('%s', async (_, bytes, message) => {
    await put('model.safetensors', bytes)
    await expect(openWeights(folder)).rejects.toThrow(message)
    await expect(openWeights(folder)).rejects.toThrow(join(folder, 'model.safetensors'))
  })

  test('about a file that is cut while it is read', async () => {
    for (const [name, bytes] of safetensorsShards(tensorsOf('F32', [100]))) await put(name, bytes)
    const weights = await openWeights(folder)
    await truncate(join(folder, 'model.safetensors'), 200)
    await expect(weights.read('t0', () => {})).rejects.toThrow('the file ends inside "t0"')
    await weights.close()
  })
})

describe('an index that lies', () => {
  const index = async (change: (json: Record<string, unknown>) => unknown) => {
    for (const [name, bytes] of safetensorsShards(tensorsOf('F32', [5, 300]), 64)) await put(name, bytes)
    const json = JSON.parse(await readFile(join(folder, 'model.safetensors.index.json'), 'utf8'))
    change(json)
    await put('model.safetensors.index.json', JSON.stringify(json))
  }
  const shards = (json: Record<string, unknown>) => json.weight_map as Record<string, string>

  test.each<[string, (json: Record<string, unknown>) => unknown, RegExp]>([
    ['without a map', (json) => delete json.weight_map, /weight_map must say/],
    [
      'about a file elsewhere',
      (json) => (shards(json).t0 = '../secret.safetensors'),
      /weight_map\["t0"\] is "..\/secret/,
    ],
    ['about a file that is not there', (json) => (shards(json).t0 = 'model-9.safetensors'), /model-9.safetensors/],
    ['about a tensor of another file', (json) => (shards(json).t0 = shards(json).t1!), /"t0" is not in model-00002/],
  ])('%s', async (_, change, message) => {
    await index(change)
    await expect(openWeights(folder)).rejects.toThrow(message)
  })

  test('about a tensor in two files', async () => {
    await index((json) => json)
    await put('model-00001-of-00002.safetensors', writeSafetensors(tensorsOf('F32', [5, 300])))
    await expect(openWeights(folder)).rejects.toThrow(/"t1" lies in model-0000.-of-00002.safetensors as well/)
  })
})
