/** A corpus is the same whoever builds it: threads, ranks, and builds that were cut off and went on. */
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeWarcResponse } from '../formats/index.ts'
import { makeCrawl, makePages, makeWorld } from '../world/index.ts'
import { corpusConfig } from './config.ts'
import type { CorpusInput } from './config.ts'
import { buildCorpus, buildRank, PARTS } from './pipeline.ts'

let folder: string
let serial = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xueba-build-'))
  const world = makeWorld({ language: 'en', seed: 3 })
  const crawl = makeCrawl(world, makePages(world, { rounds: 1 }))
  const captures = crawl.map(({ url, html }) =>
    encodeWarcResponse({ url, date: '2024-01-31T12:00:00Z', body: `${html}<!-- ${'x'.repeat(20_000)} -->` }),
  )
  const third = Math.ceil(captures.length / 3)
  for (let i = 0; i < 3; i++)
    await writeFile(join(folder, `${i}.warc.gz`), Buffer.concat(captures.slice(i * third, (i + 1) * third)))
  await writeFile(
    join(folder, 'rows.jsonl'),
    Array.from({ length: 300 }, (_, i) => `{"text":"Row ${i % 250}."}`).join('\n'),
  )
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const config = (more: Omit<CorpusInput, 'sources'> = {}) =>
  corpusConfig.parse({
    ...more,
    sources: [
      ...[0, 1, 2].map((i) => ({ path: join(folder, `${i}.warc.gz`) })),
      { path: join(folder, 'rows.jsonl'), limit: 280 },
    ],
  })
const newFolder = () => join(folder, `out${serial++}`)

/** Every file with its hash. */
async function hashes(out: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const name of (await readdir(out)).sort())
    found[name] = createHash('sha256')
      .update(await readFile(join(out, name)))
      .digest('hex')
  return found
}

test('threads, ranks and interruptions leave no trace in the result', async () => {
  const alone = newFolder()
  const report = await buildCorpus(config(), alone, { seed: 1, workers: 1 })
  const expected = await hashes(alone)
  expect(Object.keys(expected)).toEqual([
    'documents.jsonl',
    'funnel.json',
    'heldout.jsonl',
    'near-duplicates.jsonl',
    'rejected.jsonl',
    'traces.index.json',
  ])
  expect(report.rules).toMatchObject({ 'exact-duplicate': expect.any(Number), 'near-duplicate': expect.any(Number) })

  const together = newFolder()
  expect(await buildCorpus(config(), together, { seed: 1, workers: 3 })).toEqual(report)
  expect(await hashes(together)).toEqual(expected)

  const ranks = newFolder()
  expect(await buildRank(config(), ranks, { rank: 1, of: 3 }, { seed: 1, workers: 1 })).toEqual({
    files: 4,
    missing: 3,
  })
  expect(await buildRank(config(), ranks, { rank: 0, of: 3 }, { seed: 1, workers: 1 })).toEqual({
    files: 4,
    missing: 1,
  })
  expect(await readdir(ranks)).toEqual([PARTS])
  expect(await buildRank(config(), ranks, { rank: 2, of: 3 }, { seed: 1, workers: 1 })).toEqual({
    files: 4,
    missing: 0,
  })
  const read: number[] = []
  await buildCorpus(config(), ranks, { seed: 1, workers: 1, progress: ({ now }) => void read.push(now.documents) })
  expect(Math.max(...read)).toBe(0) // nothing was left to do but to put it together
  expect(await hashes(ranks)).toEqual(expected)

  const cut = newFolder()
  for (const last of [2, 5, 9]) {
    let calls = 0
    const progress = () => {
      if (++calls === last) throw new Error('cut off')
    }
    await expect(buildCorpus(config(), cut, { seed: 1, workers: last % 2, progress })).rejects.toThrow('cut off')
  }
  await buildCorpus(config(), cut, { seed: 1, workers: 1 })
  expect(await hashes(cut)).toEqual(expected)
})

test('what other options or another file made is not gone on with', async () => {
  const out = newFolder()
  await buildRank(config(), out, { rank: 0, of: 1 }, { seed: 1, workers: 1 })
  const counts = async (options: CorpusInput['filters']) => {
    const read: number[] = []
    const built = buildRank(
      config(options ? { filters: options } : {}),
      out,
      { rank: 0, of: 1 },
      {
        seed: 1,
        workers: 1,
        progress: ({ now }) => void read.push(now.documents),
      },
    )
    await built
    return read.at(-1)!
  }
  expect(await counts(undefined)).toBe(0)
  expect(await counts({ c4: false })).toBeGreaterThan(300)
  expect(await counts({ c4: false })).toBe(0)
  await utimes(join(folder, 'rows.jsonl'), 1, 1)
  expect(await counts({ c4: false })).toBe(280)
})
