/** The reward model: its gradient, what it learns, and its way to and from files. */
import { describe, expect, it } from 'vitest'
import { random } from '../tensor/index.ts'
import { fromHuggingFace, toHuggingFace } from './config-json.ts'
import { createRewardScorer, createRewardTrainer, placeChoices, placeTexts } from './reward.ts'
import { expectGradients, plainAdamw, tinyModel } from './tiny.test-helper.ts'
import { loadWeights, saveWeights } from './weights.ts'

const shape = { rows: 8, time: 6 }
const make = () => tinyModel({ score: true })

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
    const trainer = createRewardTrainer(model, shape, plainAdamw)
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
    const trainer = createRewardTrainer(model, shape, plainAdamw)
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
    const trainer = createRewardTrainer(make(), shape, plainAdamw)
    await trainer.step([placeTexts(drawPairs(4), shape)], 1, 0) // the batch stays; gradients are cleared
    await expectGradients(trainer)
  })

  it('keeps its head in a file of the Hugging Face layout, and may begin as a language model without one', async () => {
    const model = make()
    await createRewardTrainer(model, shape, plainAdamw).step([placeTexts(drawPairs(1), shape)], 1, 1)
    const bytes = await saveWeights(model)
    const json = toHuggingFace(model.config)
    expect(json).toMatchObject({ architectures: ['Qwen3ForSequenceClassification'], num_labels: 1 })
    expect(fromHuggingFace(json)).toEqual(model.config)
    const again = make()
    await loadWeights(again, bytes)
    expect(await saveWeights(again)).toEqual(bytes)

    const language = tinyModel({ seed: 1 })
    await loadWeights(again, await saveWeights(language))
    expect(await createRewardScorer(again, shape).score([[1, 2, 3]])).toEqual([0])
    await expect(loadWeights(language, bytes)).rejects.toThrow(/score\.weight has no place/)
    expect(() => createRewardScorer(language, shape)).toThrow(/no reward head/)
  })
})

describe('rankings (Plackett and Luce)', () => {
  const wide = { rows: 9, time: 6, ways: 4 }
  /** Two rankings: of four texts, with a tie in the middle, and of three. The ninth row stays empty. */
  const rankings = (seed: number) => {
    const [a, b, c, d, e, f, g] = drawPairs(seed) as [number[], ...number[][]]
    return [
      {
        texts: [a, b!, c!, d!],
        choices: [
          [2, 0, 1, 3],
          [0, 3],
          [1, 3],
        ],
      },
      {
        texts: [e!, f!, g!],
        choices: [
          [0, 1, 2],
          [1, 2],
        ],
      },
    ]
  }

  it('the loss is the mean of −log of the chance of each choice, in double precision', async () => {
    const model = make()
    const trainer = createRewardTrainer(model, wide, plainAdamw)
    for (let t = 1; t <= 5; t++) await trainer.step([placeChoices(rankings(t), wide)], t, 1)
    const scorer = createRewardScorer(model, wide)
    const some = rankings(77)
    const nats: number[] = []
    for (const { texts, choices } of some) {
      const rewards = await scorer.score(texts)
      for (const choice of choices) {
        const total = choice.reduce((sum, text) => sum + Math.exp(rewards[text]!), 0)
        nats.push(Math.log(total) - rewards[choice[0]!]!)
      }
    }
    const { loss, scored } = await trainer.step([placeChoices(some, wide)], 6, 0)
    expect(scored).toBe(5)
    expect(loss).toBeCloseTo(nats.reduce((a, b) => a + b) / 5, 6)
  })

  it('its gradients are those of finite differences', async () => {
    const trainer = createRewardTrainer(make(), wide, plainAdamw)
    await trainer.step([placeChoices(rankings(4), wide)], 1, 0)
    await expectGradients(trainer)
  })

  it('a ranking of two is a pair', async () => {
    const [model, other] = [make(), make()]
    const texts = drawPairs(3)
    const pairs = [0, 2, 4, 6].map((i) => ({ texts: [texts[i]!, texts[i + 1]!], choices: [[0, 1]] }))
    const byPairs = createRewardTrainer(model, shape, plainAdamw)
    const byChoices = createRewardTrainer(other, shape, plainAdamw)
    for (let t = 1; t <= 3; t++) {
      const first = await byPairs.step([placeTexts(texts, shape)], t, 1)
      const second = await byChoices.step([placeChoices(pairs, { ...shape, ways: 2 })], t, 1)
      expect(second.loss).toBe(first.loss)
    }
  })
})
