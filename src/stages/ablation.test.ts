import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { corpusConfig, type Document } from '../corpus/index.ts'
import { random } from '../tensor/index.ts'
import { ablate, bothSides, resultsOf, SETS, SIDES } from './ablation.ts'
import { pretrain, type PretrainConfig } from './pretrain.ts'
import { anyEngine } from './tiny.test-helper.ts'

const engine = await anyEngine()
const folder = await mkdtemp(join(tmpdir(), 'xueba-ablation-'))
afterAll(async () => {
  await engine.close()
  await rm(folder, { recursive: true })
})

const sources = [{ path: '.' }]

it('knows filters by either name, and says which there are', () => {
  const config = corpusConfig.parse({ sources })
  expect(bothSides(config, 'gopher-repetition').without.filters.gopherRepetition).toBe(false)
  expect(bothSides(config, 'c4')).toMatchObject({ with: config, without: { filters: { c4: false } } })
  expect(bothSides(config, 'near')).toMatchObject({
    with: { dedup: { near: true } },
    without: { dedup: { near: false } },
  })
  expect(bothSides(config, 'lines').with.dedup.lines).toEqual({ minCharacters: 20 })
  expect(() => bothSides(config, 'gofer-repetition')).toThrow(/did you mean "gopherRepetition"/)
  expect(() => bothSides(corpusConfig.parse({ sources, filters: { c4: false } }), 'c4')).toThrow(
    /switches the filter c4 off/,
  )
})

it('a difference of the same sign in every seed can be seen through their noise', () => {
  const cells = [1, 2, 3].flatMap((seed) =>
    SIDES.map((side) => ({ side, seed, epochs: 1, bitsPerByte: { a: seed + (side === 'with' ? 0.01 * seed : 0.1) } })),
  )
  const { with: on, without, difference } = resultsOf(cells, 'a')
  expect([on.value, without.value]).toEqual([2.02, 2.1])
  expect(difference.value).toBeCloseTo(-0.08, 9)
  // Student's t of three values: 4.303 · 0.01 / √3.
  expect(difference.high - difference.low).toBeCloseTo((2 * 4.303 * 0.01) / Math.sqrt(3), 6)
  expect(difference.high).toBeLessThan(0)
  expect(on.high - on.low).toBeGreaterThan(4)
})

it('trains both sides on what neither holds out, asks both the same, and does nothing twice', async () => {
  const r = random(1, 'ablation')
  const words = [
    'boat',
    'river',
    'bell',
    'captain',
    'bridge',
    'market',
    'evening',
    'morning',
    'the',
    'and',
    'of',
    'that',
    'with',
    'to',
  ]
  const line = () => `${Array.from({ length: 12 }, () => r.pick(words)).join(' ')}.`
  const rows = Array.from({ length: 240 }, (_, i) => {
    const lines = Array.from({ length: 6 }, line)
    return JSON.stringify({ id: `d${i}`, text: (i % 3 === 0 ? [...lines, 'click { here }'] : lines).join('\n') })
  })
  await writeFile(join(folder, 'in.jsonl'), rows.join('\n'))
  const off = {
    url: false,
    minLength: false,
    gopherRepetition: false,
    gopherQuality: false,
    fineweb: false,
    blockedWords: false,
  } as const
  const config = corpusConfig.parse({
    sources: [{ path: join(folder, 'in.jsonl'), filters: 'web' }],
    languages: [],
    filters: off,
    dedup: { near: false },
    heldOut: 0.2,
  })
  const out = join(folder, 'out')
  const read = pretrain.config.parse({
    steps: 12,
    rows: 4,
    time: 32,
    warmup: 2,
    evaluateEvery: 6,
    checkpointEvery: 6,
    prompts: [],
  })
  let trained: string[] = []
  const options = {
    filter: 'c4',
    seeds: [1, 2],
    seed: 1,
    language: 'en' as const,
    model: { dim: 32, layers: 1, heads: 2, kvHeads: 2, headDim: 16, ff: 64 },
    tokenizer: { vocab: 300, hanCap: 4 as const },
    pretrain: read as PretrainConfig & { steps: number },
    engine,
    progress: (what: string, event?: { type: string }) => void (event?.type === 'progress' && trained.push(what)),
  }
  const result = await ablate(config, out, options)
  const ids = async (path: string) =>
    (await readFile(join(out, path), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as Document).id)
  const held = new Set((await Promise.all(SETS.map((set) => ids(`heldout-${set}.jsonl`)))).flat())
  expect(held.size).toBeGreaterThan(20)
  for (const side of SIDES)
    expect((await ids(`training-${side}/documents.jsonl`)).filter((id) => held.has(id))).toEqual([])
  expect(result.sides.with.documents).toBeLessThan(result.sides.without.documents)
  expect(result.tokens).toBe(12 * 4 * 32)
  expect(result.cells.map(({ side, seed }) => [seed, side])).toEqual([
    [1, 'with'],
    [1, 'without'],
    [2, 'with'],
    [2, 'without'],
  ])
  for (const { bitsPerByte } of result.cells) for (const set of SETS) expect(bitsPerByte[set]).toBeGreaterThan(0)
  expect(new Set(trained).size).toBe(4)

  trained = []
  expect(await ablate(config, out, options)).toEqual(result)
  expect(trained).toEqual([])
  const third = await ablate(config, out, { ...options, seeds: [1, 2, 3] })
  expect(third.cells.slice(0, 4)).toEqual(result.cells)
  expect(new Set(trained)).toEqual(new Set(['seed 3 with', 'seed 3 without']))
})

it('trains nothing where the filter changes nothing', async () => {
  const texts = Array.from({ length: 20 }, (_, i) => JSON.stringify({ text: `Line ${i} of twenty, which all differ.` }))
  await writeFile(join(folder, 'all.jsonl'), texts.join('\n'))
  const config = corpusConfig.parse({ sources: [{ path: join(folder, 'all.jsonl') }], languages: [], heldOut: 0.2 })
  const nothing = ablate(config, join(folder, 'nothing'), {
    filter: 'exact',
    seeds: [1],
    seed: 1,
    language: 'en',
    model: {},
    tokenizer: { vocab: 300, hanCap: 4 },
    pretrain: pretrain.config.parse({ steps: 1 }) as PretrainConfig & { steps: number },
    engine,
  })
  await expect(nothing).rejects.toThrow(/exact changes nothing here: .* the same \d+ documents/)
})
