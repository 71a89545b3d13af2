/**
 * A reward model: what a text is worth to somebody, as one number at its last token, learnt from which of two texts was preferred.
 * P(chosen over rejected) = σ(reward chosen − reward rejected) (Bradley and Terry, 1952; Ouyang et al., InstructGPT, 2022).
 */
import { crossEntropy, embedding, gatherRows, linear, subtract, type Tensor } from '../tensor/index.ts'
import type { OptimizerOptions } from './optimizer.ts'
import { trainOn, type Trainer } from './trainer.ts'
import { attendRows, hiddenStates, type Model } from './transformer.ts'

/** `rows` texts of at most `time` tokens, one a row; rows 2i and 2i + 1 are a pair, the chosen text first. */
export interface PairBatch {
  /** (rows · time) */
  ids: Int32Array
  /** (rows): the index in `ids` of each text's last token; −1 where the row is empty. */
  ends: Int32Array
}

/** The same on the engine. */
interface PairTensors {
  rows: number
  time: number
  ids: Tensor
  /** Every row is one text. */
  starts: Tensor
  chosen: Tensor
  rejected: Tensor
}

/** Trains the head and the model below it on pairs; the loss is the mean of −log σ(margin) in nats. */
export function createRewardTrainer(
  model: Model,
  shape: { rows: number; time: number },
  options: OptimizerOptions,
): Trainer<PairBatch> {
  const { engine } = model
  const score = headOf(model)
  const pairs = shape.rows / 2
  if (!Number.isInteger(pairs)) throw new Error(`pairs need an even number of rows, got ${shape.rows}`)
  const integers = (size: number) => engine.keep(engine.tensor(new Int32Array(size), [size], 'i32'))
  const floats = (size: number) => engine.keep(engine.zeros([size]))
  const tensors: PairTensors = {
    ...shape,
    ids: integers(shape.rows * shape.time),
    starts: integers(shape.rows * shape.time),
    chosen: integers(pairs),
    rejected: integers(pairs),
  }
  const [targets, weights, nll] = [integers(pairs), floats(pairs), floats(pairs)]
  // −log σ(m) is the cross-entropy of the logits (m, 0) with the first as the target.
  const classes = engine.keep(engine.tensor([1, 0], [2, 1]))
  return trainOn(model, shape, options, {
    scored: ({ ends }) => ends.filter((end, i) => i % 2 === 0 && end >= 0).length,
    write({ ids, ends }, scored) {
      tensors.ids.write(ids)
      tensors.chosen.write(ends.filter((_, i) => i % 2 === 0))
      tensors.rejected.write(ends.filter((_, i) => i % 2 === 1))
      const isPair = Array.from({ length: pairs }, (_, i) => ends[2 * i]! >= 0)
      targets.write(Int32Array.from(isPair, (is) => (is ? 0 : -1)))
      weights.write(Float32Array.from(isPair, (is) => (is ? 1 / scored : 0)))
    },
    loss() {
      const x = hiddenStates(model, tensors.ids, attendRows(model, tensors.starts, shape.rows, shape.time))
      const difference = subtract(embedding(tensors.chosen, x), embedding(tensors.rejected, x)) // (pairs, C)
      return crossEntropy({ x: linear(difference, score), w: classes, targets }, weights, nll)
    },
    free() {
      const { ids, starts, chosen, rejected } = tensors
      for (const t of [ids, starts, chosen, rejected, targets, weights, nll, classes]) t.free()
    },
  })
}

/** Judges texts: a forward pass over `rows` × `time` tokens, captured. */
export function createRewardScorer(model: Model, { rows, time }: { rows: number; time: number }) {
  const { engine } = model
  const head = headOf(model)
  const integers = (size: number) => engine.keep(engine.tensor(new Int32Array(size), [size], 'i32'))
  const [ids, starts, ends] = [integers(rows * time), integers(rows * time), integers(rows)]
  const program = engine.capture(() =>
    engine.noGrad(() => {
      const x = hiddenStates(model, ids, attendRows(model, starts, rows, time))
      return linear(gatherRows(x, ends), head) // (rows, 1)
    }),
  )
  return {
    /** The reward of each text, given as ids; longer ones are judged by their first `time` tokens. */
    async score(texts: readonly (readonly number[])[]): Promise<number[]> {
      const rewards: number[] = []
      for (let first = 0; first < texts.length; first += rows) {
        const batch = placeTexts(texts.slice(first, first + rows), { rows, time })
        ids.write(batch.ids)
        ends.write(batch.ends)
        program.run()
        const values = await program.outputs.read()
        rewards.push(...Array.from(values).slice(0, texts.length - first))
      }
      return rewards
    },
    free() {
      program.free()
      for (const t of [ids, starts, ends]) t.free()
    },
  }
}

/** Texts at the beginnings of rows, the rest 0. A text without tokens leaves its row empty. */
export function placeTexts(
  texts: readonly (readonly number[])[],
  { rows, time }: { rows: number; time: number },
): PairBatch {
  const batch = { ids: new Int32Array(rows * time), ends: new Int32Array(rows).fill(-1) }
  texts.forEach((text, row) => {
    const length = Math.min(text.length, time)
    batch.ids.set(text.slice(0, length), row * time)
    if (length > 0) batch.ends[row] = row * time + length - 1
  })
  return batch
}

// --- internal ---

function headOf({ score }: Model): Tensor {
  if (!score) throw new Error('this model has no reward head: its config needs score: true')
  return score
}
