/** Dialogues from Parquet, packed files, globs and the Hub (a server on this machine); plain files are in dialogues.test.ts. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { COMMIT, startServer, type TestServer } from '../remote/server.test-helper.ts'
import { dialogueOf } from './dialogue-shapes.ts'
import { type Defect, dialogueSource, readDialogues } from './dialogues.ts'

let server: TestServer
const folder = mkdtempSync(join(tmpdir(), 'xueba-dialogues-'))
const saved = { HF_ENDPOINT: process.env.HF_ENDPOINT, XDG_CACHE_HOME: process.env.XDG_CACHE_HOME }
beforeAll(async () => {
  server = await startServer()
  Object.assign(process.env, { HF_ENDPOINT: server.address, XDG_CACHE_HOME: join(folder, 'cache') })
})
afterAll(async () => {
  for (const [key, value] of Object.entries(saved))
    if (value === undefined) delete process.env[key]
    else process.env[key] = value
  await server.close()
  rmSync(folder, { recursive: true })
})

const fixtures = join(import.meta.dirname, '../../test/fixtures/parquet')
const rows = JSON.parse(readFileSync(join(fixtures, 'rows.json'), 'utf8')) as { messages: unknown }[]
const told = rows.flatMap((row) => {
  const read = dialogueOf(row)
  return 'defect' in read ? [] : [read]
})
const alpaca = [
  { instruction: 'Say hello.', output: 'Hello!' },
  { instruction: '说你好。', output: '你好！' },
]
const lines = alpaca.map((row) => `${JSON.stringify(row)}\n`).join('')

async function read(source: object) {
  const defects: Defect[] = []
  const options = { language: 'en', seed: 1 } as const
  const dialogues = await readDialogues(dialogueSource.parse(source), options, (defect) => void defects.push(defect))
  return { dialogues, defects }
}

test('Parquet: nested messages as they are, rows without a dialogue are named', async () => {
  const file = join(folder, 'chat.parquet')
  copyFileSync(join(fixtures, 'gzip-groups.parquet'), file)
  const { dialogues, defects } = await read({ file })
  expect(told.length).toBeGreaterThan(10)
  expect(dialogues).toEqual(told)
  expect(defects).toHaveLength(rows.length - told.length)
  expect((await read({ file, count: 3 })).dialogues).toEqual(told.slice(0, 3))
  const text = await read({ file, column: 'id' })
  expect(text.dialogues).toEqual([])
  await expect(read({ file, column: 'words' })).rejects.toThrow(/chat\.parquet has no column "words" of text; it has: /)
})

test('packed files and globs; what holds no rows is refused by name', async () => {
  writeFileSync(join(folder, 'a.jsonl.gz'), gzipSync(lines))
  writeFileSync(join(folder, 'b.jsonl'), `${lines}{"text": 1}\n`)
  writeFileSync(join(folder, 'c.csv.gz'), gzipSync('id,talk\n1,"A: hello\nB: hi"\n2,nobody\n'))
  const expected = alpaca.map((row) => dialogueOf(row))
  expect((await read({ file: join(folder, 'a.jsonl.gz') })).dialogues).toEqual(expected)
  const both = await read({ file: join(folder, '*.jsonl*') })
  expect(both.dialogues).toEqual([...expected, ...expected])
  expect(both.defects).toEqual([
    { source: 'b.jsonl', line: 3, detail: expect.stringContaining('expected one of the keys') },
  ])
  const table = await read({ file: join(folder, 'c.csv.gz') })
  expect(table).toMatchObject({
    dialogues: [[{ content: 'hello' }, { content: 'hi' }]],
    defects: [{ source: 'c.csv.gz' }],
  })
  writeFileSync(join(folder, 'page.html'), '<p>hello</p>')
  await expect(read({ file: join(folder, 'page.html') })).rejects.toThrow(/page\.html: rows are read from .*\(page\)/)
  await expect(read({ file: join(folder, 'none.parquet') })).rejects.toThrow(/none\.parquet: no such file/)
})

test('a dataset of the Hub, by split, pinned to its commit', async () => {
  server.putDataset('some/chats', 'main', {
    'data/train-00000.parquet': readFileSync(join(fixtures, 'gzip-groups.parquet')),
    'data/test-00000.jsonl': lines,
  })
  expect((await read({ hf: 'some/chats' })).dialogues).toEqual(told)
  expect((await read({ hf: 'some/chats', count: 2 })).dialogues).toEqual(told.slice(0, 2))
  const { dialogues, defects } = await read({ hf: 'some/chats', split: 'test' })
  expect(dialogues).toHaveLength(2)
  expect(defects).toEqual([])
  await expect(read({ hf: 'some/chats', split: 'validation' })).rejects.toThrow(
    /for split validation; splits: train, test/,
  )
  expect(server.asked.some(({ url }) => url.includes(COMMIT))).toBe(true)
})
