/** A model of a few hundred weights in float64, plain AdamW, and gradients of captured steps against finite differences. */
import { expect } from 'vitest'
import { Engine, openReference, random } from '../tensor/index.ts'
import type { ModelConfig } from './config.ts'
import type { OptimizerOptions } from './optimizer.ts'
import type { Trainer } from './trainer.ts'
import { createModel, initialize, type Model } from './transformer.ts'

const tinyConfig: ModelConfig = {
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
}

export const plainAdamw: OptimizerOptions = {
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

export function tinyModel({ seed = 5, score }: { seed?: number; score?: true } = {}): Model {
  const model = createModel(new Engine(openReference()), score ? { ...tinyConfig, score } : tinyConfig)
  initialize(model, seed)
  return model
}

/** Of the batch that the trainer's last step left in its tensors, at weights moved away from where they began. */
export async function expectGradients({ model, micro }: Pick<Trainer<never>, 'model' | 'micro'>): Promise<void> {
  const { weights, grads, parameters } = model.slab
  const draw = random(3, 'weights')
  const values = Float64Array.from(await weights.read(), (w) => w + 0.3 * draw.normal())
  const lossAt = async (at: Float64Array) => {
    weights.write(at)
    micro.run()
    return micro.outputs.loss.item()
  }
  await lossAt(values)
  const gradients = Float64Array.from(await grads!.read())
  const h = 1e-5
  for (const { name, shape, offset } of parameters) {
    const size = shape.reduce((a, b) => a * b)
    for (let k = 0; k < Math.min(size, 8); k++) {
      const i = offset + ((k * 7919) % size)
      const [up, down] = [await lossAt(values.with(i, values[i]! + h)), await lossAt(values.with(i, values[i]! - h))]
      expect(Math.abs((up - down) / (2 * h) - gradients[i]!), `${name}[${i - offset}]`).toBeLessThan(1e-6)
    }
  }
}
