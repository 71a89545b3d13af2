import { gguf as readByHuggingFace } from '@huggingface/gguf'
import fc from 'fast-check'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { decodeGgml, encodeGgml, type GgmlType, ggmlTypes } from './ggml.ts'
import { readGguf, readGgufHeader } from './gguf-read.ts'
import { type GgufTensor, type GgufValue, writeGguf } from './gguf.ts'

const sample = () => ({
  metadata: new Map<string, GgufValue>([
    ['general.architecture', { type: 'string', value: 'x' }],
    ['a.b', { type: 'array', of: 'i32', value: [1, -2] }],
  ]),
  tensors: new Map<string, GgufTensor>([
    ['w', { type: 'f16', shape: [2, 3], data: Float32Array.of(1, -2, 0.5, 0, 65504, -1) }],
    ['n', { type: 'f32', shape: [1], data: Float32Array.of(-2) }],
  ]),
})
const sampleBytes = () => {
  const { metadata, tensors } = sample()
  return writeGguf(metadata, tensors)
}

test('the bytes are those of the published layout', () => {
  const text = (s: string) => [s.length, 0, 0, 0, 0, 0, 0, 0, ...Buffer.from(s)]
  const [u32, u64] = [(n: number) => [n, 0, 0, 0], (n: number) => [n, 0, 0, 0, 0, 0, 0, 0]]
  const header = [
    [...Buffer.from('GGUF'), ...u32(3), ...u64(2), ...u64(2)],
    [...text('general.architecture'), ...u32(8), ...text('x')],
    [...text('a.b'), ...u32(9), ...u32(5), ...u64(2), ...u32(1), 0xfe, 0xff, 0xff, 0xff],
    [...text('w'), ...u32(2), ...u64(3), ...u64(2), ...u32(1), ...u64(0)], // the row's length first
    [...text('n'), ...u32(1), ...u64(1), ...u32(0), ...u64(32)],
  ].flat()
  const pad = (bytes: number[]) => [...bytes, ...Array.from({ length: (32 - (bytes.length % 32)) % 32 }, () => 0)]
  const data = [0, 0x3c, 0, 0xc0, 0, 0x38, 0, 0, 0xff, 0x7b, 0, 0xbc]
  expect([...sampleBytes()]).toEqual([...pad(header), ...pad(data), ...pad([0, 0, 0, 0xc0])])
})

const integer = { u8: [0, 255], i8: [-128, 127], u16: [0, 65535], i16: [-32768, 32767], u32: [0, 2 ** 32 - 1] } as const
const scalars: fc.Arbitrary<GgufValue>[] = [
  ...Object.entries(integer).map(([type, [min, max]]) =>
    fc.integer({ min, max }).map((value): GgufValue => ({ type: type as 'u8', value })),
  ),
  fc.integer().map((value): GgufValue => ({ type: 'i32', value })),
  fc.float({ noNaN: true }).map((value): GgufValue => ({ type: 'f32', value })),
  fc.double({ noNaN: true }).map((value): GgufValue => ({ type: 'f64', value })),
  fc.boolean().map((value): GgufValue => ({ type: 'bool', value })),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value): GgufValue => ({ type: 'u64', value })),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value): GgufValue => ({ type: 'i64', value })),
  fc.string({ unit: 'grapheme' }).map((value): GgufValue => ({ type: 'string', value: value.toWellFormed() })),
]
const value: fc.Arbitrary<GgufValue> = fc.oneof(
  ...scalars,
  fc.constantFrom(...scalars).chain((one) =>
    fc.array(one, { minLength: 1, maxLength: 4 }).map((list): GgufValue => {
      const of = list[0]!.type as 'u8'
      return { type: 'array', of, value: list.map((item) => item.value as number) }
    }),
  ),
)
const tensor: fc.Arbitrary<GgufTensor> = fc
  .tuple(fc.constantFrom(...ggmlTypes), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 2 }))
  .chain(([type, rows, columns]) => {
    const shape = type.startsWith('q') ? [rows, columns * 32] : [rows, columns]
    const count = shape[0]! * shape[1]!
    return fc
      .array(fc.float({ min: -100, max: 100, noNaN: true }), { minLength: count, maxLength: count })
      .map((data) => ({ type, shape, data: new Float32Array(data) }))
  })
const key = fc.stringMatching(/^[a-z_.0-9]{1,20}$/).filter((k) => k !== 'general.alignment')

test('what is written is read back', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(key, value), { maxLength: 8 }),
      fc.array(fc.tuple(key, tensor), { maxLength: 5 }),
      (entries, list) => {
        const [metadata, tensors] = [new Map(entries), new Map(list)]
        const read = readGguf(writeGguf(metadata, tensors))
        expect([...read.metadata]).toEqual([...metadata])
        expect([...read.tensors.keys()]).toEqual([...tensors.keys()])
        for (const [name, { type, shape, data }] of tensors) {
          const found = read.tensors.get(name)!
          expect([found.type, found.shape]).toEqual([type, shape])
          expect(found.data).toEqual(encodeGgml(type, data))
        }
      },
    ),
    { numRuns: 300 },
  )
})

let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'xueba-gguf-'))))
afterAll(() => rm(folder, { recursive: true, force: true }))

test('holds vocabularies of hundreds of thousands', () => {
  const value = Array.from({ length: 200_000 }, (_, i) => `t${i}`)
  const bytes = writeGguf(new Map([['tokens', { type: 'array', of: 'string', value }]]), new Map())
  expect(readGguf(bytes).metadata.get('tokens')!.value).toEqual(value)
})

test('Hugging Face’s reader finds the same keys, shapes and places', async () => {
  const types: GgmlType[] = ['f32', 'f16', 'bf16', 'q8_0', 'q4_0']
  const data = Float32Array.from({ length: 128 }, (_, i) => Math.sin(i))
  const tensors = new Map(types.map((type) => [`t.${type}`, { type, shape: [2, 64], data }]))
  const metadata = new Map<string, GgufValue>([
    ['general.architecture', { type: 'string', value: 'qwen3' }],
    ['tokenizer.ggml.tokens', { type: 'array', of: 'string', value: ['Ġ', '中', '<|im_end|>'] }],
    ['x.big', { type: 'u64', value: 2n ** 53n + 1n }],
    ['x.eps', { type: 'f32', value: 0.5 }],
    ['x.yes', { type: 'bool', value: true }],
  ])
  const path = join(folder, 'a.gguf')
  const bytes = writeGguf(metadata, tensors)
  await writeFile(path, bytes)
  const read = await readByHuggingFace(path, { allowLocalFile: true })
  expect(read.metadata).toMatchObject({
    version: 3,
    tensor_count: 5n,
    kv_count: 5n,
    ...Object.fromEntries([...metadata].map(([k, v]) => [k, v.value])),
  })
  const ours = readGgufHeader(bytes)
  expect(Number(read.tensorDataOffset)).toBe(ours.dataStart)
  expect(read.tensorInfos.map(({ name, shape, dtype, offset }) => [name, shape, dtype, offset])).toEqual(
    types.map((type) => {
      const id = { f32: 0, f16: 1, q4_0: 2, q8_0: 8, bf16: 30 }[type]
      return [`t.${type}`, [64n, 2n], id, BigInt(ours.tensors.get(`t.${type}`)!.offset)]
    }),
  )
})

/** The sample with the bytes at the place where `find` begins, plus `at`, replaced. */
function changed(find: string, at: number, ...bytes: number[]): Uint8Array {
  const file = Buffer.from(sampleBytes())
  file.set(bytes, file.indexOf(find) + at)
  return new Uint8Array(file)
}
const huge = [255, 255, 255, 255, 255, 255, 31, 0]

test.each([
  ['no bytes', new Uint8Array(), /file ends in the magic number/],
  ['another file', new Uint8Array(100), /begin with "GGUF"/],
  ['version 2', changed('GGUF', 4, 2), /version is 2/],
  ['big-endian', changed('GGUF', 4, 0, 0, 0, 3), /big-endian/],
  ['too many tensors', changed('GGUF', 8, ...huge), /tensors do not fit/],
  ['too many keys', changed('GGUF', 16, 255, 255), /65535 metadata entries do not fit/],
  ['an impossible count', changed('GGUF', 8, ...huge.slice(0, 7), 1), /not possible/],
  ['a key that runs out of the file', changed('general', -8, ...huge), /file ends in a key/],
  ['a key that is not ASCII', changed('general', 0, 0xc3, 0xa9), /ASCII/],
  ['text that is not UTF-8', changed('general', 0, 0xff), /not UTF-8/],
  ['an unknown type of value', changed('a.b', 3, 13), /a\.b has the type 13/],
  ['an array of arrays', changed('a.b', 7, 9), /a\.b is an array of arrays/],
  ['an array that says it is longer', changed('a.b', 11, ...huge), /a\.b says it has \d+ elements/],
  ['an unknown type of tensor', changed('w\x02', 21, 12), /"w" has the type 12/],
  ['no dimensions', changed('w\x02', 1, 0), /"w" has 0 dimensions/],
  ['five dimensions', changed('w\x02', 1, 5), /"w" has 5 dimensions/],
  ['a size of zero', changed('w\x02', 5, 0), /"w" has shape \[2, 0\]/],
  ['sizes that overflow', changed('w\x02', 5, ...huge), /"w" has shape .* not possible/],
  ['half a block', changed('w\x02', 21, 8), /"w" has rows of 3, .* q8_0/],
  ['a hole', changed('n\x01', 17, 64), /"n" lies at byte 64 of the data; 32 was expected/],
  ['the same tensor twice', changed('n\x01', 0, 0x77), /"w" comes twice/],
  ['data cut off', sampleBytes().slice(0, -29), /"n" lies at bytes .* the file has/],
  ['bytes after the end', new Uint8Array([...sampleBytes(), 0]), /last tensor ends/],
])('refuses %s', (_, bytes, message) => {
  expect(() => readGguf(bytes)).toThrow(message)
})

test('a key that comes twice and a false alignment are refused', () => {
  const { metadata, tensors } = sample()
  const twice = Buffer.from(writeGguf(new Map([...metadata, ['a.c', { type: 'bool', value: true }]]), tensors))
  twice.set(Buffer.from('a.b'), twice.indexOf('a.c'))
  expect(() => readGguf(twice)).toThrow(/a\.b comes twice/)
  const aligned = Buffer.from(
    writeGguf(new Map([['general.alignmenu', { type: 'u32', value: 24 } as GgufValue]]), tensors),
  )
  aligned.set(Buffer.from('t'), aligned.indexOf('menu') + 3)
  expect(() => readGguf(aligned)).toThrow(/power of two/)
})

test('refuses to write what it could not read', () => {
  const of = (tensor: Partial<GgufTensor>, name = 'w') =>
    writeGguf(
      new Map(),
      new Map([[name, { type: 'f32', shape: [1], data: Float32Array.of(1), ...tensor } as GgufTensor]]),
    )
  expect(() => of({ shape: [2] })).toThrow(/"w" has 1 values but shape \[2\] holds 2/)
  expect(() => of({ type: 'q8_0' })).toThrow(/not whole blocks of q8_0/)
  expect(() => of({}, 'x'.repeat(64))).toThrow(/64 bytes/)
  expect(() => of({ shape: [1, 1, 1, 1, 1] })).toThrow(/one to four/)
  const holds = (value: GgufValue) => () => writeGguf(new Map([['k', value]]), new Map())
  expect(holds({ type: 'u8', value: 256 })).toThrow(/k holds 256, which is not a u8/)
  expect(holds({ type: 'array', of: 'i32', value: [1, 0.5] })).toThrow(/0\.5, which is not a i32/)
  expect(holds({ type: 'u64', value: -1n })).toThrow(/not a u64/)
  expect(holds({ type: 'string', value: 1 })).toThrow(/not a string/)
  expect(() => writeGguf(new Map([['é', { type: 'bool', value: true }]]), new Map())).toThrow(/ASCII/)
})

test('a damaged file gives our error or a valid file, never another crash, and takes no memory it has no bytes for', () => {
  const good = writeGguf(
    new Map<string, GgufValue>([...sample().metadata, ['s', { type: 'array', of: 'string', value: ['中', 'b'] }]]),
    new Map([...sample().tensors, ['q', { type: 'q4_0' as const, shape: [32], data: new Float32Array(32).fill(1) }]]),
  )
  const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(damage, fc.nat(good.length * 2), (changes, cut) => {
      const bytes = good.slice(0, cut < good.length ? cut : good.length)
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
      try {
        for (const { type, data } of readGguf(bytes).tensors.values()) decodeGgml(type, data)
      } catch (error) {
        expect((error as Error).message).toMatch(/^gguf: /)
      }
    }),
    { numRuns: 5000 },
  )
})
