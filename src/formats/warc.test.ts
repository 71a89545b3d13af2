import fc from 'fast-check'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { collect } from './bytes.ts'
import type { Bytes } from './bytes.ts'
import { parseHttp } from './http.ts'
import { encodeWarcInfo, encodeWarcResponse } from './warc-write.ts'
import { parseWarc, readWarc } from './warc.ts'
import type { WarcRecord } from './warc.ts'

const date = '2024-01-31T12:00:00Z'
const page = (i: number, body = `<p>Page ${i}</p>`) =>
  encodeWarcResponse({ url: `http://example.com/${i}`, date, body })
const info = encodeWarcInfo(date, { software: 'test', format: 'WARC File Format 1.1' })

async function read(source: Bytes, maxRecord?: number) {
  const items = await collect(parseWarc(source, maxRecord))
  const records = items.filter((item): item is WarcRecord => 'type' in item)
  const defects = items.flatMap((item) => ('defect' in item ? [item] : []))
  return { records, defects, urls: records.map((record) => record.url?.split('/').at(-1)) }
}
const cut = (bytes: Uint8Array, size: number) =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size))

test('what is written is read, packed or plain, however the bytes arrive', async () => {
  const body = fc.uint8Array({ maxLength: 200 })
  await fc.assert(
    fc.asyncProperty(
      fc.array(body, { maxLength: 4 }),
      fc.integer({ min: 1, max: 99 }),
      fc.boolean(),
      async (bodies, size, packed) => {
        const records = [
          info,
          ...bodies.map((b, i) => encodeWarcResponse({ url: `http://a.example/${i}`, date, body: b })),
        ]
        const parts = packed ? records : records.map((record) => gunzipSync(record))
        const result = await read(cut(Buffer.concat(parts), size))
        expect(result.defects).toEqual([])
        expect(result.records.map((r) => r.type)).toEqual(['warcinfo', ...bodies.map(() => 'response')])
        expect(result.records.map((r) => r.offset)).toEqual(
          parts.map((_, i) => Buffer.concat(parts.slice(0, i)).length),
        )
        const payloads = result.records.slice(1).map((r) => [...parseHttp(r.content)!.body])
        expect(payloads).toEqual(bodies.map((b) => [...b]))
      },
    ),
  )
})

test('equal input gives equal bytes; a line break in a field is refused', () => {
  expect(page(1)).toEqual(page(1))
  expect(() => encodeWarcResponse({ url: 'http://a\r\nX: y', date, body: '' })).toThrow(/line break/)
})

test('one gzip stream over many records, and records that span members, are read all the same', async () => {
  const plain = Buffer.concat([info, page(1), page(2)].map((record) => gunzipSync(record)))
  expect((await read([gzipSync(plain)])).urls).toEqual([undefined, '1', '2'])
  const blocks = cut(plain, 300).map((block) => gzipSync(block))
  expect(await read(blocks)).toMatchObject({ urls: [undefined, '1', '2'], defects: [] })
})

test('garbage between records is one defect with its place', async () => {
  const plain = gunzipSync(page(1))
  const result = await read([plain, Buffer.from('garbage\n\0\x01\nWARC/nope\n'), gunzipSync(page(2))])
  expect(result.urls).toEqual(['1', '2'])
  expect(result.defects).toEqual([{ offset: plain.length, defect: 'no record starts here; 21 bytes passed over' }])
})

test('a damaged member costs that record only', async () => {
  const broken = Buffer.from(page(2))
  broken.fill(0xff, 40, 80)
  const result = await read([page(1), broken, page(3)].map((bytes) => Buffer.from(bytes)))
  expect(result.urls).toEqual(['1', '3'])
  expect(result.defects.some(({ offset }) => offset === page(1).length)).toBe(true)
})

test('a torn file gives the whole records and names the torn one', async () => {
  const whole = [page(1), page(2, 'x'.repeat(5000))]
  const plain = Buffer.concat(whole.map((record) => gunzipSync(record)))
  const torn = await read([plain.subarray(0, plain.length - 100)])
  expect(torn.urls).toEqual(['1'])
  expect(torn.defects[0]!.defect).toMatch(/response record of http:\/\/example.com\/2 ends after \d+ of \d+ bytes/)
  const packed = Buffer.concat(whole)
  expect(await read([packed.subarray(0, packed.length - 20)])).toMatchObject({ urls: ['1'], defects: [{}, {}] })
})

test('a length that is too large does not swallow the next record', async () => {
  const lie = gunzipSync(page(1))
    .toString()
    .replace(/Content-Length: (\d+)\r\n\r\nHTTP/, 'Content-Length: 700\r\n\r\nHTTP')
  for (const parts of [
    [Buffer.from(lie), gunzipSync(page(2)), gunzipSync(page(3))],
    [gzipSync(lie), page(2), page(3)],
  ]) {
    const result = await read([Buffer.concat(parts)])
    expect(result.urls).toEqual(['2', '3'])
    expect(result.defects).toMatchObject([{ offset: 0, defect: expect.stringMatching(/ends after \d+ of 700 bytes/) }])
  }
})

test('limits: a huge record and an endless head are refused, and reading goes on', async () => {
  const big = page(1, 'x'.repeat(10_000))
  const result = await read([big, page(2)], 5000)
  expect(result.urls).toEqual(['2'])
  expect(result.defects[0]!.defect).toMatch(/says \d+ bytes; more than 5000 are refused/)
  const claim = 'WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 999999999999\r\n\r\nshort'
  expect((await read([gzipSync(claim), page(2)])).urls).toEqual(['2'])
  const endless = Buffer.from(`WARC/1.0\r\n${'a: b\r\n'.repeat(200_000)}`)
  const after = await read([endless, gunzipSync(page(2))])
  expect(after.defects[0]!.defect).toMatch(/no end within/)
})

test('ARC 1', async () => {
  const http = 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>Hi</p>'
  const about = '1 0 Test\nURL IP-address Archive-date Content-type Archive-length\n'
  const arc = [
    `filedesc://a.arc 127.0.0.1 20240131000000 text/plain ${about.length}\n${about}\n`,
    `http://a.example/with some space 1.2.3.4 20240131000000 text/html ${http.length}\n${http}\n`,
    `http://a.example/bad 1.2.3.4 20240131000000 text/html abc\nxx\n`,
    `http://a.example/2 1.2.3.4 20240131000000 text/html ${http.length}\n${http}\n`,
  ]
  for (const parts of [arc.map((part) => Buffer.from(part)), arc.map((part) => gzipSync(part))]) {
    const { records, defects } = await read(parts)
    expect(records.map((r) => [r.type, r.url])).toEqual([
      ['warcinfo', 'filedesc://a.arc'],
      ['response', 'http://a.example/with%20some%20space'],
      ['response', 'http://a.example/2'],
    ])
    expect(defects).toMatchObject([
      { offset: Buffer.concat(parts.slice(0, 2)).length, defect: expect.stringMatching(/Content-Length "abc"/) },
    ])
    expect(Buffer.from(parseHttp(records[1]!.content)!.body).toString()).toBe('<p>Hi</p>')
  }
})

test('damage anywhere, packed or plain: no crash, no hang, nothing lost in silence', async () => {
  const records = [info, page(1), page(2), page(3)]
  const change = fc.record({
    at: fc.nat(1e6),
    length: fc.nat(30),
    byte: fc.nat(255),
    packed: fc.boolean(),
    remove: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(change, async ({ at, length, byte, packed, remove }) => {
      const good = Buffer.concat(packed ? records : records.map((record) => gunzipSync(record)))
      const from = at % good.length
      const middle = Buffer.alloc(remove ? 0 : length, byte)
      const bytes = Buffer.concat([good.subarray(0, from), middle, good.subarray(from + length)])
      const result = await read(cut(bytes, 333))
      expect(result.records.length === 4 || result.defects.length > 0).toBe(true)
    }),
    { numRuns: 500 },
  )
})

const folder = join(process.env['XUEBA_DATA'] ?? join(import.meta.dirname, '../../../shared/data'), 'warc')

// How many records of each type the real files hold, and how many defects.
const expected: Record<string, [Record<string, number>, number]> = {
  'aut-example.warc.gz': [{ warcinfo: 1, response: 299, request: 261, metadata: 261 }, 0],
  'aut-issue-493.warc': [{ warcinfo: 2, response: 10, request: 15, revisit: 5 }, 0],
  'pywb-bad.arc': [{ response: 1 }, 3],
  'pywb-dupes.warc.gz': [{ warcinfo: 1, response: 3, request: 12, revisit: 9 }, 0],
  'pywb-example-bad.warc.gz.bad': [{ warcinfo: 1, response: 2, request: 2, revisit: 1 }, 0],
  'pywb-example-wget-1-14.warc.gz': [{ warcinfo: 1, request: 1, response: 1, resource: 3 }, 0],
  'pywb-example.arc.gz': [{ warcinfo: 1, response: 1 }, 0],
  'pywb-example.warc': [{ warcinfo: 1, response: 2, request: 2, revisit: 1 }, 1],
  'pywb-iana.warc.gz': [{ warcinfo: 1, response: 48, request: 171, revisit: 123 }, 0],
  'pywb-missing-status-text.warc': [{ response: 1 }, 0],
  'warcio-bad.arc': [{ response: 1 }, 3],
  'warcio-example-space-in-url.arc': [{ warcinfo: 1 }, 1],
  'warcio-example-trunc.warc': [{ warcinfo: 2, response: 1, request: 1 }, 1],
  'warcio-example-wrong-chunks.warc.gz': [{ response: 1, request: 1 }, 0],
  'whirlwind.warc.wet.gz': [{ warcinfo: 1, conversion: 1 }, 0],
}

test.skipIf(!existsSync(folder))(
  'real archives: every record is read, or its place is named (needs the shared data folder)',
  async () => {
    const files = readdirSync(folder)
    expect(files.length).toBeGreaterThanOrEqual(30)
    for (const file of files) {
      const items = await collect(readWarc(join(folder, file)))
      const types: Record<string, number> = {}
      for (const item of items) if ('type' in item) types[item.type] = (types[item.type] ?? 0) + 1
      const defects = items.filter((item) => 'defect' in item)
      if (expected[file] !== undefined) expect([file, types, defects.length]).toEqual([file, ...expected[file]])
      else expect([file, items.length > 0, defects]).toEqual([file, true, []])
      for (const item of items) {
        if (
          !('type' in item) ||
          item.type !== 'response' ||
          !Buffer.from(item.content).toString('latin1', 0, 5).startsWith('HTTP/')
        )
          continue
        expect([file, item.url, parseHttp(item.content)]).toEqual([
          file,
          item.url,
          expect.objectContaining({ status: expect.any(Number) }),
        ])
      }
    }
  },
)
