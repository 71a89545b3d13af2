/** Scores by hand where that can be done, by the training forward pass where not, and whatever else is in the batch. */
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { createModel, type Model } from '../../nn/index.ts'
import { Engine, openReference, random } from '../../tensor/index.ts'
import { scoreText } from '../score-text.ts'
import { anyEngine, byteTokenizer, tinyConfig, tinyModel } from '../tiny.test-helper.ts'
import type { Choice } from './question.ts'
import { createScorer } from './scorer.ts'

const tokenizer = byteTokenizer()

/** Without attention and feed-forward (their outputs are 0): the next token depends on this one alone. */
function bigramModel(engine: Engine): { model: Model; logProb(id: number, next: number): number } {
  const model = createModel(engine, { ...tinyConfig, tied: false })
  const { vocabSize, dim, eps } = model.config
  const draw = random(9, 'bigram')
  const table = (deviation: number) => Array.from({ length: vocabSize * dim }, () => deviation * draw.normal())
  const [embed, head] = [table(1), table(0.5)]
  model.embed.write(Float32Array.from(embed))
  model.head.write(Float32Array.from(head))
  model.norm.write(new Float32Array(dim).fill(1))
  return {
    model,
    logProb(id, next) {
      const x = embed.slice(id * dim, id * dim + dim)
      const scale = 1 / Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / dim + eps)
      const logit = (v: number) => x.reduce((sum, xi, i) => sum + scale * xi * head[v * dim + i]!, 0)
      const logits = Array.from({ length: vocabSize }, (_, v) => logit(v))
      return logits[next]! - Math.log(logits.reduce((sum, z) => sum + Math.exp(z), 0))
    },
  }
}

test('what one can reckon by hand', async () => {
  const engine = new Engine(openReference())
  const { model, logProb } = bigramModel(engine)
  const scorer = createScorer(model)
  const choices = [
    { ids: [1, 2, 3, 4], from: 2 },
    { ids: [1, 2, 7], from: 2 },
  ]
  const [[first, second]] = (await scorer.score([choices])) as [[{ sum: number; tokens: number }, { sum: number }]]
  expect(first.tokens).toBe(2)
  expect(first.sum).toBeCloseTo(logProb(2, 3) + logProb(3, 4), 5)
  expect(second.sum).toBeCloseTo(logProb(2, 7), 5)
  scorer.free()
  await engine.close()
})

describe('a whole model', async () => {
  const engine = await anyEngine()
  const model = tinyModel(engine)
  afterAll(() => engine.close())

  test('agrees with the forward pass of training, shared beginnings or not, any batch', async () => {
    const scorer = createScorer(model)
    const word = fc.string({ minLength: 1, maxLength: 12, unit: fc.constantFrom('a', 'b', ' ', '学') })
    const group = fc.tuple(
      fc.constantFrom('', 'x'.repeat(20), 'the same beginning, '),
      fc.array(word, { minLength: 2, maxLength: 4 }),
    )
    const start = tokenizer.idOf('<|endoftext|>')
    await fc.assert(
      fc.asyncProperty(fc.array(group, { minLength: 1, maxLength: 12 }), async (groups) => {
        const texts = groups.map(([before, ends]) => ends.map((end) => before + end))
        const asked = texts.map((group) =>
          group.map((text): Choice => ({ ids: [start, ...tokenizer.encode(text)], from: 1 })),
        )
        const scores = await scorer.score(asked)
        for (const [i, group] of texts.entries())
          for (const [j, text] of group.entries()) {
            const { losses } = await scoreText(model, tokenizer, text)
            expect(scores[i]![j]!.tokens).toBe(losses.length)
            expect(scores[i]![j]!.sum).toBeCloseTo(-losses.reduce((a, b) => a + b, 0), 3)
          }
      }),
      { numRuns: 15 },
    )
    scorer.free()
  })

  test('only what stands behind `from` counts, and longer texts get a larger cache', async () => {
    const big = tinyModel(engine, { maxPositions: 1024 })
    const scorer = createScorer(big)
    const ids = tokenizer.encode('abc '.repeat(100))
    const score = async (from: number, length: number) =>
      (await scorer.score([[{ ids: ids.slice(0, length), from }]]))[0]![0]!
    const short = await score(1, 100)
    const [all, tail] = [await score(1, 400), await score(100, 400)]
    expect(tail.tokens).toBe(300)
    expect(all.sum).toBeCloseTo(short.sum + tail.sum, 2)
    scorer.free()
  })
})
