/** The reward model: its gradient, what it learns, and its way to and from files. */
import { describe, expect, it } from 'vitest'
import { Engine, openReference, random } from '../tensor/index.ts'
import { fromHuggingFace, toHuggingFace } from './config-json.ts'
import type { ModelConfig } from './config.ts'
import type { OptimizerOptions } from './optimizer.ts'
import { createRewardScorer, createRewardTrainer, placeTexts } from './reward.ts'
import { createModel, initialize } from './transformer.ts'
import { loadWeights, saveWeights } from './weights.ts'

const config: ModelConfig = {
  vocabSize: 11,
  dim: 8,
  layers: 1,
  heads: 2,
  kvHeads: 1,
  headDim: 4,
  ff: 8,
  ropeTheta: 100,
  eps: 1e-5,
  tied: true,
  maxPositions: 8,
  score: true,
}
const shape = { rows: 8, time: 6 }
const options: OptimizerOptions = {
  matrices: 'adamw',
  matrixRate: 0.01,
  embeddingRate: 0.01,
  vectorRate: 0.01,
  beta1: 0.9,
  beta2: 0.95,
  eps: 1e-8,
  weightDecay: 0,
  momentum: 0.95,
  clip: 0,
}

const make = (engine = new Engine(openReference())) => {
  const model = createModel(engine, config)
  initialize(model, 5)
  return model
}

/** Texts with a 7 are preferred to texts without. */
function drawPairs(seed: number, pairs = shape.rows / 2): number[][] {
  const draw = random(seed, 'reward.test')
  const text = (good: boolean) => {
    const ids = Array.from({ length: 2 + draw.below(4) }, () => draw.below(7))
    if (good) ids[draw.below(ids.length)] = 7
    return ids
  }
  return Array.from({ length: pairs }, () => [text(true), text(false)]).flat()
}

describe('reward model', () => {
  it('learns from pairs what makes a text better, and scores texts it has never seen', async () => {
    const model = make()
    const trainer = createRewardTrainer(model, shape, options)
    const losses = []
    for (let t = 1; t <= 150; t++) losses.push((await trainer.step([placeTexts(drawPairs(t), shape)], t, 1)).loss)
    expect(losses[0]).toBeCloseTo(Math.LN2, 9) // the head begins at 0
    expect(losses.at(-1)).toBeLessThan(0.2)
    const scorer = createRewardScorer(model, { rows: 5, time: 6 })
    const texts = drawPairs(1000, 50)
    const rewards = await scorer.score(texts)
    expect(rewards).toHaveLength(100)
    const right = rewards.filter((reward, i) => i % 2 === 0 && reward > rewards[i + 1]!).length
    expect(right).toBeGreaterThan(45)
    // What stands in other rows does not matter.
    const [alone] = await scorer.score([texts[7]!])
    expect(alone).toBeCloseTo(rewards[7]!, 9)
  })

  it('its loss is the mean of −log σ(margin), and empty rows are left out', async () => {
    const model = make()
    const trainer = createRewardTrainer(model, shape, options)
    for (let t = 1; t <= 5; t++) await trainer.step([placeTexts(drawPairs(t), shape)], t, 1)
    const texts = drawPairs(99, 3) // three pairs in a batch that holds four
    const scorer = createRewardScorer(model, shape)
    const rewards = await scorer.score(texts)
    const expected = [0, 2, 4].map((i) => Math.log1p(Math.exp(rewards[i + 1]! - rewards[i]!)))
    const { loss, scored } = await trainer.step([placeTexts(texts, shape)], 6, 0)
    expect(scored).toBe(3)
    expect(loss).toBeCloseTo(expected.reduce((a, b) => a + b) / 3, 6)
  })

  it('its gradients are those of finite differences', async () => {
    const model = make()
    const { weights, grads } = model.slab
    const draw = random(3, 'weights')
    const values = Float64Array.from(await weights.read(), (w) => w + 0.3 * draw.normal())
    const trainer = createRewardTrainer(model, shape, options)
    await trainer.step([placeTexts(drawPairs(4), shape)], 1, 0) // the batch stays; gradients are cleared
    const lossAt = async (at: Float64Array) => {
      weights.write(at)
      trainer.micro.run()
      return trainer.micro.outputs.loss.item()
    }
    await lossAt(values)
    const gradients = Float64Array.from(await grads!.read())
    const h = 1e-5
    for (const { name, shape, offset } of model.slab.parameters) {
      const size = shape.reduce((a, b) => a * b)
      for (let k = 0; k < Math.min(size, 8); k++) {
        const i = offset + ((k * 7919) % size)
        const numeric =
          ((await lossAt(values.with(i, values[i]! + h))) - (await lossAt(values.with(i, values[i]! - h)))) / (2 * h)
        expect(Math.abs(numeric - gradients[i]!), `${name}[${i - offset}]`).toBeLessThan(1e-6)
      }
    }
  })

  it('keeps its head in a file of the Hugging Face layout, and may begin as a language model without one', async () => {
    const model = make()
    await createRewardTrainer(model, shape, options).step([placeTexts(drawPairs(1), shape)], 1, 1)
    const bytes = await saveWeights(model)
    const json = toHuggingFace(config)
    expect(json).toMatchObject({ architectures: ['Qwen3ForSequenceClassification'], num_labels: 1 })
    expect(fromHuggingFace(json)).toEqual(config)
    const again = make()
    await loadWeights(again, bytes)
    expect(await saveWeights(again)).toEqual(bytes)

    const { score: _, ...plain } = config
    const language = createModel(new Engine(openReference()), plain)
    initialize(language, 1)
    await loadWeights(again, await saveWeights(language))
    expect(await createRewardScorer(again, shape).score([[1, 2, 3]])).toEqual([0])
    await expect(loadWeights(language, bytes)).rejects.toThrow(/score\.weight has no place/)
    expect(() => createRewardScorer(language, shape)).toThrow(/no reward head/)
  })
})
