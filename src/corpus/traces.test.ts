import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { corpusConfig } from './config.ts'
import type { CorpusInput } from './config.ts'
import type { Document, Rejection } from './document.ts'
import { readFunnel } from './funnel.ts'
import { buildCorpus } from './pipeline.ts'
import { keepLowest, lot, readTrace, readTraceIndex, TRACE_FILES } from './traces.ts'

let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'xueba-traces-'))))
afterAll(() => rm(folder, { recursive: true, force: true }))

const off = {
  url: false,
  minLength: false,
  gopherRepetition: false,
  gopherQuality: false,
  c4: false,
  fineweb: false,
  blockedWords: false,
} as const
async function build(name: string, rows: object[], more: Omit<CorpusInput, 'sources'>) {
  await writeFile(join(folder, `${name}.jsonl`), rows.map((row) => JSON.stringify(row)).join('\n'))
  const out = join(folder, name)
  const sources = [{ path: join(folder, `${name}.jsonl`), filters: 'web' as const }]
  const report = await buildCorpus(corpusConfig.parse({ ...more, sources, pii: false }), out, { seed: 1 })
  const lines = async <T>(file: string) =>
    (await readFile(join(out, file), 'utf8'))
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as T)
  return {
    out,
    report,
    documents: await lines<Document>('documents.jsonl'),
    rejected: await lines<Rejection>('rejected.jsonl'),
  }
}

test('every document is found through the index: by its place in a file, and in the sample of its rule', async () => {
  const rows = Array.from({ length: 2500 }, (_, i) =>
    i % 2 === 0
      ? {
          text: `A note of some length about day ${i}, which was written by the captain of the boat when he came home in the evening. It says that the river was high and that the bridge stood under water.`,
        }
      : {
          text:
            i % 4 === 1
              ? `The captain of boat ${i} came home in the evening, and that was it.`
              : `Notiz ${i} über das Wetter und den Tag am Meer, geschrieben von dem Kapitän des Schiffes, als er am Abend nach Hause kam. Der Fluss war hoch, und die Brücke stand unter Wasser.`,
        },
  )
  const filters = { ...off, minLength: {} }
  const { out, report, rejected } = await build('many', rows, { filters, languages: ['en'], dedup: { near: false } })
  expect(await readFunnel(out)).toEqual(report)
  const { every, files, samples } = await readTraceIndex(out)
  for (const file of TRACE_FILES) {
    const text = await readFile(join(out, file))
    const lines = text.toString().split('\n').filter(Boolean)
    expect(files[file]!.lines).toBe(lines.length)
    for (const [i, offset] of files[file]!.offsets.entries())
      expect(text.subarray(offset).toString().split('\n')[0]).toBe(lines[i * every])
  }
  for (const [rule, places] of Object.entries(samples)) {
    const all = rule === 'kept' ? report.documents : rejected.filter((line) => line.rule === rule).length
    expect(places.length).toBe(Math.min(20, all))
    for (const place of places) {
      const line = await readTrace(out, rule === 'kept' ? 'documents.jsonl' : 'rejected.jsonl', place)
      expect((line as { rule?: string }).rule ?? 'kept').toBe(rule)
    }
  }
  expect(Object.keys(samples).length).toBeGreaterThan(2)
})

test('the lowest lots are a sample', () => {
  const list: { rank: number; i: number }[] = []
  const all = Array.from({ length: 500 }, (_, i) => ({ rank: lot(3, i), i }))
  for (const entry of all) keepLowest(list, entry, 20)
  expect(list).toEqual(all.toSorted((a, b) => a.rank - b.rank).slice(0, 20))
  const mean = Array.from({ length: 5000 }, (_, i) => lot(7, i) / 2 ** 32).reduce((a, b) => a + b, 0) / 5000
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.02)
})

test('lines that an earlier document has are taken out, if asked', async () => {
  const menu = 'Subscribe to our newsletter and never miss a story again'
  const rows = [
    { id: 'a', text: `The first story of the harbour, told by the captain.\n${menu}` },
    { id: 'b', text: `${menu.toUpperCase()}!\nAnother story, told by the baker of the town.\nShort line.` },
    { id: 'c', text: `${menu}\nThe first story of the harbour, told by the captain` },
    {
      id: 'd',
      text: `Short line.\nA story that nobody told before, with an end.\nA story that nobody told before, with an end.`,
    },
  ]
  const options = { filters: off, languages: [], heldOut: 0, dedup: { near: false, lines: {} } }
  const { report, documents, rejected } = await build('lines', rows, options)
  expect(documents.map(({ id, text }) => [id, text]).sort()).toEqual([
    ['a', rows[0]!.text],
    ['b', 'Another story, told by the baker of the town.\nShort line.'],
    ['d', rows[3]!.text], // repetitions within a document are another filter's business
  ])
  expect(rejected).toMatchObject([{ id: 'c', rule: 'duplicate-lines' }])
  expect(report.lines).toEqual({ lines: 3, bytes: expect.any(Number) })
  expect(report.funnel.at(-1)).toMatchObject({ step: 'duplicate-lines', documents: 3, bytes: report.bytes })
  const without = await build('lines', rows, { ...options, dedup: { near: false } })
  expect(without.documents.length).toBe(4)
  expect(without.report.funnel.at(-1)!.step).toBe('near-duplicate')
})

test('documents say which source they are of where sources have weights', async () => {
  for (const name of ['x', 'y']) await writeFile(join(folder, `${name}.txt`), `A text of ${name}.`)
  const sources = [{ path: join(folder, 'x.txt'), share: 0.25 }, { path: join(folder, 'y.txt') }]
  const out = join(folder, 'weighted')
  const { sources: told } = await buildCorpus(corpusConfig.parse({ sources, heldOut: 0 }), out, { seed: 1 })
  expect(told.map(({ share }) => share)).toEqual([0.25, undefined])
  const lines = (await readFile(join(out, 'documents.jsonl'), 'utf8')).trim().split('\n')
  const found = lines.map((line) => JSON.parse(line) as Document)
  expect(found.map(({ text, mixture }) => [text, mixture]).sort()).toEqual([
    ['A text of x.', 0],
    ['A text of y.', 1],
  ])
  const wrong = [{ ...sources[0]!, epochs: 2 }]
  await expect(buildCorpus(corpusConfig.parse({ sources: wrong }), out, { seed: 1 })).rejects.toThrow(/epochs or share/)
})
