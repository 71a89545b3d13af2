/**
 * Direct preference optimisation: the model learns from pairs of answers itself, without a reward model and without sampling, and is
 * held near the model it went on from, which is its reference.
 */
import { z } from 'zod'
import { type AnswerPairs, createDpoTrainer, createMargins, freeModel } from '../nn/index.ts'
import { loadModel, loadTokenizer, modelBefore, saveModel } from './model-folder.ts'
import { optimizerOf } from './options.ts'
import { accuracyOf, courseOf, type Pair, pairOptions, readPairs } from './pairs.ts'
import type { Metrics, Stage } from './stage.ts'
import { mean } from './statistics.ts'
import { train } from './train.ts'

const schema = pairOptions.extend({
  epochs: pairOptions.shape.epochs.default(1),
  beta: z.number().positive().default(0.1).describe('how much a difference of log-probabilities counts as reward'),
  matrixRate: z.number().positive().default(0.0005),
  embeddingRate: z.number().positive().default(0.0002),
  vectorRate: z.number().positive().default(0.0002),
})
type Config = z.infer<typeof schema>

export const dpo: Stage<Config> = {
  kind: 'dpo',
  config: schema,
  async run(context, options) {
    const before = modelBefore(context, options.from)
    const tokenizer = await loadTokenizer(before)
    const { training, heldOut, cut } = await readPairs(context, options, tokenizer)
    const { steps, epochs, batchesOf } = courseOf(training, options.rows / 2, { ...options, seed: context.seed })
    const engine = await context.engine()
    const lora = options.lora && { ...options.lora, seed: context.seed }
    const model = await loadModel(engine, before, { lora })
    const reference = await loadModel(engine, before, { trainable: false })
    const [own, theirs] = [model, reference].map((one) => createMargins(one, options, options.beta)) as [
      Margins,
      Margins,
    ]
    let latest: Metrics = {}
    const result = await train(context, {
      trainer: createDpoTrainer(model, options, options.beta, optimizerOf(options), (batch) => theirs.of(batch)),
      tokenizerFolder: before,
      options: { ...options, steps },
      batches: (t) => batchesOf(t).map((batch) => placeAnswers(batch, options)),
      async evaluate(step) {
        if (heldOut.length === 0) return
        const margins = await rewardMargins(heldOut, own, theirs, options)
        const { accuracy, accuracyLow: low, accuracyHigh: high } = accuracyOf(margins)
        const heldOutLoss = mean(margins.map((margin) => Math.log1p(Math.exp(-margin))))
        latest = {
          heldOutPairs: heldOut.length,
          accuracy,
          accuracyLow: low,
          accuracyHigh: high,
          margin: mean(margins),
          heldOutLoss,
        }
        const metric = { type: 'metric', step, split: 'heldout' } as const
        context.emit({ ...metric, name: 'accuracy', value: accuracy, low, high })
        context.emit({ ...metric, name: 'loss', value: heldOutLoss })
      },
    })
    for (const one of [own, theirs]) one.free()
    await saveModel(context.folder, model, before)
    for (const one of [model, reference]) freeModel(one)
    return {
      pairs: training.length,
      cut,
      steps,
      epochs,
      loss: result.loss,
      ...latest,
      tokensPerSecond: result.tokensPerSecond,
    }
  },
}

/** A pair on two rows, the chosen answer first; only answers have targets. Longer texts are cut. */
export function placeAnswers(pairs: readonly Pair[], { rows, time }: { rows: number; time: number }): AnswerPairs {
  const batch = { ids: new Int32Array(rows * time), targets: new Int32Array(rows * time).fill(-1) }
  pairs
    .flatMap(({ chosen, rejected }) => [chosen, rejected])
    .forEach(({ ids, mask }, row) => {
      for (let t = 0; t < Math.min(time, ids.length - 1); t++) {
        batch.ids[row * time + t] = ids[t]!
        if (mask[t + 1]) batch.targets[row * time + t] = ids[t + 1]!
      }
    })
  return batch
}

// --- internal ---

type Margins = ReturnType<typeof createMargins>

/** β · (log-ratio of the chosen − log-ratio of the rejected answer) of every pair: the reward margin that the model implies. */
async function rewardMargins(
  pairs: readonly Pair[],
  own: Margins,
  reference: Margins,
  shape: { rows: number; time: number },
): Promise<number[]> {
  const margins: number[] = []
  const perBatch = shape.rows / 2
  for (let first = 0; first < pairs.length; first += perBatch) {
    const part = pairs.slice(first, first + perBatch)
    const batch = placeAnswers(part, shape)
    const [a, b] = [await own.of(batch), await reference.of(batch)]
    part.forEach((_, i) => margins.push(a[i]! - b[i]!))
  }
  return margins
}
