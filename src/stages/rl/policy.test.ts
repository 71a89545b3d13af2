/** The policy's update: its gradient against finite differences, and that it learns what is rewarded and nothing else. */
import { afterAll, describe, expect, it } from 'vitest'
import { Engine, openReference, random } from '../../tensor/index.ts'
import type { Exercise, Task } from '../../tasks/index.ts'
import { type OptimizerOptions } from '../../nn/index.ts'
import { inChat } from '../ask.ts'
import { packAnswers } from './answers.ts'
import { createPolicyTrainer, type PolicyOptions } from './policy.ts'
import { drawStep, giveAdvantages, type Group, rollOut, type RolloutOptions, summarize } from './rollout.ts'
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

const rollout: RolloutOptions = {
  promptsPerStep: 8,
  groupSize: 8,
  maxTokens: 3,
  advantage: 'mean',
  rewardFrom: 'task',
}
const policy: PolicyOptions = {
  rows: 4,
  time: 64,
  padding: 256,
  epochs: 1,
  minibatches: 1,
  clipLow: 0.2,
  clipHigh: 0.28,
  beta: 0,
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

const experience = (model: Parameters<typeof rollOut>[0], options: RolloutOptions, step: number): Promise<Group[]> =>
  rollOut(
    model,
    manner,
    drawStep([{ task: letters, weight: 1 }], options.promptsPerStep, 1, step, () => true),
    options,
    {
      seed: 1,
      step,
    },
  )

describe('the gradient', () => {
  it.each([
    ['clipped policy gradient', 0],
    ['with KL to a reference', 0.3],
  ])('equals finite differences on the reference backend: %s', async (_, beta) => {
    const engine = new Engine(openReference())
    const small = { dim: 6, heads: 2, kvHeads: 1, headDim: 4, ff: 5 }
    const [model, reference] = [tinyModel(engine, small), tinyModel(engine, small)]
    const draw = random(2, 'test')
    const noise = async (scale: number, m = model) =>
      m.slab.weights.write(Float64Array.from(await m.slab.weights.read(), (w) => w + scale * draw.normal()))
    await noise(0.3)
    await noise(0.3, reference)
    const options = { ...rollout, promptsPerStep: 2, groupSize: 2 }
    const groups = giveAdvantages(
      (await experience(model, options, 1)).map((group) => ({
        ...group,
        answers: group.answers.map((a) => ({ ...a, credit: draw.uniform() })),
      })),
      'mean-std',
    )
    await noise(0.01) // off-policy, so that some ratios are clipped
    const trainer = createPolicyTrainer(
      model,
      beta > 0 ? reference : null,
      { ...policy, rows: 1, time: 48, beta, clipLow: 0.02, clipHigh: 0.02 },
      adamw(1e-3),
    )
    const weights = Float64Array.from(await model.slab.weights.read())
    const { clipped, klReference, klOld } = await trainer.accumulate(groups)
    expect(clipped).toBeGreaterThan(0)
    expect(clipped).toBeLessThan(1)
    expect(klOld).not.toBe(0)
    if (beta > 0) expect(klReference).toBeGreaterThan(0)
    const grads = Float64Array.from(await model.slab.grads!.read())
    const lossAt = async (w: Float64Array) => {
      model.slab.weights.write(w)
      return (await trainer.accumulate(groups)).loss
    }
    const h = 1e-5
    let largest = 0
    for (const { name, shape, offset } of model.slab.parameters) {
      const size = shape.reduce((a, b) => a * b)
      for (let k = 0; k < Math.min(size, 2); k++) {
        const i = offset + (name.includes('embed') ? 256 * 6 + k : (k * 7919) % size)
        const [up, down] = [weights.slice(), weights.slice()]
        up[i]! += h
        down[i]! -= h
        const numeric = ((await lossAt(up)) - (await lossAt(down))) / (2 * h)
        largest = Math.max(largest, Math.abs(numeric))
        expect(Math.abs(numeric - grads[i]!), `${name}[${i - offset}]`).toBeLessThan(
          2e-6 * Math.max(1, Math.abs(numeric)),
        )
      }
    }
    expect(largest).toBeGreaterThan(0.01)
    trainer.free()
    await engine.close()
  })
})

describe('learning', async () => {
  const engine = await anyEngine()
  afterAll(() => engine.close())

  const learn = async (rewardFrom: RolloutOptions['rewardFrom'], options: Partial<PolicyOptions> = {}) => {
    const model = tinyModel(engine)
    const trainer = createPolicyTrainer(model, null, { ...policy, ...options }, adamw(0.01))
    const shares: number[] = []
    let [updates, mismatch, clipped] = [0, 0, 0]
    for (let step = 1; step <= 40; step++) {
      const groups = await experience(model, { ...rollout, rewardFrom }, step)
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
    const answers = groups.flatMap((g) => g.answers)
    const batches = packAnswers(answers, policy)
    const placed = batches.flatMap((b) =>
      [...b.targets.keys()].filter((i) => b.weights[i]! > 0).map((i) => [b.targets[i], b.oldLogProbs[i]]),
    )
    const sampled = answers.flatMap(({ asked }) => [...asked.ids].map((id, k) => [id, asked.logProbs[k]]))
    const sorted = (pairs: unknown[][]) => pairs.map(String).sort()
    expect(sorted(placed)).toEqual(sorted(sampled))
    expect(batches.flatMap((b) => [...b.weights]).reduce((a, b) => a + b)).toBeCloseTo(1, 5)
    for (const { ids, targets, starts, weights } of batches)
      weights.forEach((weight, i) => {
        const row = i - (i % policy.time)
        if (weight > 0) expect(ids[row + starts[i]!]).toBe(tokenizer.idOf('<|im_start|>'))
        if (weight > 0 && i % policy.time < policy.time - 1 && weights[i + 1]! > 0) expect(ids[i + 1]).toBe(targets[i])
      })
    expect(() => packAnswers(answers, { ...policy, time: 20 })).toThrow(/a row holds 20/)
  })
})
