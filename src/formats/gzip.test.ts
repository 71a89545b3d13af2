import fc from 'fast-check'
import { deflateRawSync, gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { decompressed, inflateMembers } from './gzip.ts'
import type { Bytes, Defect } from './bytes.ts'

/** Members by offset, and defects, as text. */
async function read(source: Bytes) {
  const members = new Map<number, string>()
  const defects: Defect[] = []
  for await (const piece of inflateMembers(source)) {
    if ('defect' in piece) defects.push(piece)
    else members.set(piece.member, (members.get(piece.member) ?? '') + Buffer.from(piece.bytes).toString('latin1'))
  }
  return { members: [...members], defects }
}
const cut = (bytes: Uint8Array, size: number) =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size))

test('members come apart at their borders, however the bytes arrive', async () => {
  const texts = fc.array(fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 300 }), { maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(texts, fc.integer({ min: 1, max: 100 }), async (texts, size) => {
      const packed = texts.map((text) => gzipSync(text))
      const starts = packed.map((_, i) => packed.slice(0, i).reduce((sum, p) => sum + p.length, 0))
      const result = await read(cut(Buffer.concat(packed), size))
      expect(result).toEqual({ members: texts.map((text, i) => [starts[i], text]), defects: [] })
    }),
  )
})

test('a large member arrives in pieces', async () => {
  const text = 'a long story. '.repeat(400_000)
  const { members, defects } = await read(cut(gzipSync(text), 1 << 18))
  expect(defects).toEqual([])
  expect(members[0]![1] === text).toBe(true)
})

test('all optional header fields', async () => {
  const header = [0x1f, 0x8b, 8, 4 | 8 | 16 | 2, 0, 0, 0, 0, 0, 3, 3, 0, 9, 9, 9, 97, 0, 98, 99, 0, 1, 2]
  const plain = gzipSync('hi')
  const { members, defects } = await read([new Uint8Array([...header, ...deflateRawSync('hi'), ...plain.subarray(-8)])])
  expect([members, defects]).toEqual([[[0, 'hi']], []])
})

const one = gzipSync('one'.repeat(1000))
const two = gzipSync('two')
test.each([
  ['garbage before', [Buffer.from('xx\x1fyy'), two], [[5, 'two']], [{ offset: 0, defect: '5 bytes are not gzip' }]],
  ['garbage after', [two, Buffer.from('junk')], [[0, 'two']], [{ offset: two.length, defect: '4 bytes are not gzip' }]],
  ['zeros after', [two, Buffer.alloc(1000)], [[0, 'two']], []],
  ['not gzip at all', [Buffer.from('hello')], [], [{ offset: 0, defect: '5 bytes are not gzip' }]],
  ['a torn header', [two.subarray(0, 5)], [], [{ offset: 0, defect: '5 bytes are not gzip' }]],
  ['nothing', [], [], []],
])('%s', async (_, parts, members, defects) => {
  expect(await read(parts)).toEqual({ members, defects })
})

test('a torn member gives what it has, a defect, and the next member', async () => {
  const torn = one.subarray(0, one.length - 9)
  const { members, defects } = await read([Buffer.concat([torn, two])])
  expect(defects).toHaveLength(1)
  expect(defects[0]).toMatchObject({ offset: 0, defect: expect.stringMatching(/damaged.*goes on at byte/) })
  expect(members.at(-1)).toEqual([torn.length, 'two'])
  expect((await read([torn])).defects).toMatchObject([
    { offset: 0, defect: 'gzip member is damaged: the file ends inside it' },
  ])
})

test('a wrong checksum or length is named', async () => {
  const wrong = Buffer.from(one)
  wrong[wrong.length - 8]! ^= 1
  expect((await read([wrong])).defects[0]!.defect).toMatch(/checksum does not match/)
  const long = Buffer.from(one)
  long[long.length - 4]! ^= 1
  expect((await read([long])).defects[0]!.defect).toMatch(/3000 bytes, but says 3001/)
})

test('damage anywhere: no crash, no hang, nothing lost in silence', async () => {
  const good = Buffer.concat([one, two, gzipSync('three')])
  await fc.assert(
    fc.asyncProperty(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), fc.nat(40), async (at, flip, size) => {
      const bytes = Buffer.from(good)
      bytes[at]! ^= flip
      const { members, defects } = await read(cut(bytes, size + 1))
      const whole = members.map(([, text]) => text).join() === ['one'.repeat(1000), 'two', 'three'].join()
      expect(whole || defects.length > 0).toBe(true)
    }),
    { numRuns: 300 },
  )
})

test('decompressed passes plain bytes through', async () => {
  const chunks = []
  for await (const chunk of decompressed([Buffer.from('pl'), Buffer.from('ain')])) chunks.push(chunk as Uint8Array)
  expect(Buffer.concat(chunks).toString()).toBe('plain')
})
