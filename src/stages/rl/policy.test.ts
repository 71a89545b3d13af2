/** The policy's update: its gradient against finite differences, and that it learns what is rewarded and nothing else. */
import { afterAll, describe, expect, it } from 'vitest'
import { Engine, openReference, random } from '../../tensor/index.ts'
import type { Exercise, Task } from '../../tasks/index.ts'
import { type Model, type OptimizerOptions, temper } from '../../nn/index.ts'
import { inChat } from '../ask.ts'
import { type Algorithm, ALGORITHM_NAMES, type AlgorithmNumbers, expandAlgorithm } from './algorithms.ts'
import { packAnswers } from './answers.ts'
import { chargeDivergence, giveAdvantages } from './credit.ts'
import { createPolicyTrainer, type PolicyOptions } from './policy.ts'
import { drawStep, type Group, rollOut, type RolloutOptions, summarize } from './rollout.ts'
import { createTokenScorer } from './token-scorer.ts'
import { anyEngine, byteTokenizer, tinyModel } from '../tiny.test-helper.ts'

const tokenizer = byteTokenizer()
const manner = inChat(tokenizer)

/** Any text that begins with a small letter is right: a tenth of what random weights say. */
const letters: Task = {
  name: 'letters',
  languages: ['en'],
  train: (count, seed) => Array.from({ length: count }, (_, i) => exercise(String(random(seed, 'x', i).below(10)))),
  test: (count) => Array.from({ length: count }, (_, i) => exercise(`t${i}`)),
  reward: (_, text) => (/^[a-z]/.test(text) ? 1 : 0),
  correct: (_, text) => /^[a-z]/.test(text),
}
const exercise = (prompt: string): Exercise => ({ id: prompt, prompt, answer: 'a', solution: 'a' })

const rollout: RolloutOptions & AlgorithmNumbers = {
  ...expandAlgorithm({}),
  promptsPerStep: 8,
  groupSize: 8,
  maxTokens: 3,
  rewardFrom: 'task',
}
const policy: PolicyOptions = {
  ...expandAlgorithm({}),
  maxTokens: 3,
  temperature: 1,
  rows: 4,
  time: 64,
  padding: 256,
  epochs: 1,
  minibatches: 1,
  seed: 1,
}
const adamw = (rate: number): OptimizerOptions => ({
  matrices: 'adamw',
  matrixRate: rate,
  embeddingRate: rate,
  vectorRate: rate,
  beta1: 0.9,
  beta2: 0.95,
  eps: 1e-8,
  weightDecay: 0,
  momentum: 0.95,
  clip: 1,
})

const experience = async (model: Model, options: typeof rollout, step: number): Promise<Group[]> => {
  const draws = drawStep([{ task: letters, weight: 1 }], options.promptsPerStep, { seed: 1, step }, () => true)
  const groups = await rollOut(model, manner, draws, options, { seed: 1, step })
  return giveAdvantages(groups, 'mean')
}

/** What the papers write, sum by sum: log-probabilities of all answers' tokens → the loss. */
const written: Record<Algorithm, (i: WrittenInputs) => number> = {
  grpo: ({ groups, old, now, ref }) =>
    average(
      groups.flatMap((credits, g) =>
        credits.map((r, i) => {
          const A = (r - average(credits)) / Math.sqrt(average(credits.map((x) => (x - average(credits)) ** 2)))
          return average(
            now[g]![i]!.map((p, t) => {
              const kl = Math.exp(ref[g]![i]![t]! - p) - (ref[g]![i]![t]! - p) - 1
              return -clipped(Math.exp(p - old[g]![i]![t]!), A, 0.2, 0.2) + 0.04 * kl
            }),
          )
        }),
      ),
    ),
  'dr-grpo': ({ groups, old, now, maxTokens }) =>
    average(
      groups.flatMap((credits, g) =>
        credits.map((r, i) =>
          total(
            now[g]![i]!.map(
              (p, t) => -clipped(Math.exp(p - old[g]![i]![t]!), r - average(credits), 0.2, 0.2) / maxTokens,
            ),
          ),
        ),
      ),
    ),
  dapo: ({ groups, old, now }) =>
    total(
      groups.flatMap((credits, g) =>
        credits.flatMap((r, i) => {
          const A = (r - average(credits)) / Math.sqrt(average(credits.map((x) => (x - average(credits)) ** 2)))
          return now[g]![i]!.map((p, t) => -clipped(Math.exp(p - old[g]![i]![t]!), A, 0.2, 0.28))
        }),
      ),
    ) / now.flat(2).length,
  rloo: ({ groups, old, now, ref }) => {
    const charged = groups.map((credits, g) =>
      credits.map((r, i) => r - 0.05 * total(old[g]![i]!.map((p, t) => p - ref[g]![i]![t]!))),
    )
    return average(
      charged.flatMap((credits, g) =>
        credits.map((r, i) => {
          const A = r - average(credits.filter((_, j) => j !== i))
          return total(now[g]![i]!.map((p, t) => -Math.exp(p - old[g]![i]![t]!) * A))
        }),
      ),
    )
  },
  ppo: ({ old, now, advantages }) =>
    average(
      now.flatMap((group, g) =>
        group.flatMap((answer, i) =>
          answer.map((p, t) => -clipped(Math.exp(p - old[g]![i]![t]!), advantages[g]![i]![t]!, 0.2, 0.2)),
        ),
      ),
    ),
}
interface WrittenInputs {
  /** Credits by group; log-probabilities by group, answer, token: when sampled, now, under the reference. */
  groups: number[][]
  old: number[][][]
  now: number[][][]
  ref: number[][][]
  advantages: number[][][]
  maxTokens: number
}
const total = (values: number[]) => values.reduce((a, b) => a + b, 0)
const average = (values: number[]) => total(values) / values.length
const clipped = (ratio: number, A: number, low: number, high: number) =>
  Math.min(ratio * A, Math.min(Math.max(ratio, 1 - low), 1 + high) * A)

describe('the loss of each algorithm', () => {
  it.each(ALGORITHM_NAMES)('%s is what its paper writes, and its gradient equals finite differences', async (name) => {
    const engine = new Engine(openReference())
    const small = { dim: 6, heads: 2, kvHeads: 1, headDim: 4, ff: 5 }
    const [model, reference] = [tinyModel(engine, small), tinyModel(engine, small)]
    const draw = random(2, 'test')
    const noise = async (scale: number, m = model) =>
      m.slab.weights.write(Float64Array.from(await m.slab.weights.read(), (w) => w + scale * draw.normal()))
    await noise(0.3)
    await noise(0.3, reference)
    const numbers = expandAlgorithm({ algorithm: name })
    const maxTokens = 5
    // A temperature, so that the policy is the distribution that was sampled from here, too.
    const shape = { ...policy, ...numbers, rows: 1, time: 48, maxTokens, temperature: 0.8 }
    const hot = temper(model, 0.8)
    await hot.refresh()
    let groups = (await experience(hot.model, { ...rollout, promptsPerStep: 2, groupSize: 3, maxTokens }, 1)).map(
      (g) => ({
        ...g,
        answers: g.answers.map((a) => ({ ...a, credit: draw.uniform() })),
      }),
    )
    expect(new Set(groups.flatMap((g) => g.answers.map((a) => a.asked.ids.length))).size).toBeGreaterThan(0)
    // A shorter answer than the others: what weighs the same then differs between the algorithms.
    const cut = groups[0]!.answers[0]!.asked
    Object.assign(cut, { ids: cut.ids.slice(0, 2), logProbs: cut.logProbs.slice(0, 2) })
    await noise(0.02) // off-policy, so that some ratios are clipped
    const [own, frozen] = [createTokenScorer(model, shape), createTokenScorer(reference, shape)]
    const asked = groups.flatMap((g) => g.answers.map((a) => a.asked))
    const ref = await frozen.of(asked)
    if (numbers.kl === 'reward') groups = chargeDivergence(groups, ref, numbers.beta)
    if (numbers.advantage === 'gae')
      groups = groups.map((g) => ({
        ...g,
        answers: g.answers.map((a) => ({ ...a, advantages: Float32Array.from(a.asked.ids, () => draw.normal()) })),
      }))
    else groups = giveAdvantages(groups, numbers.advantage)
    const trainer = createPolicyTrainer(
      model,
      numbers.kl === 'loss' && numbers.beta > 0 ? reference : null,
      shape,
      adamw(1e-3),
    )
    const weights = Float64Array.from(await model.slab.weights.read())
    const statistics = await trainer.accumulate(groups)
    const grads = Float64Array.from(await model.slab.grads!.read())
    const byGroup = (rows: ArrayLike<number>[]) => [0, 3].map((g) => rows.slice(g, g + 3).map((row) => Array.from(row)))
    const paper = async () =>
      written[name]({
        groups: groups.map((g) => g.answers.map((a) => a.credit)),
        old: byGroup(asked.map((a) => a.logProbs)),
        now: byGroup(await own.of(asked)),
        ref: byGroup(ref),
        advantages: byGroup(groups.flatMap((g) => g.answers.map((a) => a.advantages ?? []))),
        maxTokens,
      })
    expect(statistics.loss).toBeCloseTo(await paper(), 5)
    if (numbers.clipHigh < 1) expect(statistics.clipped).toBeGreaterThan(0)
    else expect(statistics.clipped).toBe(0)
    expect(statistics.clipped).toBeLessThan(1)
    if (name === 'grpo') expect(statistics.klReference).toBeGreaterThan(0)
    const lossAt = async (w: Float64Array) => {
      model.slab.weights.write(w)
      return (await trainer.accumulate(groups)).loss
    }
    const h = 1e-5
    let largest = 0
    for (const { name: weight, shape: size, offset } of model.slab.parameters) {
      const count = size.reduce((a, b) => a * b)
      const i = offset + (weight.includes('embed') ? 256 * 6 : 7919 % count)
      const [up, down] = [weights.slice(), weights.slice()]
      up[i]! += h
      down[i]! -= h
      const numeric = ((await lossAt(up)) - (await lossAt(down))) / (2 * h)
      largest = Math.max(largest, Math.abs(numeric))
      expect(Math.abs(numeric - grads[i]!), `${weight}[${i - offset}]`).toBeLessThan(
        2e-6 * Math.max(1, Math.abs(numeric)),
      )
    }
    expect(largest).toBeGreaterThan(0.001)
    await engine.close()
  })
})

describe('learning', async () => {
  const engine = await anyEngine()
  afterAll(() => engine.close())

  const learn = async (rewardFrom: RolloutOptions['rewardFrom'], options: Partial<PolicyOptions> = {}) => {
    const model = tinyModel(engine)
    const sampler = temper(model, options.temperature ?? 1)
    const trainer = createPolicyTrainer(model, null, { ...policy, ...options }, adamw(0.01))
    const shares: number[] = []
    let [updates, mismatch, clipped] = [0, 0, 0]
    for (let step = 1; step <= 40; step++) {
      await sampler.refresh()
      const groups = await experience(sampler.model, { ...rollout, rewardFrom }, step)
      shares.push(summarize(groups).correct)
      const result = await trainer.step(groups, step, updates, 1)
      updates += result?.updates ?? 0
      mismatch = Math.max(mismatch, result?.mismatch ?? 0)
      clipped = Math.max(clipped, result?.clipped ?? 0)
    }
    trainer.free()
    const average = (part: number[]) => part.reduce((a, b) => a + b) / part.length
    return { first: average(shares.slice(0, 4)), last: average(shares.slice(-8)), updates, mismatch, clipped }
  }

  it('makes rewarded answers likelier', async () => {
    const { first, last, updates, mismatch, clipped } = await learn('task')
    expect(first).toBeLessThan(0.3)
    expect(last).toBeGreaterThan(0.8)
    expect(updates).toBeLessThanOrEqual(40)
    expect(clipped).toBe(0) // on-policy
    expect(mismatch).toBeLessThan(1e-4)
  })

  it.each([0.6, 1.5])(
    'does so at temperature %d, where the log-probabilities of sampling and training agree, too',
    async (temperature) => {
      const { last, mismatch, clipped } = await learn('task', { temperature })
      expect(last).toBeGreaterThan(0.6)
      expect(clipped).toBe(0)
      expect(mismatch).toBeLessThan(1e-4)
    },
  )

  it('does so off-policy as well, where ratios are clipped', async () => {
    const { first, last, updates, clipped } = await learn('task', { epochs: 2, minibatches: 2 })
    expect(last).toBeGreaterThan(Math.max(0.8, first))
    expect(updates).toBeGreaterThan(40)
    expect(clipped).toBeGreaterThan(0)
  })

  it('does not when rewards are shuffled', async () => {
    const { last } = await learn('shuffled')
    expect(last).toBeLessThan(0.4)
  })

  it('says nothing was learned when every group earned the same', async () => {
    const model = tinyModel(engine)
    const before = await model.slab.weights.read()
    const trainer = createPolicyTrainer(model, null, policy, adamw(0.01))
    const groups = giveAdvantages(
      (await experience(model, rollout, 1)).map((g) => ({
        ...g,
        answers: g.answers.map((a) => ({ ...a, credit: 0.1 })),
      })),
      'mean',
    )
    expect(summarize(groups).skipped).toBe(1)
    expect(await trainer.step(groups, 1, 0, 1)).toBeUndefined()
    expect(await model.slab.weights.read()).toEqual(before)
    trainer.free()
  })

  it('packs every sampled token once, with what it was sampled with', async () => {
    const model = tinyModel(engine)
    const groups = await experience(model, { ...rollout, maxTokens: 9 }, 1)
    const answers = groups.flatMap((g) => g.answers.map((a) => a.asked))
    const packed = packAnswers(answers, policy)
    const [logProbs, scored] = [packed.layOut((i, t) => answers[i]!.logProbs[t]!), packed.layOut(() => 1)]
    const batches = packed.batches.map((batch, b) => ({ ...batch, logProbs: logProbs[b]!, weights: scored[b]! }))
    const placed = batches.flatMap((b) =>
      [...b.targets.keys()].filter((i) => b.weights[i]! > 0).map((i) => [b.targets[i], b.logProbs[i]]),
    )
    const sampled = answers.flatMap((asked) => [...asked.ids].map((id, k) => [id, asked.logProbs[k]]))
    const sorted = (pairs: unknown[][]) => pairs.map(String).sort()
    expect(sorted(placed)).toEqual(sorted(sampled))
    for (const { targets, weights } of batches) expect([...targets].map((t) => Number(t >= 0))).toEqual([...weights])
    for (const { ids, targets, starts, weights } of batches)
      weights.forEach((weight, i) => {
        const row = i - (i % policy.time)
        if (weight > 0) expect(ids[row + starts[i]!]).toBe(tokenizer.idOf('<|im_start|>'))
        if (weight > 0 && i % policy.time < policy.time - 1 && weights[i + 1]! > 0) expect(ids[i + 1]).toBe(targets[i])
      })
    expect(() => packAnswers(answers, { ...policy, time: 20 })).toThrow(/a row holds 20/)
  })
})
