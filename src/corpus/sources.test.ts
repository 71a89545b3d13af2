/** Sources from elsewhere, against a server on this machine that speaks as the Hub and Common Crawl do; local ones are in readers.test.ts. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { collect, encodeWarcInfo, encodeWarcResponse } from '../formats/index.ts'
import { COMMIT, startServer, type TestServer } from '../remote/server.test-helper.ts'
import { isRejection } from './document.ts'
import { readDocuments } from './readers.ts'
import { listSource, type SourceFile, type SourceSpec } from './sources.ts'

let server: TestServer
const folder = mkdtempSync(join(tmpdir(), 'xueba-sources-'))
beforeAll(async () => void (server = await startServer()))
afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true })
})
const saved = { ...process.env }
let count = 0
beforeEach(() => {
  server.reset()
  process.env.HF_ENDPOINT = server.address
  process.env.COMMON_CRAWL_ENDPOINT = server.address
  process.env.XDG_CACHE_HOME = join(folder, `cache${count++}`)
})
afterEach(() => {
  for (const key of ['HF_ENDPOINT', 'COMMON_CRAWL_ENDPOINT', 'XDG_CACHE_HOME', 'HF_TOKEN', 'HF_HUB_OFFLINE'])
    if (saved[key] === undefined) delete process.env[key]
    else process.env[key] = saved[key]
})

const fixture = (name: string) => readFileSync(join(import.meta.dirname, '../../test/fixtures/parquet', name))
const rows = JSON.parse(fixture('rows.json').toString()) as {
  text: string | null
  id: string
  url: string
  date: string
}[]
const list = async (source: SourceSpec) => (await listSource(source, server.patience)) as SourceFile[]
async function read(source: SourceSpec, field?: string, limit = Infinity) {
  const items = []
  for (const file of await list(source)) {
    for await (const item of readDocuments(file, field, server.patience)) {
      items.push(item)
      if (items.length >= limit) return items
    }
  }
  return items
}
const jsonl = (texts: string[]) => texts.map((text) => JSON.stringify({ text })).join('\n')
const files = {
  'README.md':
    '---\nconfigs:\n- config_name: default\n  data_files: data/*\n- config_name: small\n  data_files: small/*\n---\n',
  'data/000.parquet': fixture('gzip-groups.parquet'),
  'data/001.jsonl.zst': zstdCompressSync(jsonl(['Last.'])),
  'small/a.json': JSON.stringify([{ text: 'One.' }, { text: 'Two.' }]),
}

test('a dataset by name: pinned, copied into the cache, checked, and read from there next time', async () => {
  server.putDataset('some/data', 'main', files)
  process.env.HF_TOKEN = 'hf_secret'
  const first = await read({ hf: 'some/data' })
  expect(first.map((item) => item.source)).toEqual([
    ...rows.map(() => `some/data@${COMMIT.slice(0, 12)}/data/000.parquet`),
    `some/data@${COMMIT.slice(0, 12)}/data/001.jsonl.zst`,
  ])
  const { text, id, url, date } = rows[7]!
  expect(first[7]).toEqual({ text, id, url, date, source: first[7]!.source, line: 8 })
  expect(first[4]).toMatchObject({ rule: 'defect', detail: expect.stringMatching(/^no string "text"/) })
  expect(server.asked.every(({ authorization }) => authorization === 'Bearer hf_secret')).toBe(true) // one origin here
  server.asked = []
  expect(await read({ hf: 'some/data' })).toEqual(first)
  expect(server.asked.map(({ url }) => url)).toEqual(['/api/datasets/some/data/revision/main?blobs=true'])
  expect((await read({ hf: 'some/data', config: 'small' })).map((item) => !isRejection(item) && item.text)).toEqual([
    'One.',
    'Two.',
  ])
})

test('without a network, a dataset that was seen is read from the cache; another is a sentence', async () => {
  server.putDataset('some/data', 'main', files)
  const first = await read({ hf: 'some/data' })
  process.env.HF_ENDPOINT = 'http://nowhere.invalid'
  expect(await read({ hf: 'some/data' })).toEqual(first)
  await expect(list({ hf: 'some/other' })).rejects.toThrow(
    /some\/other: no way to the server .*is this machine online\?/,
  )
  process.env.HF_HUB_OFFLINE = '1'
  await expect(list({ hf: 'some/other' })).rejects.toThrow(
    /HF_HUB_OFFLINE is set, and revision main is not in the cache/,
  )
})

test('a download is gone on with, and refused when it is not what the Hub says', async () => {
  server.putDataset('some/data', 'main', files)
  const bytes = files['data/000.parquet']
  const damaged = Buffer.from(bytes)
  damaged[100]! ^= 1
  server.times(2, '/cdn/data/000', (request, response) => server.send(request, response, damaged))
  await expect(read({ hf: 'some/data' })).rejects.toThrow(
    /data\/000.parquet: what came is not what the server's checksum/,
  )
  server.times(1, '/cdn/data/000', (_, response) => {
    response.writeHead(200, { 'Content-Length': bytes.length })
    response.write(bytes.subarray(0, 10_000), () => response.destroy())
  })
  server.asked = []
  expect(await read({ hf: 'some/data' })).toHaveLength(41)
  expect(server.asked.filter(({ url }) => url.includes('/cdn/data/000')).map(({ range }) => range)).toEqual([
    undefined,
    'bytes=10000-',
  ])
})

test('with a limit nothing is copied: ranges of Parquet', async () => {
  server.putDataset('some/data', 'main', files)
  const items = await read({ hf: 'some/data', limit: 3 }, 'text', 3)
  expect(items.map((item) => item.id)).toEqual(rows.slice(0, 3).map(({ id }) => id))
  const asked = server.asked.filter(({ url }) => url.includes('/cdn/data'))
  expect(asked.every(({ range }) => range !== undefined)).toBe(true)
  expect(existsSync(join(process.env.XDG_CACHE_HOME!, 'xueba/datasets/some/data', COMMIT, 'data'))).toBe(false)
})

test('what is not there is said with what there is', async () => {
  server.putDataset('some/data', 'main', files)
  await expect(list({ hf: 'some/data', config: 'big' })).rejects.toThrow(/no config big; there are default, small/)
  await expect(list({ hf: 'some/data', revision: 'v2' })).rejects.toThrow(
    /404: there is no such dataset, revision or file/,
  )
  server.times(9, '/api/', (_, response) => void response.writeHead(401).end())
  await expect(list({ hf: 'some/data' })).rejects.toThrow(/401: there is no such dataset, .*HF_TOKEN/)
})

const page = (n: number) =>
  encodeWarcResponse({ url: `http://a.example/${n}`, date: '2024-03-01T12:00:00Z', body: `<p>Page ${n}</p>` })
const warc = (n: number) =>
  Buffer.concat([encodeWarcInfo('2024-03-01T12:00:00Z', { software: 'test' }), page(n), page(n + 1)])

test('Common Crawl by the id of a crawl: its list, its files one after the other, resumed', async () => {
  const path = (n: number) => `crawl-data/CC-MAIN-2024-10/segments/1/warc/${n}.warc.gz`
  server.files.set('/crawl-data/CC-MAIN-2024-10/warc.paths.gz', gzipSync(`${path(1)}\n${path(2)}\n${path(3)}\n`))
  for (const n of [1, 2, 3]) server.files.set(`/${path(n)}`, warc(n * 10))
  expect((await list({ commonCrawl: 'CC-MAIN-2024-10' })).map(({ name }) => name)).toEqual([path(1), path(2), path(3)])
  server.times(1, '1.warc.gz', (_, response) => {
    response.writeHead(200, { 'Content-Length': warc(10).length })
    response.write(warc(10).subarray(0, 400), () => response.destroy())
  })
  server.asked = []
  const items = await read({ commonCrawl: 'CC-MAIN-2024-10', files: 2 })
  expect(items.map((item) => item.url)).toEqual([10, 11, 20, 21].map((n) => `http://a.example/${n}`))
  expect(items[0]).toMatchObject({ source: path(1), date: '2024-03-01T12:00:00Z', html: '<p>Page 10</p>' })
  expect(server.asked.map(({ url, range }) => [url, range])).toEqual([
    ['/crawl-data/CC-MAIN-2024-10/warc.paths.gz', undefined],
    [`/${path(1)}`, undefined],
    [`/${path(1)}`, 'bytes=400-'],
    [`/${path(2)}`, undefined],
  ])
  const own = join(folder, 'my.paths')
  writeFileSync(own, `${path(3)}\n`)
  expect(await read({ commonCrawl: 'CC-MAIN-2024-10', paths: own })).toHaveLength(2)
  expect(await list({ commonCrawl: 'CC-MAIN-2024-10', paths: [path(2)] })).toMatchObject([{ name: path(2) }])
  await expect(list({ commonCrawl: 'CC-MAIN-1999-01' })).rejects.toThrow(/Common Crawl has no such crawl or file/)
})

test('an address: Parquet in ranges, everything else as a stream, by the ending of its path', async () => {
  server.files.set('/a/rows.parquet', fixture('snappy-v1.parquet'))
  server.files.set('/a/rows.jsonl.gz', gzipSync(jsonl(['One.'])))
  server.files.set('/a/page.html', Buffer.from('<p>Hi</p>'))
  const at = (path: string) => ({ path: `${server.address}${path}` })
  const host = server.address.slice(7)
  const found = await read(at('/a/rows.parquet?download=true'))
  expect(found.map((item) => item.id)).toEqual(rows.map(({ id }) => id))
  expect(found[0]!.source).toBe(`${host}/a/rows.parquet`)
  expect(server.asked.every(({ range }) => range !== undefined)).toBe(true)
  expect(await read(at('/a/rows.jsonl.gz'))).toMatchObject([{ text: 'One.', id: `${host}/a/rows.jsonl.gz#1` }])
  expect(await read(at('/a/page.html'))).toMatchObject([{ html: '<p>Hi</p>', url: `${server.address}/a/page.html` }])
  // A server without ranges.
  server.misbehave = (_, response) => !!response.end(fixture('snappy-v1.parquet'))
  expect(await read(at('/a/rows.parquet'))).toEqual(found)
  await expect(list(at('/a/page.exe'))).rejects.toThrow(/no reader for this file/)
})

test('Parquet: columns by name, paths into structs, dialogues, damage', async () => {
  const path = join(folder, 'rows.parquet')
  writeFileSync(path, fixture('zstd-v2.parquet'))
  const sites = await read({ path }, 'meta.site')
  expect(sites[0]).toMatchObject({ text: 'a.example', id: rows[0]!.id, line: 1 })
  expect(sites[2]).toMatchObject({ rule: 'defect', line: 3 })
  await expect(read({ path }, 'body')).resolves.toMatchObject([{ rule: 'dialogue' }, ...rows.slice(1).map(() => ({}))])
  writeFileSync(path, 'PAR1 no more')
  expect(await read({ path })).toEqual([
    { source: 'rows.parquet', rule: 'defect', detail: 'no Parquet file, or a torn one: it does not end with PAR1' },
  ])
})

test('zstd is unpacked, whatever is inside', async () => {
  for (const [name, content] of [
    ['a.jsonl.zst', jsonl(['One.'])],
    ['a.txt.zst', 'One.'],
    ['a.csv.zst', 'text\nOne.\n'],
    ['a.json.zst', '[{"text": "One."}]'],
  ] as const) {
    writeFileSync(join(folder, name), zstdCompressSync(content))
    expect(await read({ path: join(folder, name) }), name).toMatchObject([{ text: 'One.', source: name }])
  }
  writeFileSync(
    join(folder, 'a.warc.zst'),
    zstdCompressSync(Buffer.from('WARC/1.0\r\nContent-Length: 0\r\nWARC-Type: x\r\n\r\n')),
  )
  expect(await collect(readDocuments((await list({ path: join(folder, 'a.warc.zst') }))[0]!))).toEqual([])
})
