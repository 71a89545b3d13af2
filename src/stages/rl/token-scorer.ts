/** Log-probabilities of sampled tokens under a model that did not sample them: the frozen reference of a KL term. */
import { createBatch, type Model, tokenLosses } from '../../nn/index.ts'
import type { Asked } from '../ask.ts'
import { packAnswers } from './answers.ts'

export interface TokenScorer {
  /** log p of each answer's tokens, nats, at the temperature. */
  of(answers: readonly Pick<Asked, 'prompt' | 'ids'>[]): Promise<Float32Array[]>
  free(): void
}

export function createTokenScorer(
  model: Model,
  shape: { rows: number; time: number; padding: number; temperature: number },
): TokenScorer {
  const { engine } = model
  const { rows, time, temperature } = shape
  const tensors = createBatch(engine, rows, time)
  const program = engine.capture(() => engine.noGrad(() => tokenLosses(model, tensors, null, temperature)))
  return {
    async of(answers) {
      const { batches, places } = packAnswers(answers, shape)
      const losses: ArrayLike<number>[] = []
      for (const { ids, targets, starts } of batches) {
        tensors.ids.write(ids)
        tensors.targets.write(targets)
        tensors.starts.write(starts)
        program.run()
        losses.push(await program.outputs.read())
      }
      return places.map(({ batch, at }, i) =>
        Float32Array.from({ length: answers[i]!.ids.length }, (_, t) => -losses[batch]![at + t]!),
      )
    },
    free() {
      program.free()
      for (const t of [tensors.ids, tensors.targets, tensors.starts, tensors.weights]) t.free()
    },
  }
}
