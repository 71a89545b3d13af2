import fc from 'fast-check'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { collect } from './bytes.ts'
import { openJsonl, parseJsonl, readJsonl } from './jsonl.ts'

const all = (source: Iterable<Uint8Array>, maxLine?: number) => collect(parseJsonl(source, maxLine))
const text = (s: string) => [Buffer.from(s)]

test('values carry line and offset; blank lines, CRLF and a byte-order mark are no matter', async () => {
  expect(await all(text('\ufeff{"a":1}\r\n\n  \n"é"\n7'))).toEqual([
    { line: 1, offset: 0, value: { a: 1 } },
    { line: 4, offset: 16, value: 'é' },
    { line: 5, offset: 21, value: 7 },
  ])
})

test('defects are named in their place and reading goes on', async () => {
  const bytes = Buffer.concat([
    Buffer.from('1\n{"a":\n"'),
    Buffer.from([0xff]),
    Buffer.from('"\n"aaaaaaaaaaaaaaaa"\n2\n'),
  ])
  expect(await all([bytes], 10)).toEqual([
    { line: 1, offset: 0, value: 1 },
    { line: 2, offset: 2, defect: expect.stringMatching(/^malformed JSON: /) },
    { line: 3, offset: 8, defect: 'invalid UTF-8' },
    { line: 4, offset: 12, defect: 'line of 18 bytes; more than 10 are refused' },
    { line: 5, offset: 31, value: 2 },
  ])
})

test('a torn gzip file: the whole lines, then one defect', async () => {
  const lines = Array.from({ length: 2000 }, (_, i) => JSON.stringify({ i, hash: Math.sin(i) })).join('\n')
  const packed = gzipSync(lines)
  const result = await all([packed.subarray(0, packed.length / 2)])
  expect(result.length).toBeGreaterThan(500)
  expect(result.filter((r) => 'defect' in r)).toEqual([result.at(-1)])
  expect(result.at(-1)).toMatchObject({
    line: result.length,
    defect: expect.stringMatching(/damaged: the file ends inside it/),
  })
})

test('what is written is read, wherever the chunks are cut, packed or not', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.jsonValue()),
      fc.integer({ min: 1, max: 20 }),
      fc.boolean(),
      async (values, size, packed) => {
        const plain = Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(''))
        const bytes = packed ? gzipSync(plain) : plain
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
          bytes.subarray(i * size, (i + 1) * size),
        )
        const read = await all(chunks)
        expect(read.map((r) => ('value' in r ? JSON.stringify(r.value) : r))).toEqual(
          values.map((v) => JSON.stringify(v)),
        )
        expect(read.map((r) => r.line)).toEqual(values.map((_, i) => i + 1))
      },
    ),
  )
})

test('any bytes at all: no crash, and every line is accounted for', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (bytes) => {
      for (const item of await all([bytes])) expect('value' in item || item.defect.length > 0).toBe(true)
    }),
  )
})

let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'xueba-jsonl-'))))
afterAll(() => rm(folder, { recursive: true, force: true }))

test('the writer publishes on close, and leaves nothing when it is discarded', async () => {
  const path = join(folder, 'a.jsonl')
  const file = await openJsonl(path)
  await file.write({ text: '你好\n' })
  await file.write([1])
  expect((await readdir(folder)).includes('a.jsonl')).toBe(false)
  await file.close()
  expect(await readFile(path, 'utf8')).toBe('{"text":"你好\\n"}\n[1]\n')
  expect(await collect(readJsonl(path))).toHaveLength(2)
  const other = await openJsonl(path)
  await other.write(1)
  await other.discard()
  expect(await readdir(folder)).toEqual(['a.jsonl'])
  await writeFile(join(folder, 'b.jsonl.gz'), gzipSync('1\n2\n'))
  expect(await collect(readJsonl(join(folder, 'b.jsonl.gz')))).toMatchObject([{ value: 1 }, { value: 2 }])
})
