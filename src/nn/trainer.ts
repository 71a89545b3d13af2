/**
 * A training step, captured once and replayed: one program for forward and backward of a micro-batch, one for the update.
 * Gradients add up over the micro-batches of a step; the loss is the mean over all their scored tokens.
 */
import { backward, type Program, type Tensor } from '../tensor/index.ts'
import { type Batch, type BatchTensors, countScored, createBatch, languageModelLoss, writeBatch } from './loss.ts'
import { createOptimizer, type Optimizer, type OptimizerOptions } from './optimizer.ts'
import type { Model } from './transformer.ts'

export interface StepResult {
  /** Mean loss, nats per scored token. */
  loss: number
  /** Norm of all gradients, before clipping. */
  gradNorm: number
  /** Tokens read, and tokens scored. */
  tokens: number
  scored: number
}

export interface Trainer {
  model: Model
  optimizer: Optimizer
  micro: Program<{ loss: Tensor }>
  update: Program
  /** One update at step t (from 1) with the learning rates at `factor` × peak. */
  step(batches: Batch[], t: number, factor: number): Promise<StepResult>
  free(): void
}

export function createTrainer(model: Model, shape: { rows: number; time: number }, options: OptimizerOptions): Trainer {
  const { engine } = model
  if (shape.time > model.config.maxPositions)
    throw new Error(`rows of ${shape.time} tokens do not fit a model of ${model.config.maxPositions} positions`)
  const batch: BatchTensors = createBatch(engine, shape.rows, shape.time)
  const nll = engine.keep(engine.zeros([shape.rows * shape.time]))
  const optimizer = createOptimizer(model, options)
  const micro = engine.capture(() => {
    const loss = languageModelLoss(model, batch, nll)
    backward(loss)
    return { loss }
  })
  const update = engine.capture(() => optimizer.update())
  return {
    model,
    optimizer,
    micro,
    update,
    async step(batches, t, factor) {
      const scored = batches.reduce((n, b) => n + countScored(b), 0)
      if (scored === 0) throw new Error(`step ${t}: the batch has no scored token`)
      optimizer.prepare(t, factor)
      let loss = 0
      for (const b of batches) {
        writeBatch(batch, b, scored)
        micro.run()
        loss += await micro.outputs.loss.item()
      }
      update.run()
      const gradNorm = (await optimizer.clip.read())[1]!
      return { loss, gradNorm, tokens: batches.length * shape.rows * shape.time, scored }
    },
    free() {
      micro.free()
      update.free()
      optimizer.free()
      for (const t of [batch.ids, batch.targets, batch.starts, batch.weights, nll]) t.free()
    },
  }
}
