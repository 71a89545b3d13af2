/**
 * A training step, captured once and replayed: one program for forward and backward of a micro-batch, one for the update.
 * Gradients add up over the micro-batches of a step; the loss is the mean over all their scored tokens.
 */
import { backward, type Precision, type Program, type Tensor } from '../tensor/index.ts'
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

export interface Trainer<B = Batch> {
  model: Model
  optimizer: Optimizer
  micro: Program<{ loss: Tensor }>
  update: Program
  /** One update at step t (from 1) with the learning rates at `factor` × peak. */
  step(batches: B[], t: number, factor: number): Promise<StepResult>
  free(): void
}

/** What is learnt from batches of a fixed shape: tensors that hold one, and the loss that is captured over them. */
export interface Objective<B> {
  /** How much of a batch the loss is averaged over: tokens, or pairs. */
  scored(batch: B): number
  /** Writes a batch into the tensors; `scored` is that of all micro-batches of the step. */
  write(batch: B, scored: number): void | Promise<void>
  /** A scalar for `backward`. */
  loss(): Tensor
  free(): void
}

export interface BatchShape {
  rows: number
  /** Tokens of a row. */
  time: number
  /** Of the factors in the matrix products of forward, backward and Muon; weights, sums and everything else are f32. */
  precision?: Precision
  /** Activations of one layer at a time instead of all layers', for a second forward pass. */
  recompute?: boolean
}

/** Language modelling: the next token of every place that has a target. */
export function createTrainer(model: Model, shape: BatchShape, options: OptimizerOptions): Trainer {
  const { engine } = model
  const batch: BatchTensors = createBatch(engine, shape.rows, shape.time)
  const nll = engine.keep(engine.zeros([shape.rows * shape.time]))
  return trainOn(model, shape, options, {
    scored: countScored,
    write: (b, scored) => writeBatch(batch, b, scored),
    loss: () => languageModelLoss(model, batch, nll),
    free() {
      for (const t of [batch.ids, batch.targets, batch.starts, batch.weights, nll]) t.free()
    },
  })
}

/** Captures forward, backward and update of an objective. */
export function trainOn<B>(
  model: Model,
  shape: BatchShape,
  options: OptimizerOptions,
  objective: Objective<B>,
): Trainer<B> {
  const { engine } = model
  if (shape.time > model.config.maxPositions)
    throw new Error(`rows of ${shape.time} tokens do not fit a model of ${model.config.maxPositions} positions`)
  const optimizer = createOptimizer(model, options)
  const before = engine.precision
  engine.precision = shape.precision ?? 'f32'
  model.recompute = shape.recompute ?? false
  const micro = engine.capture(() => {
    const loss = objective.loss()
    backward(loss)
    return { loss }
  })
  const update = engine.capture(() => optimizer.update())
  engine.precision = before
  model.recompute = false
  return {
    model,
    optimizer,
    micro,
    update,
    async step(batches, t, factor) {
      const scored = batches.reduce((n, b) => n + objective.scored(b), 0)
      if (scored === 0) throw new Error(`step ${t}: the batch has nothing that is scored`)
      optimizer.prepare(t, factor)
      let loss = 0
      for (const b of batches) {
        await objective.write(b, scored)
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
      objective.free()
    },
  }
}
