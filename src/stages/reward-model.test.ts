/** The reward-model stage on pairs of a file, and reinforcement learning that follows a judge. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRewardScorer, freeModel } from '../nn/index.ts'
import { checkOrder } from './order.ts'
import { loadModel } from './model-folder.ts'
import { answered } from './pairs.ts'
import { dpo } from './dpo.ts'
import { rewardModel } from './reward-model.ts'
import { rl } from './rl/rl.ts'
import type { RolloutLine } from './rl/rollout-log.ts'
import { anyEngine, byteTokenizer, testContext, tinyModel, writeModelFolder } from './tiny.test-helper.ts'

const engine = await anyEngine()
let run: string
beforeAll(async () => {
  run = await mkdtemp(join(tmpdir(), 'xueba-reward-'))
})
afterAll(async () => {
  await engine.close()
  await rm(run, { recursive: true })
})

/** Whoever ranked these likes a "!". */
const pairs = Array.from({ length: 200 }, (_, i) => {
  const [a, b] = ['yes', 'no', 'maybe', 'well'].toSorted((x, y) => ((i * x.length) % 7) - ((i * y.length) % 5)) as [
    string,
    string,
  ]
  return { prompt: `Q${i}`, chosen: `${a}!`, rejected: b }
})

describe('reward-model', () => {
  it('learns what was preferred, and is measured on prompts it has not read', async () => {
    const file = join(run, 'pairs.jsonl')
    await writeFile(file, pairs.map((pair) => `${JSON.stringify(pair)}\n`).join('') + '{"chosen": "x"}\n')
    const folder = join(run, '01-sft')
    await writeModelFolder(folder, tinyModel(engine))
    const earlier = [{ kind: 'sft', name: 'sft', folder }]
    const context = await testContext(engine, run, '02-reward-model', earlier)
    const config = rewardModel.config.parse({
      data: [{ file }],
      rows: 16,
      time: 64,
      epochs: 12,
      matrixRate: 0.01,
      evaluateEvery: 50,
    })
    const metrics = await rewardModel.run(context, config)
    expect(metrics.pairs! + metrics.heldOutPairs!).toBe(200)
    expect(metrics.accuracy).toBeGreaterThan(0.9)
    expect(metrics.accuracyLow).toBeLessThanOrEqual(metrics.accuracy!)
    expect(metrics.lengthAccuracy).toBeGreaterThan(0)
    expect(context.events).toContainEqual(expect.objectContaining({ type: 'warning', code: 'rejected-lines' }))
    const table = JSON.parse(await readFile(join(context.folder, 'calibration.json'), 'utf8')) as {
      pairs: number
      error: number
      bins: { pairs: number }[]
    }
    expect(table.bins.reduce((sum, bin) => sum + bin.pairs, 0)).toBe(metrics.heldOutPairs)
    expect(metrics.calibrationError).toBe(table.error)
    for (const name of ['accuracy', 'margin', 'calibrationError', 'lengthAccuracy'])
      expect(context.events).toContainEqual(expect.objectContaining({ type: 'metric', name, split: 'heldout' }))

    const judge = await loadModel(engine, context.folder, { trainable: false })
    const tokenizer = byteTokenizer()
    const texts = ['well!', 'well'].map((content) =>
      answered(tokenizer, [
        { role: 'user', content: 'Q' },
        { role: 'assistant', content },
      ]),
    )
    expect(texts[0]!.ids.at(-1)).toBe(tokenizer.idOf('<|im_end|>'))
    const [better, worse] = await createRewardScorer(judge, { rows: 4, time: 64 }).score(texts.map(({ ids }) => ids))
    expect(better).toBeGreaterThan(worse!)
  })

  it('learns from whole rankings, ties and all', async () => {
    const file = join(run, 'rankings.jsonl')
    const rankings = pairs.map(({ prompt, chosen, rejected }, i) => ({
      prompt,
      drafts: [rejected, chosen, `${rejected} ${i}`],
      ranks: i % 10 === 0 ? [] : [[1], [0, 2]],
    }))
    await writeFile(file, rankings.map((row) => `${JSON.stringify(row)}\n`).join(''))
    const earlier = [{ kind: 'sft', name: 'sft', folder: join(run, '01-sft') }]
    const context = await testContext(engine, run, '06-reward-model', earlier)
    const options = { data: [{ file }], rows: 12, time: 64, epochs: 8, matrixRate: 0.01, loss: 'plackett-luce' }
    const metrics = await rewardModel.run(context, rewardModel.config.parse(options))
    expect(metrics.rankings).toBe(metrics.pairs! / 2)
    expect(metrics.undecided).toBe(20)
    expect(metrics.accuracy).toBeGreaterThan(0.9)
  })

  it('refuses too few pairs in a sentence', async () => {
    const file = join(run, 'few.jsonl')
    await writeFile(file, `${JSON.stringify(pairs[0])}\n`)
    const earlier = [{ kind: 'sft', name: 'sft', folder: join(run, '01-sft') }]
    const context = await testContext(engine, run, '03-reward-model', earlier)
    const config = rewardModel.config.parse({ data: [{ file }], heldOut: 0 })
    await expect(rewardModel.run(context, config)).rejects.toThrow(/1 pairs are less than one step of 16/)
  })
})

describe('dpo', () => {
  it('makes what was preferred likelier, on prompts it has not read, too', async () => {
    const file = join(run, 'pairs.jsonl')
    const earlier = [{ kind: 'sft', name: 'sft', folder: join(run, '01-sft') }]
    const context = await testContext(engine, run, '04-dpo', earlier)
    const config = dpo.config.parse({ data: [{ file }], rows: 16, time: 64, epochs: 4, matrixRate: 0.003 })
    const metrics = await dpo.run(context, config)
    expect(metrics.accuracyLow).toBeGreaterThan(0.5)
    expect(metrics.margin).toBeGreaterThan(0)
    expect(metrics.heldOutLoss).toBeLessThan(Math.LN2)
    const model = await loadModel(engine, context.folder)
    expect(model.score).toBeNull()
    freeModel(model)
  })
})

describe('rl that follows a reward model', () => {
  it('is told what the judge says of every answer, and shows it beside the true reward', async () => {
    const earlier = [
      { kind: 'sft', name: 'sft', folder: join(run, '01-sft') },
      { kind: 'reward-model', name: 'judge', folder: join(run, '02-reward-model') },
    ]
    const context = await testContext(engine, run, '05-rl', earlier)
    const config = rl.config.parse({
      tasks: [{ task: { name: 'arithmetic', digits: 1 } }],
      rewardModel: 'judge',
      steps: 2,
      rows: 4,
      time: 80,
      promptsPerStep: 2,
      groupSize: 4,
      maxTokens: 8,
      evaluateProblems: 2,
    })
    await rl.run(context, config)
    const lines = (await readFile(join(context.folder, 'rollouts.jsonl'), 'utf8')).trim().split('\n')
    const groups = lines.map((line) => JSON.parse(line) as RolloutLine)
    const judge = await loadModel(engine, join(run, '02-reward-model'), { trainable: false })
    const scorer = createRewardScorer(judge, { rows: 4, time: 80 })
    for (const { promptIds, answers } of groups) {
      const scores = await scorer.score(answers.map(({ ids }) => [...promptIds, ...ids]))
      const mean = scores.reduce((a, b) => a + b) / scores.length
      answers.forEach(({ reward, credit = reward, advantage }, i) => {
        expect(credit).toBeCloseTo(scores[i]!, 4)
        expect(advantage).toBeCloseTo(scores[i]! - mean, 4)
      })
    }
    const last = groups.filter(({ step }) => step === 2).flatMap(({ answers }) => answers)
    const value = last.reduce((sum, { reward, credit = reward }) => sum + credit, 0) / last.length
    const shown = context.events.find((e) => e.type === 'metric' && e.name === 'rewardModel' && e.step === 2)
    expect(shown).toMatchObject({ split: 'train', value: expect.closeTo(value, 6) as number })
    scorer.free()
    freeModel(judge)
  })
})

it('over-optimisation is named while the run goes, once', async () => {
  const file = join(run, 'falling.ts')
  await writeFile(
    file,
    `let asked = 0
export const prompts = Array.from({ length: 60 }, (_, i) => 'Q' + i)
export const reward = () => -asked++ / 100`,
  )
  const earlier = [
    { kind: 'sft', name: 'sft', folder: join(run, '01-sft') },
    { kind: 'reward-model', name: 'judge', folder: join(run, '02-reward-model') },
  ]
  const context = await testContext(engine, run, '06-rl', earlier)
  const config = rl.config.parse({
    tasks: [{ task: { name: 'own', file } }],
    rewardModel: 'judge',
    algorithm: 'grpo',
    beta: 0,
    steps: 34,
    rows: 4,
    time: 80,
    promptsPerStep: 2,
    groupSize: 8,
    maxTokens: 4,
    matrixRate: 0.02,
    evaluateEvery: 99,
    evaluateProblems: 1,
    passAtK: [],
  })
  const { overOptimisedAt } = await rl.run(context, config)
  const warnings = context.events.filter((e) => e.type === 'warning')
  expect(warnings.map(({ code, step }) => [code, step])).toEqual([['over-optimisation', overOptimisedAt]])
  expect(overOptimisedAt).toBeGreaterThanOrEqual(30)
  expect(warnings[0]!.message.en).toMatch(/true reward fell from -\d.* the reward model's score rose from/)
})

it('a recipe that names a reward model which is not there is refused', () => {
  const stage = (kind: string, config = {}) => ({ kind, name: kind, config })
  const recipe = {
    name: 'x',
    language: 'en' as const,
    seed: 1,
    model: {},
    stages: [stage('sft'), stage('rl', { rewardModel: 'mine' })],
  }
  expect(() => checkOrder(recipe)).toThrow(/no earlier stage called "mine" makes a reward model; there are: none/)
  recipe.stages.splice(1, 0, { kind: 'reward-model', name: 'mine', config: {} })
  expect(() => checkOrder(recipe)).not.toThrow()
})

it('answers to one exercise need another to be compared with, or a critic', () => {
  const recipe = (config: object) => ({
    name: 'x',
    language: 'en' as const,
    seed: 1,
    model: {},
    stages: [
      { kind: 'sft', name: 'sft', config: {} },
      {
        kind: 'rl',
        name: 'rl',
        config: rl.config.parse({ tasks: [{ task: { name: 'arithmetic' } }], ...config }) as Record<string, unknown>,
      },
    ],
  })
  expect(() => checkOrder(recipe({ groupSize: 1 }))).toThrow(/groupSize.*2 at least/s)
  expect(() => checkOrder(recipe({ groupSize: 1, algorithm: 'ppo' }))).not.toThrow()
})
