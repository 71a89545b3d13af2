/**
 * Sampled answers as rows of tokens for a forward pass. Sequences of prompt and answer are packed beside each other, each with attention
 * of its own; only answer tokens are scored. What belongs to single tokens (log-probabilities, advantages, weights) is laid out in the same places.
 */
import type { Batch } from '../../nn/index.ts'
import type { Asked } from '../ask.ts'
import type { AlgorithmNumbers } from './algorithms.ts'

export interface PackedAnswers {
  /** Micro-batches of `rows` × `time` tokens. */
  batches: Batch[]
  /** Of each answer: its batch, and where its first sampled token is predicted. The others follow without a gap. */
  places: { batch: number; at: number }[]
  /** Values of the sampled tokens, laid out as the batches are; 0 elsewhere. */
  layOut(value: (answer: number, token: number) => number): Float32Array[]
}

/** Sequences go first fit into rows, rows into batches; `padding` fills the rest. Throws when one is longer than a row. */
export function packAnswers(
  answers: readonly Pick<Asked, 'prompt' | 'ids'>[],
  { rows, time, padding }: { rows: number; time: number; padding: number },
): PackedAnswers {
  const used: number[] = []
  const batches: Batch[] = []
  const places = answers.map((answer) => {
    const length = answer.prompt.length + answer.ids.length - 1
    if (length > time) throw new Error(`a prompt and its answer have ${length + 1} tokens, a row holds ${time}`)
    const oldest = used.length - 32 // a bounded search keeps packing linear
    let row = used.findIndex((n, i) => i >= oldest && n + length <= time)
    if (row < 0) row = used.push(0) - 1
    const batch = Math.floor(row / rows)
    place(answer, (batches[batch] ??= emptyBatch(rows * time, padding)), (row % rows) * time, used[row]!)
    const at = (row % rows) * time + used[row]! + answer.prompt.length - 1
    used[row]! += length
    return { batch, at }
  })
  return {
    batches,
    places,
    layOut(value) {
      const values = batches.map(() => new Float32Array(rows * time))
      places.forEach(({ batch, at }, i) => {
        for (let t = 0; t < answers[i]!.ids.length; t++) values[batch]![at + t] = value(i, t)
      })
      return values
    },
  }
}

/** What each token of an answer weighs in the loss: see `AlgorithmNumbers.lengthNorm`. */
export function tokenWeights(
  lengths: readonly number[],
  lengthNorm: AlgorithmNumbers['lengthNorm'],
  maxTokens: number,
): number[] {
  const tokens = lengths.reduce((a, b) => a + b, 0)
  const per = {
    token: () => tokens,
    sequence: (length: number) => lengths.length * length,
    constant: () => lengths.length * maxTokens,
    none: () => lengths.length,
  }[lengthNorm]
  return lengths.map((length) => 1 / per(length))
}

/** Writes a sequence at `start` of the row that begins at `base`. */
function place({ prompt, ids }: Pick<Asked, 'prompt' | 'ids'>, batch: Batch, base: number, start: number): void {
  const all = [...prompt, ...ids]
  for (let t = 0; t < all.length - 1; t++) {
    batch.ids[base + start + t] = all[t]!
    batch.starts[base + start + t] = start
    if (t + 1 >= prompt.length) batch.targets[base + start + t] = all[t + 1]!
  }
}

function emptyBatch(size: number, padding: number): Batch {
  return {
    ids: new Int32Array(size).fill(padding),
    targets: new Int32Array(size).fill(-1),
    starts: new Int32Array(size),
  }
}
