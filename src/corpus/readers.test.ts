import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { collect, encodeWarcInfo, encodeWarcResponse } from '../formats/index.ts'
import { isRejection } from './document.ts'
import { readDocuments } from './readers.ts'
import { listSource } from './sources.ts'

let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'xueba-readers-'))))
afterAll(() => rm(folder, { recursive: true, force: true }))

async function put(name: string, content: string | Uint8Array) {
  await mkdir(join(folder, name, '..'), { recursive: true })
  await writeFile(join(folder, name), content)
}
async function read(spec: { path: string; field?: string }) {
  const items = await listSource({ ...spec, path: join(folder, spec.path) })
  const lists = await Promise.all(
    items.map((item) => ('kind' in item ? collect(readDocuments(item, spec.field)) : [item])),
  )
  return lists.flat()
}

test('a folder is read whole, by name; what is no document is named', async () => {
  await put('mixed/b.txt', 'Text.')
  await put('mixed/a/page.html', Buffer.from('<meta charset=gbk><p>\xc4\xe3\xba\xc3</p>', 'latin1'))
  await put('mixed/c.md', '# Title\n\nText.')
  await put('mixed/photo.jpg', 'x')
  await put('mixed/.hidden.txt', 'x')
  expect(await read({ path: 'mixed' })).toEqual([
    {
      id: 'mixed/a/page.html',
      source: 'mixed/a/page.html',
      html: '<meta charset=gbk><p>你好</p>',
      meta: { charset: 'gbk' },
    },
    { id: 'mixed/b.txt#1', source: 'mixed/b.txt', line: 1, text: 'Text.' },
    { id: 'mixed/c.md#1', source: 'mixed/c.md', line: 1, text: '# Title\n\nText.' },
    { source: 'mixed/photo.jpg', rule: 'unknown-file', detail: expect.stringContaining('photo.jpg') },
  ])
  expect((await read({ path: 'mixed/*.txt' })).map((item) => item.source)).toEqual(['b.txt'])
})

test('JSON lines: text by field, dialogues and defects set aside', async () => {
  const rows = [
    { text: 'One.', id: 'x', url: 'http://a.example/' },
    { messages: [] },
    { txt: 'No.' },
    7,
    { text: '\ud800' },
  ]
  await put('rows.jsonl.gz', gzipSync(`${rows.map((row) => JSON.stringify(row)).join('\n')}\n{broken\n`))
  const source = 'rows.jsonl.gz'
  expect(await read({ path: 'rows.jsonl.gz' })).toEqual([
    { id: 'x', source, line: 1, text: 'One.', url: 'http://a.example/' },
    { id: `${source}#2`, source, line: 2, rule: 'dialogue', detail: expect.any(String) },
    { id: `${source}#3`, source, line: 3, rule: 'defect', detail: 'no string "text"; the row has txt' },
    { source, line: 4, rule: 'defect', detail: 'an object was expected, not 7' },
    { id: `${source}#5`, source, line: 5, rule: 'defect', detail: 'the text holds half of a surrogate pair' },
    { source, line: 6, offset: expect.any(Number), rule: 'defect', detail: expect.stringMatching(/^malformed JSON/) },
  ])
  expect((await read({ path: 'rows.jsonl.gz', field: 'txt' })).filter((item) => 'text' in item)).toHaveLength(1)
})

test('CSV: a column, and an error that names the columns there are', async () => {
  await put('table.csv', 'title,body\nA,"One,\ntwo."\nB\n')
  expect(await read({ path: 'table.csv', field: 'body' })).toEqual([
    { id: 'table.csv#2', source: 'table.csv', line: 2, text: 'One,\ntwo.' },
    { source: 'table.csv', line: 4, offset: 25, rule: 'defect', detail: '1 fields; the header has 2' },
  ])
  await expect(read({ path: 'table.csv' })).rejects.toThrow(/no column "text"; there are title, body/)
})

test('archives: pages, and a reason for every response that is none', async () => {
  const date = '2024-01-31T12:00:00Z'
  const url = (path: string) => `http://a.example/${path}`
  const parts = [
    encodeWarcInfo(date, { software: 'test' }),
    encodeWarcResponse({ url: url('1'), date, body: '<p>One</p>' }),
    encodeWarcResponse({ url: url('2'), date, body: 'gone', status: 404 }),
    encodeWarcResponse({ url: url('3'), date, body: 'x', headers: { 'Content-Type': 'image/png' } }),
    encodeWarcResponse({ url: url('4'), date, body: 'Plain.', headers: { 'Content-Type': 'text/plain' } }),
    encodeWarcResponse({
      url: url('5'),
      date,
      body: gzipSync('<p>Five</p>'),
      headers: { 'Content-Type': 'text/html', 'Content-Encoding': 'gzip' },
    }),
    encodeWarcResponse({ url: 'dns:a.example', date, body: 'a.example 1.2.3.4' }),
    Buffer.from('junk'),
  ]
  await put('crawl.warc.gz', Buffer.concat(parts))
  const items = await read({ path: 'crawl.warc.gz' })
  expect(items.map((item) => (isRejection(item) ? `${item.rule}: ${item.detail}` : (item.html ?? item.text)))).toEqual([
    '<p>One</p>',
    'http-status: status 404',
    'not-a-page: content type image/png',
    'Plain.',
    '<p>Five</p>',
    'not-a-page: address dns:a.example',
    'defect: 4 bytes are not gzip',
  ])
  expect(items[0]).toMatchObject({ id: 'crawl.warc.gz#1', url: url('1'), offset: parts[0]!.length })
})

test('what is not there is an error in a sentence', async () => {
  await expect(read({ path: 'nothing.txt' })).rejects.toThrow(/nothing\.txt: no such file or folder/)
  await expect(read({ path: '*.nothing' })).rejects.toThrow(/no files/)
  await put('a.docx', 'x')
  await expect(read({ path: 'a.docx' })).rejects.toThrow(/no reader for this file; known are \.warc/)
})
