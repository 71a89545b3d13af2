/** The language-modelling loss of a batch of rows, and the tensors a captured step reads its batch from. */
import { crossEntropy, type Engine, negativeLogProbs, scale, type Tensor } from '../tensor/index.ts'
import { attendRows, hiddenStates, type Model } from './transformer.ts'

/** One batch on the host: `rows` × `time` tokens. */
export interface Batch {
  ids: Int32Array
  /** The next token at each place; negative = not scored. */
  targets: Int32Array
  /** The first token, in its row, of the document each token belongs to. */
  starts: Int32Array
}

/** The same on the engine, rewritten before every step; `weights` is 1 / scored tokens, or 0. */
export interface BatchTensors {
  rows: number
  time: number
  ids: Tensor
  targets: Tensor
  starts: Tensor
  weights: Tensor
}

export function createBatch(engine: Engine, rows: number, time: number): BatchTensors {
  const n = rows * time
  const integers = () => engine.keep(engine.empty([n], 'i32'))
  return {
    rows,
    time,
    ids: integers(),
    targets: integers(),
    starts: integers(),
    weights: engine.keep(engine.empty([n])),
  }
}

/** Writes a batch; `scored` is what the loss is averaged over (the tokens of all micro-batches of a step). */
export function writeBatch(to: BatchTensors, batch: Batch, scored = countScored(batch)): void {
  to.ids.write(batch.ids)
  to.targets.write(batch.targets)
  to.starts.write(batch.starts)
  to.weights.write(Float32Array.from(batch.targets, (t) => (t < 0 ? 0 : 1 / scored)))
}

export function countScored({ targets }: Batch): number {
  let n = 0
  for (const t of targets) if (t >= 0) n++
  return n
}

/** Mean loss in nats over the scored tokens, a scalar for `backward`; `nll` (N) receives each token's. */
export function languageModelLoss(model: Model, batch: BatchTensors, nll: Tensor): Tensor {
  const { ids, targets, starts, weights, rows, time } = batch
  const x = hiddenStates(model, ids, attendRows(model, starts, rows, time))
  return crossEntropy({ x, w: model.head, targets }, weights, nll)
}

/**
 * −log p of every target (N), 0 where the target is negative; recorded for backward unless in `noGrad`. At a temperature the distribution is that of
 * logits / temperature, which is what a sampler at this temperature draws from.
 */
export function tokenLosses(model: Model, batch: BatchTensors, entropy: Tensor | null = null, temperature = 1): Tensor {
  const { ids, targets, starts, rows, time } = batch
  const x = hiddenStates(model, ids, attendRows(model, starts, rows, time))
  return negativeLogProbs({ x: temperature === 1 ? x : scale(x, 1 / temperature), w: model.head, targets }, entropy)
}
