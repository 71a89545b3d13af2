/**
 * Learning somebody's taste: a model with a scalar head reads pairs of answers of which one was preferred, and comes to judge answers
 * in that person's place. Beside its accuracy on pairs it has not read stands the one of a judge that looks at lengths alone.
 */
import { z } from 'zod'
import { createRewardScorer, createRewardTrainer, freeModel, placeTexts } from '../nn/index.ts'
import { loadModel, loadTokenizer, modelBefore, saveModel } from './model-folder.ts'
import { optimizerOf } from './options.ts'
import { accuracyOf, type Pair, pairOptions, readPairs } from './pairs.ts'
import type { Metrics, Stage } from './stage.ts'
import { mean } from './statistics.ts'
import { train } from './train.ts'

const schema = pairOptions.omit({ lora: true }).extend({
  matrixRate: z.number().positive().default(0.005),
  embeddingRate: z.number().positive().default(0.002),
  vectorRate: z.number().positive().default(0.002),
})
type Config = z.infer<typeof schema>

export const rewardModel: Stage<Config> = {
  kind: 'reward-model',
  config: schema,
  async run(context, options) {
    const before = modelBefore(context, options.from)
    const tokenizer = await loadTokenizer(before)
    const pairs = await readPairs(context, options, tokenizer)
    const { training, heldOut, cut, steps, epochs } = pairs
    const engine = await context.engine()
    const model = await loadModel(engine, before, { score: true })
    const scorer = createRewardScorer(model, options)
    let latest: Metrics = {}
    const result = await train(context, {
      trainer: createRewardTrainer(model, options, optimizerOf(options)),
      tokenizerFolder: before,
      options: { ...options, steps },
      batches: (t) => pairs.batchesOf(t).map((batch) => placeTexts(batch.flatMap(bothIds), options)),
      async evaluate(step) {
        if (heldOut.length === 0) return
        const rewards = await scorer.score(heldOut.flatMap(bothIds))
        const {
          accuracyLow: low,
          accuracyHigh: high,
          ...rest
        } = judged(heldOut.map((_, i) => rewards[2 * i]! - rewards[2 * i + 1]!))
        latest = { ...rest, accuracyLow: low, accuracyHigh: high }
        const metric = { type: 'metric', step, split: 'heldout' } as const
        context.emit({ ...metric, name: 'accuracy', value: rest.accuracy, low, high })
        context.emit({ ...metric, name: 'loss', value: rest.heldOutLoss })
      },
    })
    scorer.free()
    await saveModel(context.folder, model, before)
    freeModel(model)
    return {
      pairs: training.length,
      cut,
      steps,
      epochs,
      loss: result.loss,
      ...latest,
      ...lengthJudge(training, heldOut),
      tokensPerSecond: result.tokensPerSecond,
    }
  },
}

// --- internal ---

const bothIds = ({ chosen, rejected }: Pair) => [chosen.ids, rejected.ids]

/** What margins (reward of the chosen minus that of the rejected) amount to. */
function judged(margins: readonly number[]) {
  return {
    heldOutPairs: margins.length,
    ...accuracyOf(margins),
    /** How sure it is, on average: as much as it is right, if it is well calibrated. */
    confidence: mean(margins.map((margin) => 1 / (1 + Math.exp(-Math.abs(margin))))),
    margin: mean(margins),
    heldOutLoss: mean(margins.map((margin) => Math.log1p(Math.exp(-margin)))),
  }
}

/** A judge that always prefers the longer answer, or the shorter, whichever suits the pairs that were learnt from. */
function lengthJudge(training: readonly Pair[], heldOut: readonly Pair[]): Metrics {
  if (heldOut.length === 0) return {}
  const longer = (pairs: readonly Pair[], sign: number) =>
    accuracyOf(pairs.map(({ characters: [a, b] }) => sign * (a - b)))
  const sign = longer(training, 1).accuracy >= 0.5 ? 1 : -1
  const { accuracy, accuracyLow, accuracyHigh } = longer(heldOut, sign)
  return { lengthAccuracy: accuracy, lengthAccuracyLow: accuracyLow, lengthAccuracyHigh: accuracyHigh }
}
