/** Direct preference optimisation: its loss by its formula, its gradient, and what it makes likelier. */
import { expect, it } from 'vitest'
import { type AnswerPairs, createDpoTrainer, createMargins } from './dpo.ts'
import { createBatch, tokenLosses } from './loss.ts'
import { expectGradients, plainAdamw, tinyModel } from './tiny.test-helper.ts'
import type { Model } from './transformer.ts'

const shape = { rows: 4, time: 6 }
const BETA = 0.3
/** Two pairs: prompts of two tokens, answers of one to four. */
const batch: AnswerPairs = {
  ids: Int32Array.from([1, 2, 3, 4, 5, 0, 1, 2, 6, 7, 8, 9, 3, 1, 4, 0, 0, 0, 3, 1, 5, 5, 0, 0]),
  targets: Int32Array.from([-1, 3, 4, 5, -1, -1, -1, 6, 7, 8, 9, -1, -1, 4, -1, -1, -1, -1, -1, 5, 5, -1, -1, -1]),
}

/** Σ log p of the answer in each row. */
async function answers(model: Model): Promise<number[]> {
  const tensors = createBatch(model.engine, shape.rows, shape.time)
  tensors.ids.write(batch.ids)
  tensors.targets.write(batch.targets)
  tensors.starts.write(new Int32Array(24))
  const nll = Array.from(await model.engine.noGrad(() => tokenLosses(model, tensors)).read())
  return [0, 1, 2, 3].map((row) => -nll.slice(row * 6, row * 6 + 6).reduce((a, b) => a + b))
}

it('its loss is −log σ(β · difference of log-ratios), and at the reference itself ln 2', async () => {
  const [model, reference] = [tinyModel(), tinyModel({ seed: 6 })]
  const margins = createMargins(reference, shape, BETA)
  const trainer = createDpoTrainer(model, shape, BETA, plainAdamw, (one) => margins.of(one))
  const [own, theirs] = [await answers(model), await answers(reference)]
  const expected = [0, 2].map((i) => {
    const margin = BETA * (own[i]! - theirs[i]! - (own[i + 1]! - theirs[i + 1]!))
    return Math.log1p(Math.exp(-margin))
  })
  const { loss, scored } = await trainer.step([batch], 1, 0)
  expect(scored).toBe(2)
  expect(loss).toBeCloseTo((expected[0]! + expected[1]!) / 2, 6)
  const self = createMargins(model, shape, BETA)
  const toItself = createDpoTrainer(model, shape, BETA, plainAdamw, (one) => self.of(one))
  expect((await toItself.step([batch], 1, 0)).loss).toBeCloseTo(Math.LN2, 6)
  // An empty pair is left out.
  const half = { ids: batch.ids, targets: batch.targets.map((t, i) => (i < 12 ? t : -1)) }
  const first = await trainer.step([half], 3, 0)
  expect(first.scored).toBe(1)
  expect(first.loss).toBeCloseTo(expected[0]!, 6)
})

it('its gradients are those of finite differences', async () => {
  const reference = () => Promise.resolve(Float32Array.of(0.2, -0.1))
  const trainer = createDpoTrainer(tinyModel(), shape, BETA, plainAdamw, reference)
  await trainer.step([batch], 1, 0) // the batch stays; gradients are cleared
  await expectGradients(trainer)
})

it('makes the chosen answers likelier against the rejected ones', async () => {
  const model = tinyModel()
  const reference = createMargins(tinyModel(), shape, BETA)
  const trainer = createDpoTrainer(model, shape, BETA, plainAdamw, (one) => reference.of(one))
  const before = await answers(model)
  for (let t = 1; t <= 40; t++) await trainer.step([batch], t, 1)
  const after = await answers(model)
  for (const i of [0, 2]) expect(after[i]! - after[i + 1]!).toBeGreaterThan(before[i]! - before[i + 1]! + 2)
})
