/** Accumulation: how a step's tokens are cut into micro-batches changes nothing. */
import { expect, it } from 'vitest'
import { Engine, openReference, random } from '../tensor/index.ts'
import type { ModelConfig } from './config.ts'
import type { Batch } from './loss.ts'
import type { OptimizerOptions } from './optimizer.ts'
import { attachAdapter } from './lora.ts'
import { createTrainer } from './trainer.ts'
import { createModel, initialize } from './transformer.ts'

const config: ModelConfig = {
  vocabSize: 13,
  dim: 8,
  layers: 2,
  heads: 2,
  kvHeads: 1,
  headDim: 4,
  ff: 6,
  ropeTheta: 100,
  eps: 1e-5,
  tied: true,
  maxPositions: 6,
}
const options: OptimizerOptions = {
  matrices: 'muon',
  matrixRate: 0.02,
  embeddingRate: 0.01,
  vectorRate: 0.01,
  beta1: 0.9,
  beta2: 0.95,
  eps: 1e-8,
  weightDecay: 0.01,
  momentum: 0.95,
  clip: 0.5,
}
const TIME = 6

const rowsOf = (batch: Batch, from: number, to: number): Batch => ({
  ids: batch.ids.slice(from * TIME, to * TIME),
  targets: batch.targets.slice(from * TIME, to * TIME),
  starts: batch.starts.slice(from * TIME, to * TIME),
})

/** Weights after three steps, and what the last one reported. */
async function train(cut: (batch: Batch) => Batch[], rows: number) {
  const model = createModel(new Engine(openReference()), config)
  initialize(model, 3)
  const trainer = createTrainer(model, { rows, time: TIME }, options)
  const draw = random(1, 'trainer.test')
  let result
  for (let t = 1; t <= 3; t++) {
    const integers = (from: number) => Int32Array.from({ length: 4 * TIME }, () => from + draw.below(13 - from))
    // some targets are not scored, more in some rows than in others: the mean is over all scored tokens of the step
    const batch = { ids: integers(0), targets: integers(-4), starts: new Int32Array(4 * TIME) }
    result = await trainer.step(cut(batch), t, 1)
  }
  return { weights: Array.from(await model.slab.weights.read()), result: result! }
}

it('four rows at once, in twos and one by one give the same loss, gradient norm and weights', async () => {
  const whole = await train((batch) => [batch], 4)
  const halves = await train((batch) => [rowsOf(batch, 0, 2), rowsOf(batch, 2, 4)], 2)
  const single = await train((batch) => [0, 1, 2, 3].map((row) => rowsOf(batch, row, row + 1)), 1)
  expect(whole.result.scored).toBeLessThan(4 * TIME)
  for (const { weights, result } of [halves, single]) {
    expect(result.tokens).toBe(whole.result.tokens)
    expect(result.scored).toBe(whole.result.scored)
    expect(result.loss).toBeCloseTo(whole.result.loss, 10)
    expect(result.gradNorm).toBeCloseTo(whole.result.gradNorm, 10)
    weights.forEach((w, i) => expect(w).toBeCloseTo(whole.weights[i]!, 9))
  }
})

it('layers computed again in the backward pass give the same bits in less memory', async () => {
  const learn = async (recompute: boolean, trainable: boolean) => {
    const model = createModel(new Engine(openReference()), { ...config, layers: 4 }, { trainable })
    initialize(model, 3)
    if (!trainable) attachAdapter(model, { rank: 2, alpha: 4, targets: 'all' }, 1)
    const trainer = createTrainer(model, { rows: 4, time: TIME, recompute }, options)
    const draw = random(1, 'trainer.test')
    for (let t = 1; t <= 3; t++) {
      const integers = () => Int32Array.from({ length: 4 * TIME }, () => draw.below(13))
      await trainer.step([{ ids: integers(), targets: integers(), starts: new Int32Array(4 * TIME) }], t, 1)
    }
    return { weights: Array.from(await model.slab.weights.read()), bytes: trainer.micro.size.bytes }
  }
  for (const trainable of [true, false]) {
    const [plain, again] = [await learn(false, trainable), await learn(true, trainable)]
    expect(again.weights).toEqual(plain.weights)
    expect(again.bytes).toBeLessThan(plain.bytes)
  }
})
