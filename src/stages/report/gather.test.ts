import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { UserError } from '../../run/index.ts'
import { gather } from './gather.ts'
import { measuresOf } from './measures.ts'
import { makeRun, type MadeRun } from './made-run.test-helper.ts'
import { storyOf } from './story.ts'

const folders: string[] = []
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))

async function made(options: MadeRun = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'xueba-report-'))
  folders.push(folder)
  await makeRun(folder, options)
  return folder
}

test('the keys of report.json', async () => {
  const card = await gather(await made())
  expect(Object.keys(card).sort()).toEqual([
    'aha',
    'comparisons',
    'controls',
    'curves',
    'exams',
    'finished',
    'format',
    'funnels',
    'language',
    'machine',
    'name',
    'recipe',
    'samples',
    'seconds',
    'stages',
    'started',
    'warnings',
    'xueba',
    'yaml',
  ])
  expect(Object.keys(card.stages[0]!).sort()).toEqual([
    'folder',
    'intervals',
    'kind',
    'metrics',
    'model',
    'name',
    'seconds',
    'state',
    'takenFrom',
  ])
  expect(card).toMatchObject({
    format: 1,
    name: '小镇',
    language: 'zh',
    xueba: '0.1.0',
    finished: true,
    machine: { cores: 2 },
    recipe: { seed: 1 },
  })
})

test('stages in order, with seconds, metrics and intervals', async () => {
  const { stages, seconds } = await gather(await made())
  expect(stages.map(({ name, state, model }) => [name, state, model])).toEqual([
    ['corpus', 'done', false],
    ['tokenizer', 'done', false],
    ['pretrain', 'done', true],
    ['sft-control', 'done', true],
    ['sft', 'done', true],
    ['rl', 'done', true],
    ['eval', 'done', false],
    ['report', 'waiting', false],
  ])
  const rl = stages[5]!
  expect(rl.metrics.accuracyBefore).toBe(0.22)
  expect(rl.intervals.accuracyBefore).toEqual({ low: 0.14, high: 0.3 })
  expect(rl.intervals.accuracy).toEqual({ low: rl.metrics.accuracyLow, high: rl.metrics.accuracyHigh })
  expect(rl.intervals['pass@4']).toEqual({ low: 0.3, high: 1 })
  expect(stages[7]!.seconds).toBeNull()
  expect(seconds).toBeCloseTo(12.4 + 4.2 + 241.7 + 58.3 * 2 + 176.9 + 21.5)
})

test('what an attempt did after the checkpoint that another went on from is in no curve', async () => {
  const { curves, samples } = await gather(await made())
  const bits = curves.find(({ stage, name }) => stage === 'pretrain' && name === 'bitsPerByte')!
  expect(bits).toMatchObject({ split: 'heldout' })
  expect(bits.points.map(({ step }) => step)).toEqual([500, 1000, 1500, 2000])
  expect(curves.find(({ name }) => name === 'accuracy')).toMatchObject({
    stage: 'rl',
    split: 'arithmetic-2-digits',
    points: [{ step: 0, value: 0.22, low: 0.14, high: 0.3 }, {}, {}, {}],
  })
  expect(samples[0]).toMatchObject({
    stage: 'pretrain',
    prompt: '从前',
    texts: [{ step: 500 }, { step: 1000 }, { step: 1500 }, { step: 2000 }],
  })
})

test('a stage that began from random weights is a control of its neighbour', async () => {
  const { controls } = await gather(await made())
  expect(controls).toMatchObject([
    { name: 'sft-control', kind: 'sft', without: 'weights', of: 'sft', metrics: { loss: 1.9 } },
  ])
})

test('an eval stage is an exam of every model, and controls carry what they scored', async () => {
  const { exams, controls } = await gather(await made())
  expect(exams).toHaveLength(1)
  expect(exams[0]!.models.map(({ stage }) => stage)).toEqual(['pretrain', 'sft-control', 'sft', 'rl'])
  const sft = exams[0]!.models[2]!
  expect(sft.metrics).toMatchObject({ bitsPerByte: 1.41, accuracy: 0.21, 'world.untaught': 0.105 })
  expect(sft.intervals.accuracyGain!.low).toBeCloseTo(0.12)
  expect(measuresOf(exams[0]!)).toEqual(['bitsPerByte', 'accuracy', 'world.untaught', 'world.chance'])
  expect(controls[0]!.metrics).toMatchObject({ 'exam.accuracy': 0.02, 'exam.bitsPerByte': 2.9 })
})

test('the funnel, with the rules that refused most first', async () => {
  const { funnels } = await gather(await made())
  expect(funnels[0]!.steps.slice(0, 2)).toEqual([
    { step: 'read', documents: 1204, bytes: 842_800 },
    { step: 'url', documents: 1182, bytes: 827_400 },
  ])
  expect(funnels[0]!.rules.map(({ rule }) => rule)).toEqual([
    'near-duplicate',
    'too-few-stop-words',
    'gambling',
    'exact-duplicate',
  ])
})

test('an unfinished run, and one that never began', async () => {
  const half = await gather(await made({ done: 2, language: 'en' }))
  expect(half.finished).toBe(false)
  expect(half.stages.map(({ state }) => state)).toEqual([
    'done',
    'done',
    'waiting',
    'waiting',
    'waiting',
    'waiting',
    'waiting',
    'waiting',
  ])
  expect(storyOf(half).at(-1)).toBe('The run is not over: pretrain comes next.')
  const fresh = await gather(await made({ done: 0 }))
  expect(fresh).toMatchObject({ seconds: 0, curves: [], samples: [], funnels: [] })
})

test('a folder that is no run is refused', async () => {
  await expect(gather(tmpdir())).rejects.toThrow(UserError)
})

test('the story says what was measured, and calls no overlapping intervals progress', async () => {
  const card = await gather(await made({ language: 'en' }))
  const story = storyOf(card).join(' ')
  expect(story).toContain('kept 902 to read (612 kB)')
  expect(story).toContain('1.36 bits a byte (2.07 at step 500)')
  expect(story).toContain('from 22% [14–30%] to 79% [71–87%].')
  expect(story).toContain(
    'The control sft-control (from random weights, without the reading): facts that were only read 1.0%',
  )
  card.stages[5]!.intervals.accuracy = { low: 0.25, high: 0.9 }
  expect(storyOf(card).join(' ')).toContain('with intervals that overlap, so this may be chance')
  expect(storyOf({ ...card, language: 'zh' }).join('')).toContain('挑出 902 篇来读')
})
