/**
 * Sampled answers as rows of tokens for the policy's update. Sequences of prompt and answer are packed beside each other,
 * each with attention of its own; only answer tokens are scored, and each of them weighs the same (as in DAPO, Yu et al.,
 * 2025), so that long answers are neither favoured nor punished.
 */
import type { Batch } from '../../nn/index.ts'
import type { Answer } from './rollout.ts'

/** A micro-batch of `rows` × `time` tokens; per sampled token, what the loss needs. */
export interface AnswerBatch extends Batch {
  oldLogProbs: Float32Array
  advantages: Float32Array
  /** 1 / sampled tokens of all batches, 0 elsewhere. */
  weights: Float32Array
}

/** Sequences go first fit into rows, rows into batches; `padding` fills the rest. Throws when one is longer than a row. */
export function packAnswers(
  answers: readonly Answer[],
  { rows, time, padding }: { rows: number; time: number; padding: number },
): AnswerBatch[] {
  const scored = answers.reduce((sum, { asked }) => sum + asked.ids.length, 0)
  const used: number[] = []
  const batches: AnswerBatch[] = []
  for (const answer of answers) {
    const length = answer.asked.prompt.length + answer.asked.ids.length - 1
    if (length > time) throw new Error(`a prompt and its answer have ${length + 1} tokens, a row holds ${time}`)
    const oldest = used.length - 32 // a bounded search keeps packing linear
    let row = used.findIndex((n, i) => i >= oldest && n + length <= time)
    if (row < 0) row = used.push(0) - 1
    const batch = (batches[Math.floor(row / rows)] ??= emptyBatch(rows * time, padding))
    place(answer, batch, (row % rows) * time, used[row]!, 1 / scored)
    used[row]! += length
  }
  return batches
}

/** Writes a sequence at `start` of the row that begins at `base`. */
function place({ asked, advantage }: Answer, batch: AnswerBatch, base: number, start: number, weight: number): void {
  const ids = [...asked.prompt, ...asked.ids]
  for (let t = 0; t < ids.length - 1; t++) {
    const at = base + start + t
    batch.ids[at] = ids[t]!
    batch.starts[at] = start
    const sampled = t + 1 - asked.prompt.length
    if (sampled < 0) continue
    batch.targets[at] = ids[t + 1]!
    batch.oldLogProbs[at] = asked.logProbs[sampled]!
    batch.advantages[at] = advantage
    batch.weights[at] = weight
  }
}

function emptyBatch(size: number, padding: number): AnswerBatch {
  return {
    ids: new Int32Array(size).fill(padding),
    targets: new Int32Array(size).fill(-1),
    starts: new Int32Array(size),
    oldLogProbs: new Float32Array(size),
    advantages: new Float32Array(size),
    weights: new Float32Array(size),
  }
}
