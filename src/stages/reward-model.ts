/**
 * Learning somebody's taste: a model with a scalar head reads pairs of answers of which one was preferred, and comes to judge answers
 * in that person's place. Beside its accuracy on pairs it has not read stands the one of a judge that looks at lengths alone.
 */
import { z } from 'zod'
import { createRewardScorer, createRewardTrainer, freeModel, placeTexts } from '../nn/index.ts'
import { UserError } from '../run/index.ts'
import { random } from '../tensor/index.ts'
import { type Message, renderChat, type Tokenizer } from '../tokenizer/index.ts'
import { reportDefects } from './defects.ts'
import type { Defect } from './dialogues.ts'
import { loadModel, loadTokenizer, modelBefore, saveModel } from './model-folder.ts'
import { optimizerOf, trainingOptions } from './options.ts'
import { preferenceSource, readPreferences } from './preferences.ts'
import type { Metrics, Stage, StageContext } from './stage.ts'
import { mean, wilson } from './statistics.ts'
import { train } from './train.ts'

const schema = trainingOptions.extend({
  epochs: z
    .number()
    .positive()
    .default(2)
    .describe('times every pair is read, when neither steps nor minutes are given'),
  rows: z.number().int().positive().multipleOf(2).default(32).describe('texts of a micro-batch, two for each pair'),
  matrixRate: z.number().positive().default(0.005),
  embeddingRate: z.number().positive().default(0.002),
  vectorRate: z.number().positive().default(0.002),
  data: z.array(preferenceSource).min(1).describe('where the pairs come from'),
  heldOut: z.number().min(0).max(0.5).default(0.1).describe('share of the prompts whose pairs are kept for measuring'),
  from: z.string().default('latest').describe('name of the stage whose model learns to judge, or latest'),
})
type Config = z.infer<typeof schema>

/** A pair as ids, and the characters of the two answers. */
interface Pair {
  chosen: number[]
  rejected: number[]
  characters: [chosen: number, rejected: number]
}

export const rewardModel: Stage<Config> = {
  kind: 'reward-model',
  config: schema,
  async run(context, options) {
    const before = modelBefore(context, options.from)
    const tokenizer = await loadTokenizer(before)
    const { training, heldOut, cut } = await prepare(context, options, tokenizer)
    const engine = await context.engine()
    const model = await loadModel(engine, before, { score: true })
    const perBatch = options.rows / 2
    const perStep = perBatch * options.microBatches
    if (training.length < perStep)
      throw new UserError(
        `reward-model: ${training.length} pairs are less than one step of ${perStep}: give more pairs, or lower rows`,
        `reward-model：只有 ${training.length} 对，不够一步的 ${perStep} 对：请增加数据，或调小 rows`,
      )
    const steps = options.steps ?? Math.max(1, Math.round((options.epochs * training.length) / perStep))
    const inOrder = memoizeLast((epoch: number) => random(context.seed, 'pairs', epoch).shuffle(training))
    const pairAt = (g: number) => inOrder(Math.floor(g / training.length))[g % training.length]!

    const scorer = createRewardScorer(model, options)
    let latest: Metrics = {}
    const result = await train(context, {
      trainer: createRewardTrainer(model, options, optimizerOf(options)),
      tokenizerFolder: before,
      options: { ...options, steps },
      batches: (t) =>
        Array.from({ length: options.microBatches }, (_, i) => {
          const first = (t - 1) * perStep + i * perBatch
          const pairs = Array.from({ length: perBatch }, (_unused, p) => pairAt(first + p))
          return placeTexts(
            pairs.flatMap(({ chosen, rejected }) => [chosen, rejected]),
            options,
          )
        }),
      async evaluate(step) {
        const rewards = await scorer.score(heldOut.flatMap(({ chosen, rejected }) => [chosen, rejected]))
        latest = judged(heldOut.map((_, i) => rewards[2 * i]! - rewards[2 * i + 1]!))
        const { accuracy, accuracyLow: low, accuracyHigh: high, heldOutLoss } = latest
        if (accuracy == null) return
        context.emit({
          type: 'metric',
          name: 'accuracy',
          value: accuracy,
          low: low!,
          high: high!,
          step,
          split: 'heldout',
        })
        context.emit({ type: 'metric', name: 'loss', value: heldOutLoss!, step, split: 'heldout' })
      },
    })
    scorer.free()
    await saveModel(context.folder, model, before)
    freeModel(model)
    return {
      pairs: training.length,
      cut,
      steps,
      epochs: (steps * perStep) / training.length,
      loss: result.loss,
      ...latest,
      ...lengthJudge(training, heldOut),
      tokensPerSecond: result.tokensPerSecond,
    }
  },
}

/** The ids that a reward is read from: a whole dialogue up to the end of its last answer. */
export function judgedIds(tokenizer: Tokenizer, messages: readonly Message[]): number[] {
  const { ids, mask } = renderChat(tokenizer, messages)
  return ids.slice(0, mask.lastIndexOf(1) + 1)
}

// --- internal ---

/** Reads and tokenises all sources; writes the defects of files to rejected.jsonl. A prompt's pairs stand on one side. */
async function prepare(context: StageContext, { data, heldOut: share, time }: Config, tokenizer: Tokenizer) {
  const defects: Defect[] = []
  const sides: Record<'training' | 'heldOut', Pair[]> = { training: [], heldOut: [] }
  for (const source of data)
    for (const { chosen, rejected } of await readPreferences(source, context, (defect) => defects.push(defect))) {
      const prompt = JSON.stringify(chosen.slice(0, -1))
      const side = random(0, `held-out preference ${prompt}`).uniform() < share ? 'heldOut' : 'training'
      sides[side].push({
        chosen: judgedIds(tokenizer, chosen),
        rejected: judgedIds(tokenizer, rejected),
        characters: [chosen.at(-1)!.content.length, rejected.at(-1)!.content.length],
      })
    }
  await reportDefects(context, defects)
  const all = [...sides.training, ...sides.heldOut]
  if (all.length === 0) throw new UserError('there is no pair in the data of this stage', '这个阶段的数据里一对也没有')
  const cut = all.filter(({ chosen, rejected }) => Math.max(chosen.length, rejected.length) > time).length
  return { ...sides, cut }
}

/** What margins (reward of the chosen minus that of the rejected) amount to. A margin of 0 is half right. */
function judged(margins: readonly number[]): Metrics {
  if (margins.length === 0) return {}
  const right = margins.reduce((sum, margin) => sum + (margin > 0 ? 1 : margin === 0 ? 0.5 : 0), 0)
  const { low, high } = wilson(right, margins.length)
  return {
    heldOutPairs: margins.length,
    accuracy: right / margins.length,
    accuracyLow: low,
    accuracyHigh: high,
    /** How sure it is, on average: as much as it is right, if it is well calibrated. */
    confidence: mean(margins.map((margin) => 1 / (1 + Math.exp(-Math.abs(margin))))),
    margin: mean(margins),
    heldOutLoss: mean(margins.map((margin) => Math.log1p(Math.exp(-margin)))),
  }
}

/** A judge that always prefers the longer answer, or the shorter, whichever suits the pairs that were learnt from. */
function lengthJudge(training: readonly Pair[], heldOut: readonly Pair[]): Metrics {
  if (heldOut.length === 0) return {}
  const won = (pairs: readonly Pair[]) =>
    pairs.reduce((sum, { characters: [a, b] }) => sum + (a > b ? 1 : a === b ? 0.5 : 0), 0)
  const longerWins = won(training) >= training.length / 2
  const right = longerWins ? won(heldOut) : heldOut.length - won(heldOut)
  const { low, high } = wilson(right, heldOut.length)
  return { lengthAccuracy: right / heldOut.length, lengthAccuracyLow: low, lengthAccuracyHigh: high }
}

function memoizeLast<T>(make: (key: number) => T): (key: number) => T {
  let known: { key: number; value: T } | undefined
  return (key) => (known?.key === key ? known : (known = { key, value: make(key) })).value
}
