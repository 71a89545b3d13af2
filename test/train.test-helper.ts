/**
 * A short training from text to losses, the same in Node and in a browser: it imports what runs in both, and nothing else. The text is
 * made here, a few sums with their answers.
 */
import { createModel, createTrainer, freeModel, initialize } from '../src/nn/index.ts'
import { type Engine, random } from '../src/tensor/index.ts'
import { trainTokenizer } from '../src/tokenizer/index.ts'

const ROWS = 4
const TIME = 32
const VOCABULARY = 300
const WORDS = 'zero one two three four five six seven eight nine ten eleven twelve'.split(' ')
const NUMERALS = '零 一 二 三 四 五 六 七 八 九 十 十一 十二'.split(' ')

/** The loss of every step. */
export async function train(engine: Engine, steps: number): Promise<number[]> {
  const draw = random(1, 'train.test')
  const lines = Array.from({ length: 400 }, () => {
    const [a, b] = [draw.below(7), draw.below(7)]
    return draw.below(2)
      ? `${WORDS[a]} plus ${WORDS[b]} makes ${WORDS[a + b]}.\n`
      : `${NUMERALS[a]}加${NUMERALS[b]}等于${NUMERALS[a + b]}。\n`
  })
  const tokenizer = await trainTokenizer(lines, { vocabSize: VOCABULARY })
  const ids = tokenizer.encode(lines.join(''))
  const model = createModel(engine, {
    vocabSize: VOCABULARY,
    dim: 64,
    layers: 2,
    heads: 4,
    kvHeads: 2,
    headDim: 16,
    ff: 96,
    ropeTheta: 10_000,
    eps: 1e-6,
    tied: true,
    maxPositions: TIME,
  })
  initialize(model, 1)
  const options = { matrixRate: 0.02, embeddingRate: 0.01, vectorRate: 0.01, beta1: 0.9, beta2: 0.95, eps: 1e-8 }
  const trainer = createTrainer(
    model,
    { rows: ROWS, time: TIME },
    { ...options, matrices: 'muon', weightDecay: 0.01, momentum: 0.95, clip: 1 },
  )
  const losses: number[] = []
  for (let step = 1; step <= steps; step++) {
    const batch = {
      ids: new Int32Array(ROWS * TIME),
      targets: new Int32Array(ROWS * TIME),
      starts: new Int32Array(ROWS * TIME),
    }
    for (let row = 0; row < ROWS; row++) {
      const from = draw.below(ids.length - TIME - 1)
      const split = 1 + draw.below(TIME - 1) // two documents to a row
      for (let t = 0; t < TIME; t++) {
        batch.ids[row * TIME + t] = ids[from + t]!
        batch.targets[row * TIME + t] = t === split - 1 ? -1 : ids[from + t + 1]!
        batch.starts[row * TIME + t] = t < split ? 0 : split
      }
    }
    losses.push((await trainer.step([batch], step, 1)).loss)
  }
  trainer.free()
  freeModel(model)
  return losses
}
