/** Every gradient of the whole model against central finite differences, on the float64 reference. */
import { describe, expect, it } from 'vitest'
import { backward, Engine, openReference, random } from '../tensor/index.ts'
import { type ModelConfig } from './config.ts'
import { createBatch, languageModelLoss, writeBatch } from './loss.ts'
import { createModel, initialize } from './transformer.ts'

const base: ModelConfig = {
  vocabSize: 11,
  dim: 6,
  layers: 2,
  heads: 2,
  kvHeads: 1,
  headDim: 4,
  ff: 5,
  ropeTheta: 100,
  eps: 1e-5,
  tied: true,
  maxPositions: 8,
}
const ropeScaling = { factor: 4, lowFreqFactor: 1, highFreqFactor: 3, originalMaxPositions: 16 }

describe.each([
  ['tied, grouped queries', base],
  ['untied', { ...base, tied: false, kvHeads: 2, layers: 1 }],
  ['biases, no QK-norm (Qwen2)', { ...base, qkNorm: false, qkvBias: true }],
  ['no QK-norm, scaled rope (Llama)', { ...base, qkNorm: false, tied: false, layers: 1, ropeScaling }],
] satisfies [string, ModelConfig][])('gradients: %s', (_, config) => {
  it('equal finite differences', async () => {
    const engine = new Engine(openReference())
    const model = createModel(engine, config)
    initialize(model, 7)
    const draw = random(1, 'test')
    const weights = Float64Array.from(await model.slab.weights.read(), (w) => w + 0.4 * draw.normal())
    model.slab.weights.write(weights)
    const batch = createBatch(engine, 2, 5)
    writeBatch(batch, {
      ids: Int32Array.from({ length: 10 }, () => draw.below(11)),
      targets: Int32Array.from([3, 4, -1, 5, 6, 7, 8, 9, 10, 0]),
      starts: Int32Array.from([0, 0, 2, 2, 2, 0, 0, 0, 0, 0]), // the first row packs two documents
    })
    const nll = engine.keep(engine.zeros([10]))
    const lossAt = async (w: Float64Array) => {
      model.slab.weights.write(w)
      return engine.scope(() => engine.noGrad(() => languageModelLoss(model, batch, nll))).item()
    }
    backward(languageModelLoss(model, batch, nll))
    const grads = Float64Array.from(await model.slab.grads!.read())
    expect(engine.tape.length).toBe(0)
    const h = 1e-5
    for (const { name, shape, offset } of model.slab.parameters) {
      const size = shape.reduce((a, b) => a * b)
      for (let k = 0; k < Math.min(size, 12); k++) {
        const i = offset + ((k * 7919) % size)
        const [up, down] = [weights.slice(), weights.slice()]
        up[i]! += h
        down[i]! -= h
        const numeric = ((await lossAt(up)) - (await lossAt(down))) / (2 * h)
        expect(Math.abs(numeric - grads[i]!), `${name}[${i - offset}]`).toBeLessThan(
          1e-6 * Math.max(1, Math.abs(numeric)),
        )
      }
    }
  })
})
