import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeWarcResponse } from '../formats/index.ts'
import { makeCrawl, makePages, makeWorld } from '../world/index.ts'
import type { Language } from '../world/index.ts'
import type { z } from 'zod'
import { corpusConfig } from './config.ts'
import type { fileSource } from './config.ts'
import type { CorpusInput } from './config.ts'
import type { Document, Rejection } from './document.ts'
import { corpusMetrics } from './funnel.ts'
import { buildCorpus } from './pipeline.ts'

let folder: string
let serial = 0
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'xueba-corpus-'))))
afterAll(() => rm(folder, { recursive: true, force: true }))

async function build(input: Omit<CorpusInput, 'sources'>, sources: z.input<typeof fileSource>[], strict = false) {
  const out = join(folder, `out${serial++}`)
  const placed = sources.map((source) => ({ ...source, path: join(folder, source.path) }))
  const report = await buildCorpus(corpusConfig.parse({ ...input, sources: placed }), out, { seed: 1, strict })
  const lines = async <T>(name: string) =>
    (await readFile(join(out, name), 'utf8'))
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as T)
  return {
    out,
    report,
    documents: await lines<Document>('documents.jsonl'),
    heldOut: await lines<Document>('heldout.jsonl'),
    rejected: await lines<Rejection>('rejected.jsonl'),
  }
}

const story = (
  i: number,
) => `Number ${i} was the name of a small boat on the river, and its captain was called Mister ${i * 7}.
Every morning it went down to the sea with ${i + 3} passengers, and came back before the evening bell.
One day the fog was so thick that nobody could see the bridge. What should the captain do now?
He rang the bell ${i + 1} times, and the people on the bank called back to him. So they found the way home.
That night there was a great dinner for all who had been on board, and it lasted until ${i + 20} o'clock.`
const page = (text: string) =>
  `<html><head><title>A page</title></head><body><ul><li><a href="/">Home</a></li></ul><article>${text
    .split('\n')
    .map((line) => `<p>${line}</p>`)
    .join('')}</article></body></html>`
const capture = (path: string, text: string) =>
  encodeWarcResponse({ url: `http://news.example/${path}`, date: '2024-01-31T12:00:00Z', body: page(text) })

test('an archive: each page is kept, or refused by the rule it breaks; the funnel adds up', async () => {
  const german = 'Der Fischer ging am Morgen an den Fluss und kam nicht vor dem Abend zurück. '.repeat(6)
  const gambling = 'Join our online casino for a deposit bonus and free spins on slot machines, with live dealers. '
  const warc = [
    capture('story', story(1)),
    capture(
      'mail',
      `${story(2)}\nWrite to the captain at anna@boats.test or call 415-867-5309, and he will tell you the rest of it.`,
    ),
    capture('copy', story(1)),
    capture('reprint', `Reprinted from the harbour news of last week.\n${story(1)}`.replace('thick', 'dense')),
    capture('german', german),
    capture('short', 'Nothing to see here.'),
    capture(
      'bets',
      `${gambling}\n${story(3).split('\n').slice(0, 3).join('\n')}\nThe odds are good. ${gambling.replace('Join', 'Try')}`,
    ),
  ]
  await writeFile(join(folder, 'crawl.warc.gz'), Buffer.concat(warc))
  const { report, documents, heldOut, rejected } = await build({}, [{ path: 'crawl.warc.gz' }])
  const kept = [...documents, ...heldOut]
  expect(kept.map((document) => document.url).sort()).toEqual(['http://news.example/mail', 'http://news.example/story'])
  expect(kept.find((document) => document.url!.endsWith('mail'))!.text).toMatch(
    /email@example\.com or call 555-0100, and/,
  )
  expect(kept.find((document) => document.url!.endsWith('story'))).toMatchObject({
    text: story(1),
    language: 'en',
    source: 'crawl.warc.gz',
    title: 'A page',
  })
  expect(Object.fromEntries(rejected.map(({ url, rule }) => [url!.split('/').at(-1), rule]))).toEqual({
    copy: 'exact-duplicate',
    reprint: 'near-duplicate',
    german: 'language',
    short: 'min-length/words',
    bets: expect.stringMatching(/^(gopher-repetition|blocked-words)\//),
  })
  expect(rejected.find(({ rule }) => rule === 'language')).toMatchObject({
    id: 'crawl.warc.gz#4',
    detail: expect.stringMatching(/de with confidence .* wanted zh, en/),
    text: expect.stringContaining('Fischer'),
  })
  expect(report).toMatchObject({
    documents: 1,
    heldOut: 1,
    rejected: 5,
    languages: { en: 2 },
    masked: { email: 1, phone: 1 },
  })
  const counts = report.funnel.map((step) => step.documents)
  expect(counts).toEqual(counts.toSorted((a, b) => b - a))
  expect([counts[0], counts.at(-1)]).toEqual([7, 2])
  expect(corpusMetrics(report)).toMatchObject({
    'funnel.read.documents': 7,
    'rejected.near-duplicate': 1,
    'masked.email': 1,
  })
})

test('trusted text passes unfiltered and unmasked, only exact duplicates go', async () => {
  const rows = ['Short.', 'short', 'a@b.test', 'Ein Haus am Meer.'].map((text) => JSON.stringify({ text }))
  await writeFile(join(folder, 'trusted.jsonl'), rows.join('\n'))
  const { documents, heldOut, rejected } = await build({}, [{ path: 'trusted.jsonl' }])
  expect([...documents, ...heldOut].map((document) => document.text).sort()).toEqual([
    'Ein Haus am Meer.',
    'Short.',
    'a@b.test',
  ])
  expect(rejected.map(({ rule, line }) => [rule, line])).toEqual([['exact-duplicate', 2]])
  await expect(build({}, [{ path: 'trusted.jsonl', filters: 'web' }])).rejects.toThrow(
    /corpus is empty.*rejected: \d by/,
  )
})

test('the split goes by the text: the same documents whatever else is there, about the share asked for', async () => {
  const rows = Array.from({ length: 1000 }, (_, i) => JSON.stringify({ text: story(i) }))
  await writeFile(join(folder, 'a.jsonl'), rows.join('\n'))
  await writeFile(
    join(folder, 'b.jsonl'),
    [...rows, ...Array.from({ length: 200 }, (_, i) => JSON.stringify({ text: `More ${i}.` }))].toReversed().join('\n'),
  )
  const a = await build({ heldOut: 0.1 }, [{ path: 'a.jsonl' }])
  const b = await build({ heldOut: 0.1 }, [{ path: 'b.jsonl' }])
  expect(a.heldOut.length).toBeGreaterThan(70)
  expect(a.heldOut.length).toBeLessThan(130)
  const texts = new Set(b.heldOut.map((document) => document.text))
  expect(a.heldOut.every((document) => texts.has(document.text))).toBe(true)
  const again = await build({ heldOut: 0.1 }, [{ path: 'a.jsonl' }])
  for (const name of ['documents.jsonl', 'heldout.jsonl', 'rejected.jsonl']) {
    expect(await readFile(join(again.out, name), 'utf8')).toBe(await readFile(join(a.out, name), 'utf8'))
  }
})

test.each([
  [0.02, 2, [1, 1]],
  [0.5, 2, [1, 1]],
  [0, 2, [2, 0]],
  [0.02, 1, [1, 0]],
  [0.5, 1, [1, 0]],
])('share %f of %i documents: %j trained on and held out', async (heldOut, count, expected) => {
  for (let from = 0; from < 6; from++) {
    await writeFile(
      join(folder, 'few.jsonl'),
      Array.from({ length: count }, (_, i) => JSON.stringify({ text: `Text ${from + i}` })).join('\n'),
    )
    const { report } = await build({ heldOut }, [{ path: 'few.jsonl' }])
    expect([report.documents, report.heldOut]).toEqual(expected)
  }
})

test('a limit, several sources, and progress', async () => {
  await writeFile(join(folder, 'one.txt'), 'First.\n<|endoftext|>\nSecond.\n<|endoftext|>\nThird.')
  await writeFile(join(folder, 'two.csv'), 'text\nFourth.\n')
  const { documents, heldOut } = await build({}, [{ path: 'one.txt', limit: 2 }, { path: 'two.csv' }])
  expect([...documents, ...heldOut].map((document) => document.text).sort()).toEqual(['First.', 'Fourth.', 'Second.'])
})

test('defects are counted, or refused when strict; nothing is left behind by a failure', async () => {
  await writeFile(join(folder, 'bad.jsonl'), '{"text":"Good."}\n{"text":"Also good."}\n{oops\n')
  const { rejected } = await build({}, [{ path: 'bad.jsonl' }])
  expect(rejected).toMatchObject([{ source: 'bad.jsonl', line: 3, rule: 'defect' }])
  await expect(build({}, [{ path: 'bad.jsonl' }], true)).rejects.toThrow(/bad\.jsonl, line 3: malformed JSON.*strict/)
  expect(await readdir(join(folder, `out${serial - 1}`))).toEqual(['.parts']) // to go on from when the file is mended
  await writeFile(join(folder, 'empty.txt'), '')
  await expect(build({}, [{ path: 'empty.txt' }])).rejects.toThrow(/the corpus is empty: .*they hold no documents/)
})

test.each(['zh', 'en'] satisfies Language[])(
  "the town's web (%s): no junk is kept, articles and stories are",
  async (language) => {
    const world = makeWorld({ language, seed: 3 })
    const crawl = makeCrawl(world, makePages(world, { rounds: 1 }))
    const captures = crawl.map(({ url, html }) => encodeWarcResponse({ url, date: '2024-01-31T12:00:00Z', body: html }))
    await writeFile(join(folder, `${language}.warc.gz`), Buffer.concat(captures))
    // The name of the person it is about comes in every line of a page of questions: no rule of commonest n-grams here.
    // Short answers have a mark after every third word: words alone are counted, as the quickstart does.
    const filters = { words: 'spaces' as const, gopherRepetition: { top: [], topChinese: [] } }
    const { documents, heldOut } = await build({ languages: [language], filters }, [{ path: `${language}.warc.gz` }])
    const kept = new Set([...documents, ...heldOut].map((document) => document.url))
    const share = (kinds: string[]) => {
      const pages = crawl.filter(({ kind }) => kinds.includes(kind))
      expect(pages.length).toBeGreaterThan(0)
      return pages.filter(({ url }) => kept.has(url)).length / pages.length
    }
    expect(share(['spam', 'gambling', 'adult', 'drugs', 'foreign', 'boilerplate', 'short'])).toBe(0)
    // Copies come in random order, so that now and then it is the original that goes.
    expect(share(['article', 'story'])).toBeGreaterThan(0.85)
    expect(share(['faq'])).toBeGreaterThan(0.75)
  },
)
