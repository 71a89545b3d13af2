/** `xueba corpus warc` and `xueba corpus export` as a person or a script meets them: pipes, JSON, errors in sentences. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, expect, it } from 'vitest'
import { encodeWarcInfo, encodeWarcResponse } from '../src/formats/index.ts'
import { xueba } from './run.test-helper.ts'

const folder = mkdtempSync(join(tmpdir(), 'xueba-corpus-files-'))
afterAll(() => rmSync(folder, { recursive: true }))
const main = join(import.meta.dirname, '../src/cli/main.ts')
const shell = (command: string, input?: Uint8Array) =>
  execFileSync('/bin/bash', ['-o', 'pipefail', '-c', command], {
    input,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'pipe'],
  })

const date = '2024-01-31T12:00:00Z'
const html = '<meta charset="gb18030"><p>\xd1\xa7\xcf\xb0</p>'
const response = encodeWarcResponse({
  url: 'http://a.example/1',
  date,
  body: Buffer.from(html, 'latin1'),
  headers: { 'Content-Type': 'text/html' },
})
const wrong = Buffer.from(gunzipSync(response).toString('latin1').replace('<p>', '<b>'), 'latin1')
const torn = gunzipSync(response).subarray(0, -60)
const file = join(folder, 'a.warc')
const parts = [
  gunzipSync(encodeWarcInfo(date, { software: 'test' })),
  gunzipSync(response),
  wrong,
  Buffer.from('junk\n'),
  torn,
]
writeFileSync(file, Buffer.concat(parts))

it('says in JSON what each record is, and what is wrong', async () => {
  const { code, out } = await xueba(['corpus', 'warc', '--json', file])
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  const page = {
    file,
    type: 'response',
    url: 'http://a.example/1',
    date,
    status: 200,
    mime: 'text/html',
    charset: 'gb18030',
  }
  const id = expect.stringMatching(/^urn:uuid:/)
  const at = parts.map((_, i) => parts.slice(0, i).reduce((sum, part) => sum + part.length, 0))
  expect(lines).toEqual([
    { file, offset: 0, type: 'warcinfo', date, id, mime: 'application/warc-fields', bytes: 16 },
    { ...page, offset: at[1], id, bytes: html.length, digestOk: true },
    { ...page, offset: at[2], id, bytes: html.length, digestOk: false, defect: 'payload digest does not match' },
    { file, offset: at[3], defect: 'no record starts here; 5 bytes passed over' },
    {
      ...page,
      charset: undefined, // nothing of the page is left to tell
      offset: at[4],
      id,
      bytes: expect.any(Number),
      defect: expect.stringMatching(/^response record of .* ends after/),
    },
  ])
  expect(code).toBe(0)
})

it('reads stdin, stops in silence when nobody reads, and sums up', async () => {
  const big = Buffer.concat(Array.from({ length: 3000 }, () => response))
  const run = `'${process.execPath}' '${main}' corpus warc`
  expect(shell(`${run} --json - | wc -l`, big).trim()).toBe('3000')
  writeFileSync(join(folder, 'big.warc.gz'), big)
  expect(
    shell(`${run} --json '${join(folder, 'big.warc.gz')}' | head -n 1`)
      .trim()
      .split('\n'),
  ).toHaveLength(1) // pipefail: exit code 0
  const { out } = await xueba(['corpus', 'warc', file, '--type', 'warcinfo'])
  const lines = out.trim().split('\n')
  expect(lines).toHaveLength(5)
  expect(lines.at(-1)).toBe('4 records (1 warcinfo, 3 response), 3 with defects; digests: 1 right, 1 wrong')
})

it('says what it needs', async () => {
  const missing = await xueba(['corpus', 'warc', join(folder, 'no.warc')])
  expect([missing.code, missing.err]).toEqual([1, expect.stringMatching(/no\.warc: no such file/)])
  expect(await xueba(['corpus', 'warc'])).toMatchObject({ code: 2, err: expect.stringMatching(/name the archives/) })
  expect(await xueba(['corpus', 'export', folder, '--to', 'a.csv'])).toMatchObject({
    code: 2,
    err: expect.stringMatching(/the ending says the format/),
  })
  const none = await xueba(['corpus', 'export', folder, '--to', join(folder, 'a.parquet')])
  expect([none.code, none.err]).toEqual([1, expect.stringMatching(/no finished corpus here/)])
})

it('exports a corpus', async () => {
  writeFileSync(
    join(folder, 'documents.jsonl'),
    `${JSON.stringify({ id: '1', text: '学习', source: 'a.txt', language: 'zh' })}\n`,
  )
  const to = join(folder, 'out.jsonl')
  const { code, out } = await xueba(['corpus', 'export', folder, '--to', to])
  expect([code, out.trim()]).toEqual([0, `${to}: 1 documents, 0.0 MB of text; columns: text, id, file_path, language`])
  expect(JSON.parse(readFileSync(to, 'utf8'))).toEqual({ text: '学习', id: '1', file_path: 'a.txt', language: 'zh' })
})
