import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { collect, fileAccess, openParquet } from '../formats/index.ts'
import { exportCorpus, findCorpus } from './export.ts'
import { readDocuments } from './readers.ts'
import { listSource } from './sources.ts'

let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'xueba-corpus-export-'))))
afterAll(() => rm(folder, { recursive: true, force: true }))

const crawl = 'crawl-data/CC-MAIN-2024-10/segments/1/warc/1.warc.gz'
const documents = Array.from({ length: 500 }, (_, i) => ({
  id: `${crawl}#${i}`,
  text: i === 7 ? 'x'.repeat(3 << 20) : `第 ${i} 页。\n${'words and words '.repeat(i % 40)}`,
  source: crawl,
  language: i % 3 === 0 ? 'zh' : 'en',
  url: i % 5 === 0 ? undefined : `https://a.example/${i}`,
  date: '2024-03-01T12:00:00Z',
  title: 'not a column of FineWeb',
}))

async function corpus(name: string, rows: object[]) {
  await mkdir(join(folder, name), { recursive: true })
  for (const file of ['documents.jsonl', 'heldout.jsonl']) {
    const lines = rows.slice(file === 'heldout.jsonl' ? -1 : 0).map((row) => `${JSON.stringify(row)}\n`)
    await writeFile(join(folder, name, file), lines.join(''))
  }
  return join(folder, name)
}

test.each(['out.parquet', 'out.jsonl', 'out.jsonl.gz', 'out.jsonl.zst'])(
  '%s is read back as what it was',
  async (name) => {
    const to = join(folder, name)
    const columns = ['text', 'id', 'dump', 'url', 'date', 'file_path', 'language']
    const bytes = documents.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0)
    expect(await exportCorpus(await corpus('run/01-corpus', documents), to)).toEqual({ documents: 500, bytes, columns })
    const [file] = await listSource({ path: to })
    const read = await collect(readDocuments(file as Extract<typeof file, { kind: string }>))
    const expected = documents.map(({ id, text, url, date }, i) => ({
      id,
      text,
      date,
      source: name,
      line: i + 1,
      ...(url === undefined ? {} : { url }),
    }))
    expect(read).toEqual(expected)
  },
)

test('Parquet has all columns, typed, and groups of bounded size', async () => {
  const to = join(folder, 'typed.parquet')
  const rows = documents.slice(0, 20).map((row, i) => ({ ...row, text: 'x'.repeat(2 << 20), languageScore: i / 7 }))
  const tokens = rows.map((_, i) => 3 * i)
  await exportCorpus(await corpus('typed', rows), to, { tokens })
  const access = await fileAccess(to)
  const file = await openParquet(access)
  if (typeof file === 'string') throw new Error(file)
  const read = await collect(file.read(['dump', 'file_path', 'language', 'language_score', 'token_count', 'url']))
  await access.close()
  expect(read).toEqual(
    rows.map(({ language, url, languageScore }, row) => ({
      row,
      value: {
        dump: 'CC-MAIN-2024-10',
        file_path: crawl,
        language,
        language_score: languageScore,
        token_count: tokens[row],
        url: url ?? null,
      },
    })),
  )
})

test('an empty corpus, a held-out set, a run', async () => {
  const to = join(folder, 'few.parquet')
  expect(await exportCorpus(await corpus('empty', []), to)).toEqual({ documents: 0, bytes: 0, columns: ['text', 'id'] })
  expect(await exportCorpus(await corpus('some', documents), to, { heldOut: true, tokens: [7, 7] })).toMatchObject({
    documents: 1,
    columns: expect.not.arrayContaining(['token_count']),
  })
  await corpus('run/01-corpus', documents)
  expect(findCorpus(join(folder, 'run'))).toBe(join(folder, 'run/01-corpus'))
  expect(() => findCorpus(join(folder, 'nothing'))).toThrow(/there is no finished corpus here/)
})

test('a broken line is named, and nothing is left behind', async () => {
  const from = await corpus('broken', [{ text: 'a', id: '1' }, { id: '2' }])
  for (const name of ['never.parquet', 'never.jsonl.gz', 'never.jsonl'])
    await expect(exportCorpus(from, join(folder, name))).rejects.toThrow(/documents\.jsonl, line 2: no "text"/)
  expect((await readdir(folder)).filter((name) => name.includes('never'))).toEqual([])
})
