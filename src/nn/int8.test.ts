/** A model rounded to 8 bits: one token at a time (bytes) is what many at once (f32) are, and near what it was. */
import { afterAll, expect, test } from 'vitest'
import { createSession } from '../generate/index.ts'
import { linear, random, type Tensor } from '../tensor/index.ts'
import { openEngine } from '../tensor/open.node.ts'
import { attendRows, createModel, freeModel, hiddenStates, initialize, type ModelConfig, roundModel } from './index.ts'

const engine = await openEngine({ threads: 1 })
afterAll(() => engine.close())

const tinyConfig: ModelConfig = {
  vocabSize: 70,
  dim: 36,
  layers: 2,
  heads: 3,
  kvHeads: 1,
  headDim: 12,
  ff: 52,
  ropeTheta: 10_000,
  eps: 1e-6,
  tied: true,
  maxPositions: 64,
}
const model = createModel(engine, tinyConfig, { trainable: false })
initialize(model, 3)
const prompt = Array.from({ length: 20 }, (_, i) => (i * 7) % tinyConfig.vocabSize)

/** (V): the logits after the prompt, all of it at once. */
async function logitsOf(ids: number[]): Promise<Float32Array> {
  const out = engine.scope((): Tensor => {
    const starts = engine.tensor(new Int32Array(ids.length), [ids.length], 'i32')
    const x = hiddenStates(
      model,
      engine.tensor(Int32Array.from(ids), [ids.length], 'i32'),
      attendRows(model, starts, 1, ids.length),
    )
    return linear(x, model.head)
  })
  const all = await out.read()
  return Float32Array.from(all.slice(-tinyConfig.vocabSize))
}

const distance = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)))

test('bytes and f32 are the same model, which is near what it was', async () => {
  const before = await logitsOf(prompt)
  await roundModel(model)
  const after = await logitsOf(prompt)
  const session = createSession(model, 1, 32)
  const [sequence] = session.add([{ prompt, stream: 0, options: { maxTokens: 1, temperature: 0, seed: 1 } }])
  await session.advance(1)
  const decoded = await session.logits(sequence!)
  session.free()
  const scale = Math.max(...after.map(Math.abs))
  expect(distance(decoded, after)).toBeLessThan(1e-4 * scale)
  expect(distance(before, after)).toBeLessThan(0.05 * scale)
  expect(distance(before, after)).toBeGreaterThan(1e-4 * scale) // it is rounded
})

test('a rounded weight is at most half a step away, and rounding twice changes nothing', async () => {
  const weights = await model.layers[0]!.down.read()
  await roundModel(model)
  expect(distance(await model.layers[0]!.down.read(), weights)).toBeLessThan(1e-6)
  freeModel(model)
  const learning = createModel(engine, tinyConfig)
  initialize(learning, random(1, 'x').below(9))
  await expect(roundModel(learning)).rejects.toThrow('trainable: false')
  freeModel(learning)
})
