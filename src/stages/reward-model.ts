/**
 * Learning somebody's taste: a model with a scalar head reads answers of which some were preferred to others, and comes to judge answers
 * in that person's place. It learns from pairs (Bradley and Terry) or from whole rankings at once (Plackett and Luce). Beside its accuracy on pairs it
 * has not read stands the one of a judge that looks at lengths alone, and whether it is as sure as it should be (calibration.ts; the
 * table lies in calibration.json).
 */
import { join } from 'node:path'
import { z } from 'zod'
import { createRewardScorer, createRewardTrainer, freeModel, placeChoices, placeTexts } from '../nn/index.ts'
import { UserError, writeJson } from '../run/index.ts'
import { CALIBRATION, calibration, confidenceOf, marginHistogram } from './calibration.ts'
import { loadModel, loadTokenizer, modelBefore, saveModel } from './model-folder.ts'
import { optimizerOf } from './options.ts'
import { accuracyOf, courseOf, type Order, type Pair, pairOptions, type Pairs, readPairs } from './pairs.ts'
import { choicesOf } from './ranking.ts'
import type { Metrics, Stage } from './stage.ts'
import { mean } from './statistics.ts'
import { train } from './train.ts'

const schema = pairOptions.omit({ lora: true }).extend({
  loss: z
    .enum(['bradley-terry', 'plackett-luce'])
    .default('bradley-terry')
    .describe('learn from pairs, or from all answers of a ranking at once'),
  matrixRate: z.number().positive().default(0.005),
  embeddingRate: z.number().positive().default(0.002),
  vectorRate: z.number().positive().default(0.002),
})
type Config = z.infer<typeof schema>

/** Most answers of a ranking that are learnt from at once. */
const MOST_WAYS = 8

export const rewardModel: Stage<Config> = {
  kind: 'reward-model',
  config: schema,
  async run(context, options) {
    const before = modelBefore(context, options.from)
    const tokenizer = await loadTokenizer(before)
    const pairs = await readPairs(context, options, tokenizer)
    const { training, heldOut, cut, undecided } = pairs
    const { ways, steps, epochs, batches } = lessonsOf(pairs, options, context.seed)
    const engine = await context.engine()
    const model = await loadModel(engine, before, { score: true })
    const scorer = createRewardScorer(model, options)
    const byLength = lengthJudge(training, heldOut)
    let latest: Metrics = {}
    const result = await train(context, {
      trainer: createRewardTrainer(model, { ...options, ways }, optimizerOf(options)),
      tokenizerFolder: before,
      options: { ...options, steps },
      batches,
      async evaluate(step) {
        if (heldOut.length === 0) return
        const rewards = await scorer.score(heldOut.flatMap(({ chosen, rejected }) => [chosen.ids, rejected.ids]))
        const margins = heldOut.map((_, i) => rewards[2 * i]! - rewards[2 * i + 1]!)
        const { accuracyLow: low, accuracyHigh: high, ...rest } = judged(margins)
        const { bins, error } = calibration(margins)
        latest = { ...rest, accuracyLow: low, accuracyHigh: high, calibrationError: error, ...reliability(bins) }
        const table = { step, pairs: margins.length, error, bins, margins: marginHistogram(margins) }
        await writeJson(join(context.folder, CALIBRATION), table)
        const metric = { type: 'metric', step, split: 'heldout' } as const
        context.emit({ ...metric, name: 'accuracy', value: rest.accuracy, low, high })
        context.emit({ ...metric, name: 'loss', value: rest.heldOutLoss })
        context.emit({ ...metric, name: 'margin', value: rest.margin })
        context.emit({ ...metric, name: 'calibrationError', value: error })
        if (byLength) context.emit({ ...metric, name: 'lengthAccuracy', value: byLength.lengthAccuracy })
      },
    })
    scorer.free()
    await saveModel(context.folder, model, before)
    freeModel(model)
    return {
      pairs: training.length,
      rankings: pairs.orders.length,
      undecided,
      cut,
      steps,
      epochs,
      loss: result.loss,
      ...latest,
      ...byLength,
      tokensPerSecond: result.tokensPerSecond,
    }
  },
}

// --- internal ---

/** The batches of a step, of pairs or of rankings. */
function lessonsOf({ training, orders }: Pairs, options: Config, seed: number) {
  if (options.loss === 'bradley-terry') {
    const { batchesOf, ...course } = courseOf(training, options.rows / 2, { ...options, seed })
    const both = ({ chosen, rejected }: Pair) => [chosen.ids, rejected.ids]
    return {
      ...course,
      ways: 2,
      batches: (t: number) => batchesOf(t).map((some) => placeTexts(some.flatMap(both), options)),
    }
  }
  // Of a longer ranking, its first and its last answers.
  const whole = orders.map(shortened)
  const ways = Math.max(2, ...whole.map(({ answers }) => answers.length))
  if (ways > options.rows)
    throw new UserError(
      `a ranking of ${ways} answers needs ${ways} rows; rows is ${options.rows}`,
      `排了 ${ways} 份回答的一次排序要 ${ways} 行，而 rows 是 ${options.rows}`,
    )
  const { batchesOf, ...course } = courseOf(whole, Math.floor(options.rows / ways), { ...options, seed })
  const placed = ({ answers, ranks }: Order) => ({ texts: answers.map(({ ids }) => ids), choices: choicesOf(ranks) })
  return {
    ...course,
    ways,
    batches: (t: number) => batchesOf(t).map((some) => placeChoices(some.map(placed), { ...options, ways })),
  }
}

/** Answers that take part, at most MOST_WAYS: the best half and the worst half of them. */
function shortened({ answers, ranks }: Order): Order {
  const named = ranks.flat()
  const half = MOST_WAYS / 2
  const kept = named.length <= MOST_WAYS ? named : [...named.slice(0, half), ...named.slice(-half)]
  return {
    answers: kept.map((answer) => answers[answer]!),
    ranks: ranks
      .map((tied) => tied.map((answer) => kept.indexOf(answer)).filter((i) => i >= 0))
      .filter((tied) => tied.length > 0),
  }
}

/** What margins (reward of the chosen minus that of the rejected) amount to. */
function judged(margins: readonly number[]) {
  return {
    heldOutPairs: margins.length,
    ...accuracyOf(margins),
    /** How sure it is, on average: as much as it is right, if it is well calibrated. */
    confidence: mean(margins.map(confidenceOf)),
    margin: mean(margins),
    heldOutLoss: mean(margins.map((margin) => Math.log1p(Math.exp(-margin)))),
  }
}

/** The reliability table as metrics: how often it is right when it is so sure. */
function reliability(bins: ReturnType<typeof calibration>['bins']): Metrics {
  const metrics: Metrics = {}
  for (const { from, to, pairs, accuracy, accuracyLow, accuracyHigh } of bins) {
    if (pairs === 0) continue
    const key = `reliability.${Math.round(100 * from)}-${Math.round(100 * to)}`
    Object.assign(metrics, { [key]: accuracy, [`${key}Low`]: accuracyLow, [`${key}High`]: accuracyHigh })
  }
  return metrics
}

/** A judge that always prefers the longer answer, or the shorter, whichever suits the pairs that were learnt from. */
export function lengthJudge(
  training: readonly Pick<Pair, 'characters'>[],
  heldOut: readonly Pick<Pair, 'characters'>[],
) {
  if (heldOut.length === 0) return undefined
  const longer = (pairs: readonly Pick<Pair, 'characters'>[], sign: number) =>
    accuracyOf(pairs.map(({ characters: [a, b] }) => sign * (a - b)))
  const sign = longer(training, 1).accuracy >= 0.5 ? 1 : -1
  const { accuracy, accuracyLow, accuracyHigh } = longer(heldOut, sign)
  return { lengthAccuracy: accuracy, lengthAccuracyLow: accuracyLow, lengthAccuracyHigh: accuracyHigh }
}
