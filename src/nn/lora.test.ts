/** LoRA: its gradients are those of the whole weights seen through the thin ones, and the model holds the merged weights all the time. */
import { expect, it } from 'vitest'
import { backward, Engine, openReference, random } from '../tensor/index.ts'
import { openEngine } from '../tensor/open.node.ts'
import type { ModelConfig } from './config.ts'
import { attachAdapter, peftTensors } from './lora.ts'
import { createBatch, languageModelLoss, writeBatch } from './loss.ts'
import { createTrainer } from './trainer.ts'
import { createModel, initialize, type Model } from './transformer.ts'

const config: ModelConfig = {
  vocabSize: 40,
  dim: 16,
  layers: 2,
  heads: 2,
  kvHeads: 1,
  headDim: 8,
  ff: 24,
  ropeTheta: 100,
  eps: 1e-5,
  tied: true,
  maxPositions: 16,
}
const lora = { rank: 3, alpha: 6, targets: 'all' } as const
const optimizer = {
  matrices: 'adamw',
  matrixRate: 0.01,
  embeddingRate: 0.01,
  vectorRate: 0.01,
  beta1: 0.9,
  beta2: 0.95,
  eps: 1e-8,
  weightDecay: 0,
  momentum: 0.95,
  clip: 1,
} as const

/** Sequences that count upwards. */
function batchOf(step: number) {
  const first = Array.from({ length: 4 }, (_, i) => (7 * i + 3 * step) % 40)
  const at = (shift: number) => Int32Array.from({ length: 64 }, (_, i) => (first[i >> 4]! + (i % 16) + shift) % 40)
  return { ids: at(0), targets: at(1), starts: new Int32Array(64) }
}

function lossOf(model: Model): void {
  const batch = createBatch(model.engine, 4, 16)
  writeBatch(batch, batchOf(1), 64)
  backward(languageModelLoss(model, batch, model.engine.zeros([64])))
}

it('gradients of A and B are those of the whole weight times the other: dB = s dW Aᵀ, dA = s Bᵀ dW', async () => {
  const engine = new Engine(openReference())
  const [whole, thin] = [createModel(engine, config), createModel(engine, config, { trainable: false })]
  initialize(whole, 3)
  initialize(thin, 3)
  attachAdapter(thin, lora, 5)
  // B away from zero, in both models.
  const { slab, merge } = thin.adapter!
  const draw = random(2, 'b')
  slab.weights.write((await slab.weights.read()).map((value) => (value === 0 ? 0.1 * draw.normal() : value)))
  merge(1)
  whole.slab.weights.write(await thin.slab.weights.read())
  lossOf(whole)
  lossOf(thin)
  for (const [i, layer] of thin.layers.entries())
    for (const target of ['qkv', 'o', 'gateUp', 'down'] as const) {
      const { a, b, scale } = layer[target].adapter!
      const [rows, columns] = layer[target].shape as [number, number]
      const [dw, av, bv] = await Promise.all([whole.layers[i]![target].grad!.read(), a.read(), b.read()])
      const [da, db] = [await a.grad!.read(), await b.grad!.read()]
      for (let k = 0; k < 3; k++) {
        for (let r = 0; r < rows; r++) {
          let sum = 0
          for (let c = 0; c < columns; c++) sum += dw[r * columns + c]! * av[k * columns + c]!
          expect(db[r * 3 + k]).toBeCloseTo(scale * sum, 10)
        }
        for (let c = 0; c < columns; c++) {
          let sum = 0
          for (let r = 0; r < rows; r++) sum += bv[r * 3 + k]! * dw[r * columns + c]!
          expect(da[k * columns + c]).toBeCloseTo(scale * sum, 10)
        }
      }
    }
})

it.each(['all', 'attention'] as const)('learns, and moves nothing but its targets (%s)', async (targets) => {
  const engine = await openEngine({ backend: 'native', threads: 1 })
  const model = createModel(engine, config, { trainable: false })
  initialize(model, 3)
  const before = Float32Array.from(await model.slab.weights.read())
  attachAdapter(model, { ...lora, targets }, 5)
  expect(Float32Array.from(await model.slab.weights.read())).toEqual(before)
  const trainer = createTrainer(model, { rows: 4, time: 16 }, optimizer)
  const losses: number[] = []
  for (let t = 1; t <= 150; t++) losses.push((await trainer.step([batchOf(t)], t, 1)).loss)
  // Not further: the embeddings, which are the output's weights, too, stay random.
  expect(losses.at(-1)!).toBeLessThan(losses[0]! - 0.15)

  const after = await model.slab.weights.read()
  const peft = new Map((await peftTensors(model)).map((one) => [one.name, one]))
  expect(peft.size).toBe(2 * 2 * (targets === 'all' ? 7 : 4))
  let moved = 0
  for (const { name, shape, offset } of model.slab.parameters) {
    const path = `base_model.model.${name.replace(/\.weight$/, '')}`
    const [a, b] = [peft.get(`${path}.lora_A.weight`), peft.get(`${path}.lora_B.weight`)]
    const size = shape.reduce((x, y) => x * y)
    const [old, now] = [before.subarray(offset, offset + size), after.subarray(offset, offset + size)]
    if (!a || !b) {
      expect(now, name).toEqual(old)
      continue
    }
    moved++
    const [rows, columns] = shape as [number, number]
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) {
        let sum = old[r * columns + c]!
        for (let k = 0; k < 3; k++) sum += 2 * b.data[r * 3 + k]! * a.data[k * columns + c]!
        expect(Math.abs(now[r * columns + c]! - sum)).toBeLessThan(2e-5)
      }
  }
  expect(moved).toBe(peft.size / 2)
  trainer.free()
  await engine.close()
})

it('is refused by a model that learns by itself', () => {
  const model = createModel(new Engine(openReference()), config)
  expect(() => attachAdapter(model, lora, 1)).toThrow(/gradients of its own/)
})
