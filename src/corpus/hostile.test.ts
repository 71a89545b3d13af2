/** Everything that is read, damaged or made to hurt: no crash, no hang, bounded memory. 10,000 inputs and larger ones: `npm run study -- readers`. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import {
  encodeWarcInfo,
  encodeWarcResponse,
  openParquet,
  parseCsv,
  parseHttp,
  parseJsonl,
  parseText,
  parseWarc,
} from '../formats/index.ts'
import { damaged, endless, gzipBomb, numbers, zstdBomb } from '../formats/hostile.test-helper.ts'
import type { Bytes } from '../formats/index.ts'
import { describeRecord, fromRecord } from './archive.ts'

const date = '2024-01-31T12:00:00Z'
const body = '<html><head><meta charset="gbk"><title>A page</title></head><body><p>Some text. 学习。</p></body></html>'
const pages = [
  encodeWarcInfo(date, { software: 'test' }),
  encodeWarcResponse({ url: 'http://a.example/1', date, body }),
  ...(['gzip', 'br', 'zstd'] as const).map((encoding, i) =>
    encodeWarcResponse({
      url: `http://a.example/${encoding}`,
      date,
      body: [gzipSync, brotliCompressSync, zstdCompressSync][i]!(body),
      headers: { 'Content-Type': 'text/html', 'Content-Encoding': encoding },
    }),
  ),
]
const warc = Buffer.concat(pages)
const http = 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<p>Hi\r\n0\r\n\r\n'
const arc = `filedesc://a.arc 1.2.3.4 20240101000000 text/plain 5\n1 0 T\nhttp://a.example/ 1.2.3.4 20240101000000 text/html ${http.length}\n${http}\n`
const seeds = [warc, gunzipSync(warc), Buffer.from(arc), gzipSync(arc), zstdCompressSync(gunzipSync(warc))]

/** How much is read of an archive, through everything that looks at records. */
async function readArchive(source: Bytes) {
  const items = { records: 0, defects: [] as string[] }
  for await (const item of parseWarc(source)) {
    describeRecord(item)
    if ('defect' in item) items.defects.push(item.defect)
    else fromRecord(item, 'a.warc', items.records++)
  }
  return items
}
async function defectsOf(items: AsyncIterable<object>) {
  const defects: string[] = []
  for await (const item of items) if ('defect' in item) defects.push(String(item.defect))
  return defects
}

test('damaged archives', async () => {
  const random = numbers(1)
  for (let i = 0; i < 600; i++) {
    const bytes = damaged(seeds[i % seeds.length]!, random)
    const { records, defects } = await readArchive([bytes.subarray(0, 500), bytes.subarray(500)])
    expect(records + defects.length > 0 || bytes.length < 50, `input ${i}`).toBe(true)
  }
})

test('damaged tables', async () => {
  const random = numbers(2)
  const folder = join(import.meta.dirname, '../../test/fixtures/parquet')
  const parquet = readdirSync(folder).flatMap((name) =>
    name.endsWith('.parquet') ? [readFileSync(join(folder, name))] : [],
  )
  const lines = Buffer.from('{"text": "One."}\n{"text": "学习"}\n\n[1]\n'.repeat(9))
  for (let i = 0; i < 200; i++) {
    const bytes = damaged(parquet[i % parquet.length]!, random)
    const slice = async (start: number, end = bytes.length) => Uint8Array.from(bytes.subarray(start, end)).buffer
    const file = await openParquet({ byteLength: bytes.length, slice })
    if (typeof file !== 'string') await defectsOf(file.read())
    for (const packed of [lines, gzipSync(lines), zstdCompressSync(lines)]) {
      await defectsOf(parseJsonl([damaged(packed, random)]))
      await defectsOf(parseCsv([damaged(packed, random)]))
      await defectsOf(parseText([damaged(packed, random)]))
    }
  }
})

test('a bomb is refused, and what follows is read', async () => {
  async function* source() {
    yield* gzipBomb(2000) // 2 GB in 2 MB
    yield warc
  }
  const { records, defects } = await readArchive(source())
  expect(records).toBe(pages.length)
  const refused = 'unpacks to more than 256 MiB at more than 500 times its size: refused as a bomb'
  expect(defects).toContainEqual(expect.stringContaining(`gzip member ${refused}`))
  expect(await defectsOf(parseJsonl(gzipBomb(2000)))).toEqual([expect.stringContaining(refused)])
  const after = await readArchive([zstdBomb(300), zstdCompressSync(gunzipSync(warc))])
  const expected = [expect.any(String), expect.stringContaining(`zstd frame ${refused}`)]
  expect(after).toEqual({ records: pages.length, defects: expected })
  for (const [encoding, pack] of [
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
  ] as const) {
    const head = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Encoding: ${encoding}\r\n\r\n`)
    const bomb = Buffer.concat([head, pack(Buffer.alloc(1 << 20))])
    expect(parseHttp(bomb, 1 << 16)!.defect).toBe('the body unpacks to more than 65536 bytes')
  }
})

test('heads without an end, records of gigabytes and lines of 50 MB are refused', async () => {
  const head = await readArchive(endless('WARC/1.0\r\n', 'a: b\r\n', 100e6))
  expect(head.defects[0]).toMatch(/^the head of a record has no end within \d{7} bytes/)
  const line = await readArchive(endless('WARC/1.0\r\nWARC-Type: ', 'x', 100e6))
  expect(line.defects[0]).toMatch(/^the head of a record has no end/)
  const huge = 'WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 100000000\r\n\r\n'
  expect((await readArchive(endless(huge, 'x', 100e6))).defects[0]).toMatch(
    /says 100000000 bytes; more than 67108864 are refused/,
  )
  const long = () => endless('{"text": "', 'x', 50e6)
  for (const parse of [parseJsonl, parseText])
    expect(await defectsOf(parse(long()))).toEqual([
      expect.stringMatching(/^line of 5\d{7} bytes; more than 16777216 are refused/),
    ])
  expect((await defectsOf(parseCsv(endless('text\n"', 'x', 50e6))))[0]).toMatch(/^row of more than 16777216 bytes/)
})
