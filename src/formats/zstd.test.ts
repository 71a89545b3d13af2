import fc from 'fast-check'
import { constants, zstdCompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import type { Bytes } from './bytes.ts'
import { decompressed } from './gzip.ts'
import { unzstd } from './zstd.ts'

async function read(source: Bytes) {
  const defects: string[] = []
  const parts: Uint8Array[] = []
  for await (const piece of unzstd(source)) {
    if ('defect' in piece) defects.push(`${piece.offset}: ${piece.defect}`)
    else parts.push(piece)
  }
  return { text: Buffer.concat(parts).toString('latin1'), defects }
}
const cut = (bytes: Uint8Array, size: number) =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size))
const skippable = Buffer.from([0x5f, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])
const checked = { params: { [constants.ZSTD_c_checksumFlag]: 1 } }

test('frames one after the other, however the bytes arrive', async () => {
  const texts = fc.array(fc.string({ unit: 'binary-ascii', maxLength: 300 }), { minLength: 1, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(texts, fc.integer({ min: 1, max: 100 }), fc.boolean(), async (texts, size, checksum) => {
      const frames = texts.map((text) => zstdCompressSync(Buffer.from(text, 'latin1'), checksum ? checked : {}))
      const bytes = Buffer.concat(frames.flatMap((frame) => [frame, skippable]))
      expect(await read(cut(bytes, size))).toEqual({ text: texts.join(''), defects: [] })
    }),
  )
})

test('a large frame arrives in pieces of bounded size', async () => {
  const text = Array.from({ length: 200_000 }, (_, i) => `${i} `).join('')
  let largest = 0
  for await (const piece of unzstd(cut(zstdCompressSync(text), 1000))) {
    if ('defect' in piece) throw new Error(piece.defect)
    largest = Math.max(largest, piece.length)
  }
  expect(largest).toBeLessThanOrEqual(1 << 18)
  expect((await read([zstdCompressSync(text)])).text).toBe(text)
})

const one = zstdCompressSync('one '.repeat(1000), checked)
const two = zstdCompressSync('two')
test('torn, damaged and foreign bytes are named; the next frame is read', async () => {
  expect(await read([one.subarray(0, 12)])).toMatchObject({
    defects: ['0: zstd frame is torn: the file ends inside it'],
  })
  expect(await read([Buffer.concat([one.subarray(0, 15), two])])).toMatchObject({
    text: expect.stringMatching(/two$/),
    defects: [expect.stringMatching(/^0: zstd frame is (damaged|torn).*goes on at byte 15$/)],
  })
  const wrong = Buffer.from(one)
  wrong[wrong.length - 1]! ^= 1
  expect((await read([wrong, two])).defects[0]).toMatch(/^0: zstd frame is damaged/)
  expect(await read([Buffer.from('junk'), two])).toEqual({ text: 'two', defects: ['0: 4 bytes are not zstd'] })
  expect(await read([two, skippable.subarray(0, 9)])).toMatchObject({
    text: 'two',
    defects: [expect.stringMatching(/ends inside a skippable/)],
  })
  expect(await read([])).toEqual({ text: '', defects: [] })
})

test('damage anywhere: no crash, no hang', async () => {
  const good = Buffer.concat([one, skippable, two, one])
  await fc.assert(
    fc.asyncProperty(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), fc.nat(40), async (at, flip, size) => {
      const bytes = Buffer.from(good)
      bytes[at]! ^= flip
      await read(cut(bytes, size + 1))
    }),
    { numRuns: 300 },
  )
})

test('decompressed knows zstd by its first bytes', async () => {
  const parts = []
  for await (const piece of decompressed(cut(Buffer.concat([skippable, one, two]), 3))) parts.push(piece as Uint8Array)
  expect(Buffer.concat(parts).toString()).toBe(`${'one '.repeat(1000)}two`)
})
