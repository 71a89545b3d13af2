/** The evaluation stage on made-up models: who is asked how, what is written, what counts as a gain. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { freeModel } from '../nn/index.ts'
import { writeManifest } from '../run/index.ts'
import { evaluation, evalOptions, type ModelScore } from './eval.ts'
import { wilson } from './statistics.ts'
import { anyEngine, testContext, tinyModel, writeModelFolder } from './tiny.test-helper.ts'

const engine = await anyEngine()
const run = await mkdtemp(join(tmpdir(), 'xueba-eval-'))
afterAll(async () => {
  await engine.close()
  await rm(run, { recursive: true, force: true })
})

it('gives every model of the run the same papers', async () => {
  const corpus = join(run, '01-corpus')
  await mkdir(corpus)
  const text = 'The quick brown fox jumps over the lazy dog. '.repeat(40)
  await writeFile(join(corpus, 'heldout.jsonl'), `${JSON.stringify({ id: 'a', text, source: 'x' })}\n`)
  await writeFile(
    join(corpus, 'documents.jsonl'),
    `${JSON.stringify({ id: 'b', text: text.slice(0, 450), source: 'x' })}\n`,
  )
  const earlier = [{ kind: 'corpus', name: 'corpus', folder: corpus }]
  const made = [
    ['pretrain', 'pretrain', 'latest'],
    ['sft', 'study', 'latest'],
    ['rl', 'shuffled', 'study'],
    ['rl', 'practice', 'study'],
    ['sft', 'no-reading', 'random'],
  ] as const
  for (const [i, [kind, name, from]] of made.entries()) {
    const model = tinyModel(engine, { maxPositions: 512 })
    const folder = join(run, `0${i + 2}-${name}`)
    await writeModelFolder(folder, model)
    await writeManifest(folder, { kind, name, config: { from }, inputs: {}, seconds: 1, metrics: {} })
    freeModel(model)
    earlier.push({ kind, name, folder })
  }
  const context = await testContext(engine, run, '07-eval', earlier)
  const options = evalOptions.parse({
    tasks: [{ task: { name: 'arithmetic', digits: 2 } }, { task: { name: 'countdown' } }],
    problems: 6,
    maxTokens: 8,
    passAtK: [1, 2],
    questions: 5,
    heldOutTokens: 1000,
    baselines: true,
  })
  const metrics = await evaluation.run(context, options)
  const file = JSON.parse(await readFile(join(context.folder, 'eval.json'), 'utf8')) as { stages: ModelScore[] }
  expect(file.stages.map(({ name, kind, from }) => [name, kind, from])).toEqual([
    ['pretrain', 'pretrain', null],
    ['study', 'sft', 'pretrain'],
    ['shuffled', 'rl', 'study'],
    ['practice', 'rl', 'study'],
    ['no-reading', 'sft', null],
  ])
  // Models that count know this text by heart; the made-up ones have weights drawn at random.
  expect(metrics['5-gram.bitsPerByte']).toBeLessThan(1)
  expect(metrics['PPM.bitsPerByte']).toBeLessThan(0.3)
  expect(metrics['pretrain.bitsPerByte']).toBeGreaterThan(4)
  const [base, study] = file.stages as [ModelScore, ModelScore]
  const papers = ({ exercises, world }: ModelScore) => [
    ...Object.values(exercises).map(({ answers }) => answers.map(({ prompt, expected }) => [prompt, expected])),
    ...[world!.taught, world!.untaught].map(({ answers }) => answers.map(({ question }) => question)),
  ]
  expect(papers(study)).toEqual(papers(base))
  expect(papers(base).map((paper) => paper.length)).toEqual([6, 6, 5, 5])
  // equal random weights: about 8 bits for a byte, and nothing is right
  expect(metrics['pretrain.bitsPerByte']!).toBeGreaterThan(7.5)
  expect(metrics['pretrain.bitsPerByte']!).toBeLessThan(8.5)
  expect(metrics['study.bitsPerByte']).toBe(metrics['pretrain.bitsPerByte'])
  const { low, high } = wilson(0, 6)
  expect(metrics).toMatchObject({
    'study.arithmetic-2-digits.accuracy': 0,
    'study.arithmetic-2-digits.accuracyLow': low,
    'study.arithmetic-2-digits.accuracyHigh': high,
    'study.arithmetic-2-digits.accuracyGain': 0,
    'study.countdown-2-numbers.pass@2': 0,
    'study.world.taught': 0,
    'study.world.untaughtGain': 0,
  })
  // one of the twelve to sixteen values of an attribute
  expect(metrics['study.world.chance']!).toBeGreaterThanOrEqual(1 / 16)
  expect(metrics['study.world.chance']!).toBeLessThanOrEqual(1 / 12)
  for (const first of ['pretrain', 'no-reading']) expect(metrics).not.toHaveProperty([`${first}.world.taughtGain`])
  const events = context.events.filter((e) => e.type === 'metric')
  for (const { name, value } of events) expect(metrics[name]).toBe(value)
  expect(events.find(({ name }) => name === 'study.countdown-2-numbers.accuracy')).toMatchObject({ low, high })
})

it('says what is missing', async () => {
  const context = await testContext(engine, run, '08-eval', [])
  await expect(evaluation.run(context, evalOptions.parse({}))).rejects.toThrow(/no stage before it makes a model/)
})
