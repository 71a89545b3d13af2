/** A small random model, with weights large enough that its distributions are far from flat. */
import { createModel, initialize, type Model, type ModelConfig } from '../nn/index.ts'
import { type Engine, random } from '../tensor/index.ts'

export const tinyConfig: ModelConfig = {
  vocabSize: 43,
  dim: 12,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 4,
  ff: 20,
  ropeTheta: 100,
  eps: 1e-5,
  tied: true,
  maxPositions: 64,
}

export function tinyModel(engine: Engine, config: ModelConfig = tinyConfig): Model {
  const model = createModel(engine, config, { trainable: false })
  initialize(model, 7)
  const draw = random(1, 'tiny')
  const values = new Float32Array(model.slab.weights.size)
  for (const { role, shape, offset } of model.slab.parameters) {
    const size = shape.reduce((a, b) => a * b)
    for (let i = offset; i < offset + size; i++)
      values[i] =
        role === 'vector' ? 1 + 0.2 * draw.normal() : role === 'embedding' ? 0.6 * draw.normal() : 0.3 * draw.normal()
  }
  model.slab.weights.write(values)
  return model
}

/** Random prompts of these lengths. */
export function prompts(lengths: readonly number[], vocabSize = tinyConfig.vocabSize): number[][] {
  const draw = random(3, 'prompts')
  return lengths.map((length) => Array.from({ length }, () => draw.below(vocabSize)))
}
