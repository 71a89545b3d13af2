/**
 * Direct preference optimisation: the policy itself learns from pairs, without a reward model and without sampling.
 *   loss = −log σ(β · ((log π(chosen) − log ref(chosen)) − (log π(rejected) − log ref(rejected))))
 * (Rafailov et al., "Direct preference optimization: your language model is secretly a reward model", 2023), where the log-probabilities
 * are sums over the tokens of an answer.
 */
import { add, combine, crossEntropy, type Tensor } from '../tensor/index.ts'
import { type BatchTensors, createBatch, tokenLosses } from './loss.ts'
import type { OptimizerOptions } from './optimizer.ts'
import { trainOn, type Trainer } from './trainer.ts'
import type { Model } from './transformer.ts'

/** `rows` texts of at most `time` tokens, one a row; rows 2i and 2i + 1 are a pair, the chosen text first. */
export interface AnswerPairs {
  /** (rows · time) */
  ids: Int32Array
  /** (rows · time): the next token of an answer; −1 elsewhere, and in empty rows. */
  targets: Int32Array
}

/**
 * Trains on pairs; `reference` gives the margins of a batch under the reference model (see `createMargins`). The loss is a mean over
 * pairs, in nats.
 */
export function createDpoTrainer(
  model: Model,
  shape: { rows: number; time: number },
  beta: number,
  options: OptimizerOptions,
  reference: (batch: AnswerPairs) => Promise<Float32Array>,
): Trainer<AnswerPairs> {
  const { engine } = model
  const pairs = pairsOfRows(shape.rows)
  const tensors = createPairTensors(model, shape, beta)
  const offsets = engine.keep(engine.zeros([pairs, 1]))
  const targets = engine.keep(engine.tensor(new Int32Array(pairs), [pairs], 'i32'))
  const [weights, nll] = [engine.keep(engine.zeros([pairs])), engine.keep(engine.zeros([pairs]))]
  // −log σ(m) is the cross-entropy of the logits (m, 0) with the first as the target.
  const classes = engine.keep(engine.tensor([1, 0], [2, 1]))
  return trainOn(model, shape, options, {
    scored: (batch) => filledPairs(batch, shape).filter(Boolean).length,
    async write(batch, scored) {
      const margins = await reference(batch)
      tensors.write(batch)
      offsets.write(margins.map((margin) => -margin))
      weights.write(Float32Array.from(filledPairs(batch, shape), (is) => (is ? 1 / scored : 0)))
    },
    loss: () => crossEntropy({ x: add(marginsOf(model, tensors), offsets), w: classes, targets }, weights, nll),
    free() {
      tensors.free()
      for (const t of [offsets, targets, weights, nll, classes]) t.free()
    },
  })
}

/** β · (log p(chosen) − log p(rejected)) of each pair under a model, usually the frozen reference. */
export function createMargins(model: Model, shape: { rows: number; time: number }, beta: number) {
  const { engine } = model
  const tensors = createPairTensors(model, shape, beta)
  const program = engine.capture(() => engine.noGrad(() => marginsOf(model, tensors)))
  return {
    async of(batch: AnswerPairs): Promise<Float32Array> {
      tensors.write(batch)
      program.run()
      return Float32Array.from(await program.outputs.read())
    },
    free() {
      program.free()
      tensors.free()
    },
  }
}

// --- internal ---

interface PairTensors {
  batch: BatchTensors
  /** (pairs, rows · time): −β where a token is the chosen answer's, β where it is the rejected one's, of −log p. */
  signs: Tensor
  write(batch: AnswerPairs): void
  free(): void
}

function createPairTensors(model: Model, { rows, time }: { rows: number; time: number }, beta: number): PairTensors {
  const { engine } = model
  const pairs = pairsOfRows(rows)
  const batch = createBatch(engine, rows, time)
  batch.starts.write(new Int32Array(rows * time)) // every row is one text
  const signs = engine.keep(engine.zeros([pairs, rows * time]))
  const matrix = new Float32Array(pairs * rows * time)
  for (let row = 0; row < rows; row++)
    matrix.fill(
      row % 2 === 0 ? -beta : beta,
      (row >> 1) * rows * time + row * time,
      (row >> 1) * rows * time + (row + 1) * time,
    )
  signs.write(matrix)
  return {
    batch,
    signs,
    write({ ids, targets }) {
      batch.ids.write(ids)
      batch.targets.write(targets)
    },
    free() {
      for (const t of [batch.ids, batch.targets, batch.starts, batch.weights, signs]) t.free()
    },
  }
}

/** (pairs, 1). Tokens without a target have −log p = 0. */
function marginsOf(model: Model, { batch, signs }: PairTensors): Tensor {
  return combine(signs, tokenLosses(model, batch))
}

function pairsOfRows(rows: number): number {
  if (rows % 2 !== 0) throw new Error(`pairs need an even number of rows, got ${rows}`)
  return rows / 2
}

/** Whether a pair has an answer on its chosen side. */
function filledPairs({ targets }: AnswerPairs, { rows, time }: { rows: number; time: number }): boolean[] {
  return Array.from({ length: rows / 2 }, (_, i) =>
    targets.subarray(2 * i * time, (2 * i + 1) * time).some((t) => t >= 0),
  )
}
