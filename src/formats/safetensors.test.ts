import fc from 'fast-check'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readSafetensorsFile, writeSafetensorsFile } from './safetensors.node.ts'
import { readSafetensors, writeSafetensors } from './safetensors.ts'
import type { SafetensorsTensor } from './safetensors.ts'

const f32 = (shape: number[], values: number[]): SafetensorsTensor => ({
  dtype: 'F32',
  shape,
  data: new Float32Array(values),
})

/** A file from a header given as text and data bytes, valid or not. */
function file(header: string, data: number[] = []): Uint8Array {
  const text = new TextEncoder().encode(header)
  const bytes = new Uint8Array(8 + text.length + data.length)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true)
  bytes.set(text, 8)
  bytes.set(data, 8 + text.length)
  return bytes
}
const entry = (dtype: string, shape: number[], begin: number, end: number) =>
  JSON.stringify({ dtype, shape, data_offsets: [begin, end] })

test('reads a Node Buffer, whose slices share memory', () => {
  const tensor = { dtype: 'F32' as const, shape: [3], data: Float32Array.from([1, 2, 3]) }
  const tensors = new Map([
    ['a', tensor],
    ['b', tensor],
  ])
  const bytes = Buffer.concat([Buffer.alloc(3), writeSafetensors(tensors)]).subarray(3)
  expect([...readSafetensors(bytes).tensors.get('b')!.data]).toEqual([1, 2, 3])
})

test('the bytes are those of the published layout', () => {
  const bytes = writeSafetensors(new Map([['b', f32([2], [1, -2])]]), { format: 'pt' })
  const header = '{"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
  const padded = header.padEnd(Math.ceil(header.length / 8) * 8)
  expect(bytes).toEqual(file(padded, [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]))
})

const name = fc
  .string({ minLength: 1, maxLength: 8, unit: 'grapheme' })
  .filter((s) => s !== '__metadata__' && s.isWellFormed())
const tensor = fc
  .tuple(fc.array(fc.nat(4), { maxLength: 3 }), fc.constantFrom('F32', 'I32', 'BF16'))
  .chain(([shape, dtype]): fc.Arbitrary<SafetensorsTensor> => {
    const n = shape.reduce((a, b) => a * b, 1)
    if (dtype === 'I32') {
      return fc
        .array(fc.integer(), { minLength: n, maxLength: n })
        .map((v) => ({ dtype, shape, data: new Int32Array(v) }))
    }
    return fc.array(fc.float({ noNaN: true }), { minLength: n, maxLength: n }).map((values) => {
      const data = new Float32Array(values)
      if (dtype === 'BF16') new Uint32Array(data.buffer).forEach((bits, i, all) => (all[i] = bits & 0xffff0000))
      return { dtype, shape, data }
    })
  })

test('what is written is read back, and order does not change a byte', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(name, tensor), { maxLength: 6 }),
      fc.dictionary(fc.string(), fc.string()),
      (list, metadata) => {
        const tensors = new Map(list)
        const bytes = writeSafetensors(tensors, metadata)
        expect(writeSafetensors(new Map([...tensors].toReversed()), metadata)).toEqual(bytes)
        const read = readSafetensors(bytes)
        expect(new Map([...read.tensors].sort())).toEqual(new Map([...tensors].sort()))
        expect(Object.entries(read.metadata).sort()).toEqual(Object.entries(metadata).sort())
        expect((8 + Number(new DataView(bytes.buffer).getBigUint64(0, true))) % 8).toBe(0)
      },
    ),
  )
})

test('half precision: every one of the 65,536 patterns', () => {
  const patterns = new Uint16Array(65536).map((_, i) => i)
  const bytes = file(`{"h":${entry('F16', [65536], 0, 131072)}}`, [...new Uint8Array(patterns.buffer)])
  const view = new DataView(patterns.buffer) as DataView & { getFloat16(at: number, little: boolean): number }
  expect(readSafetensors(bytes).tensors.get('h')!.data).toEqual(
    Float32Array.from(patterns, (_, i) => view.getFloat16(i * 2, true)),
  )
})

test('bfloat16 rounds to nearest, ties to even, and keeps NaN', () => {
  const data = new Float32Array(new Uint32Array([0x3f808000, 0x3f818000, 0x3f808001, 0x7f800001, 0x7f7fffff]).buffer)
  const bytes = writeSafetensors(new Map([['x', { dtype: 'BF16', shape: [5], data }]]))
  expect([...new Uint16Array(bytes.slice(-10).buffer)]).toEqual([0x3f80, 0x3f82, 0x3f81, 0x7fc0, 0x7f80])
})

test('half precision is written rounded to nearest, ties to even', () => {
  const data = Float32Array.of(1, -2, 2049, 2051, 65504, 2 ** -24)
  const bytes = writeSafetensors(new Map([['x', { dtype: 'F16', shape: [6], data }]]))
  expect([...new Uint16Array(bytes.slice(-12).buffer)]).toEqual([0x3c00, 0xc000, 0x6800, 0x6802, 0x7bff, 1])
})

const four = [0, 0, 0, 0]
test.each([
  ['no bytes', new Uint8Array(0), /too few/],
  ['a huge header', new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0xff, 1]), /refused/],
  ['a header past the end', new Uint8Array([9, 0, 0, 0, 0, 0, 0, 0, 0x7b]), /only 1 follow/],
  ['not JSON', file('{nope}'), /not JSON/],
  ['invalid UTF-8', new Uint8Array([3, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff, 0x7d]), /UTF-8/],
  ['an array', file('[]'), /"\{"/],
  ['an unknown type', file(`{"x":${entry('F8', [4], 0, 4)}}`, four), /"x" has dtype "F8"/],
  ['a type from the prototype', file(`{"x":${entry('toString', [4], 0, 4)}}`, four), /toString/],
  ['a negative size', file(`{"x":${entry('F32', [-1], 0, 4)}}`, four), /shape/],
  ['a size that does not match', file(`{"x":${entry('F32', [2], 0, 4)}}`, four), /needs 8/],
  ['a shape that overflows', file(`{"x":${entry('F32', [2 ** 40, 2 ** 40], 0, 4)}}`, four), /needs/],
  ['past the end', file(`{"x":${entry('F32', [2], 0, 8)}}`, four), /which has 4/],
  ['backwards', file(`{"x":${entry('F32', [], 4, 0)}}`, four), /lies at/],
  ['overlap', file(`{"x":${entry('F32', [1], 0, 4)},"y":${entry('F32', [1], 0, 4)}}`, four), /inside the tensor/],
  ['a hole', file(`{"x":${entry('F32', [1], 4, 8)}}`, [...four, ...four]), /belong to no tensor/],
  ['bytes after the end', file(`{"x":${entry('F32', [1], 0, 4)}}`, [...four, 0]), /which has 5/],
  ['metadata that is a number', file('{"__metadata__":{"a":1}}'), /"a"/],
  ['an entry that is null', file('{"x":null}'), /not an object/],
])('refuses %s', (_, bytes, message) => {
  expect(() => readSafetensors(bytes)).toThrow(message)
})

test('refuses to write what it could not read', () => {
  expect(() => writeSafetensors(new Map([['x', f32([3], [1])]]))).toThrow(/1 values .* holds 3/)
  expect(() => writeSafetensors(new Map([['x', { dtype: 'I32', shape: [1], data: new Float32Array(1) }]]))).toThrow(
    /I32/,
  )
  expect(() => writeSafetensors(new Map([['__metadata__', f32([1], [1])]]))).toThrow(/reserved/)
})

test('a damaged file gives our error or valid tensors, never another crash', () => {
  const good = writeSafetensors(
    new Map([
      ['model.w', f32([2, 2], [1, 2, 3, 4])],
      ['b', f32([1], [5])],
    ]),
    { format: 'pt' },
  )
  const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(damage, fc.nat(good.length), (changes, cut) => {
      const bytes = good.slice(0, cut < 20 ? good.length - cut : good.length)
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
      try {
        readSafetensors(bytes)
      } catch (error) {
        expect((error as Error).message).toMatch(/^safetensors: /)
      }
    }),
    { numRuns: 2000 },
  )
})

let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'xueba-safetensors-'))))
afterAll(() => rm(folder, { recursive: true, force: true }))

test('files: atomic, and errors name the path', async () => {
  const path = join(folder, 'deep', 'model.safetensors')
  await writeSafetensorsFile(path, new Map([['x', f32([2], [1, 2])]]))
  expect(await readdir(join(folder, 'deep'))).toEqual(['model.safetensors'])
  expect([...(await readSafetensorsFile(path)).tensors.get('x')!.data]).toEqual([1, 2])
  await writeFile(join(folder, 'bad.safetensors'), 'hello')
  await expect(readSafetensorsFile(join(folder, 'bad.safetensors'))).rejects.toThrow(
    /bad\.safetensors: safetensors: 5 bytes/,
  )
})
