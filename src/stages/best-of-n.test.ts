/** The best of n: its estimate against every choice, and the stage from folder to folder. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createModel, freeModel, initialize } from '../nn/index.ts'
import { bestOfN, expectedBest, type Judged } from './best-of-n.ts'
import { rl } from './rl/rl.ts'
import { mean } from './statistics.ts'
import { anyEngine, testContext, tinyConfig, tinyModel, writeModelFolder } from './tiny.test-helper.ts'

/** Every choice of n. */
function choices<T>(items: readonly T[], n: number): T[][] {
  if (n === 0) return [[]]
  return items.flatMap((item, i) => choices(items.slice(i + 1), n - 1).map((rest) => [item, ...rest]))
}

it('is the mean over every choice of n answers', () => {
  const value = fc.integer({ min: -50, max: 50 })
  const answers = fc.uniqueArray(fc.record({ reward: value, judged: value }), {
    minLength: 1,
    maxLength: 7,
    selector: ({ judged }) => judged,
  })
  fc.assert(
    fc.property(answers, fc.nat({ max: 6 }), (all, k) => {
      const n = 1 + (k % all.length)
      const best = (some: Judged[]) => some.reduce((a, b) => (b.judged > a.judged ? b : a))
      for (const of of [(one: Judged) => one.reward, (one: Judged) => one.judged])
        expect(expectedBest(all, n, of)).toBeCloseTo(mean(choices(all, n).map((some) => of(best(some)))), 9)
    }),
  )
  expect(() => expectedBest([], 1, () => 0)).toThrow(RangeError)
})

it('asks the start n times and every trained model once, on the same held-out prompts', async () => {
  const engine = await anyEngine()
  const run = await mkdtemp(join(tmpdir(), 'xueba-best-'))
  const file = join(run, 'short.ts')
  await writeFile(
    file,
    `export const prompts = Array.from({ length: 60 }, (_, i) => 'Write ' + i)
export const reward = (_: unknown, text: string) => -text.length`,
  )
  const [folder, judge] = [join(run, '01-sft'), join(run, '02-reward-model')]
  await writeModelFolder(folder, tinyModel(engine))
  const model = createModel(engine, { ...tinyConfig, score: true })
  initialize(model, 9)
  model.score!.write(Float32Array.from({ length: tinyConfig.dim }, (_, i) => Math.sin(i)))
  await writeModelFolder(judge, model)
  freeModel(model)
  const earlier = [
    { kind: 'sft', name: 'sft', folder },
    { kind: 'reward-model', name: 'judge', folder: judge },
  ]
  const own = [{ task: { name: 'own', file } }]
  const practice = await testContext(engine, run, '03-rl', earlier)
  const shape = { rows: 4, time: 64, maxTokens: 8 }
  await rl.run(
    practice,
    rl.config.parse({
      ...shape,
      tasks: own,
      rewardModel: 'judge',
      algorithm: 'ppo',
      steps: 3,
      promptsPerStep: 4,
      groupSize: 4,
      evaluateProblems: 2,
      passAtK: [],
    }),
  )
  expect(practice.events.filter((e) => e.type === 'metric' && e.name === 'rewardModel')).toHaveLength(3)
  const context = await testContext(engine, run, '04-best', [
    ...earlier,
    { kind: 'rl', name: 'rl', folder: practice.folder },
  ])
  const config = bestOfN.config.parse({ ...shape, tasks: own, from: 'sft', problems: 6, n: [1, 4] })
  const metrics = await bestOfN.run(context, config)
  const { best, trained, prompts, deviation } = JSON.parse(
    await readFile(join(context.folder, 'best-of-n.json'), 'utf8'),
  ) as {
    prompts: number
    deviation: number
    best: Record<string, { reward: { value: number }; judged: { value: number }; divergence: number }>
    trained: Record<string, { reward: { value: number }; gain: { value: number }; divergence: number }>
  }
  expect(prompts).toBe(6)
  expect(deviation).toBeGreaterThan(0)
  const gained = trained.rl!.reward.value - best['1']!.reward.value
  expect(trained.rl!.gain.value).toBeCloseTo(gained / deviation, 9)
  expect(best['4']!.judged.value).toBeGreaterThan(best['1']!.judged.value)
  expect(best['1']!.divergence).toBe(0)
  expect(best['4']!.divergence).toBeCloseTo(Math.log(4) - 3 / 4, 9)
  expect(trained.rl!.divergence).not.toBe(0)
  expect(metrics['best-of-4.judged']).toBe(best['4']!.judged.value)
  expect(metrics['rl.reward']).toBe(trained.rl!.reward.value)
  expect(await bestOfN.run(context, config)).toEqual(metrics)
  await engine.close()
  await rm(run, { recursive: true })
})
