/**
 * Best of n: the baseline that any RL on a reward model has to beat, since it trains nothing. Of n sampled answers to a held-out prompt, the one that
 * the reward model likes best is taken; what it is truly worth stands beside what the judge thinks (Stiennon et al., "Learning to summarize from human
 * feedback", 2020). Every model that RL or DPO made from the same start is asked the same prompts once, so that reward can be read against distance: the
 * divergence of best-of-n is at most log n − (n − 1)/n nats an answer (Beirami et al., "Theoretical guarantees on the best-of-n alignment policy", 2024),
 * that of a trained model is measured. Writes `best-of-n.json`.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { createSession } from '../generate/index.ts'
import { createRewardScorer, freeModel, type Model } from '../nn/index.ts'
import { writeJson } from '../run/index.ts'
import type { Exercise, Task } from '../tasks/index.ts'
import { textStart } from '../tokenizer/index.ts'
import { ask, type Asked, inChat, type Manner } from './ask.ts'
import { heldOutExercises } from './exercises.ts'
import { loadModel, loadTokenizer, modelBefore, rewardModelBefore } from './model-folder.ts'
import { whole } from './options.ts'
import { openTasks, practice } from './practice.ts'
import { createTokenScorer } from './rl/token-scorer.ts'
import type { Metrics, Stage } from './stage.ts'
import { deviation, type Interval, mean, meanInterval } from './statistics.ts'

/** In the stage's folder: means over the prompts for every n, and for every model that was trained from the same start. */
export const BEST_OF_N = 'best-of-n.json'

const schema = z.object({
  tasks: z.array(practice({})).min(1).describe('what is written; the first one counts'),
  from: z.string().default('latest').describe('the earlier stage whose model is sampled, by name; default: the latest'),
  rewardModel: z.string().default('latest').describe('name of the earlier reward model that chooses'),
  problems: whole.default(200).describe('held-out prompts'),
  n: z.array(whole).min(1).default([1, 2, 4, 8, 16]).describe('of how many answers the best is taken'),
  maxTokens: whole.default(48).describe('longest answer'),
  rows: whole.default(16).describe('rows of a pass of the reward model'),
  time: whole.default(128).describe('tokens of a row'),
})
type Config = z.infer<typeof schema>

interface Measured {
  /** What answers are truly worth, and what the reward model thinks of them: means over prompts. */
  reward: Interval & { value: number }
  judged: Interval & { value: number }
  /** Divergence from the model that best-of-n samples, nats an answer: a bound for best-of-n, measured for others. */
  divergence: number
  /** Of a trained model: true worth of its answers over that of the start's to the same prompts, in deviations of the start's answers. */
  gain?: Interval & { value: number }
}

/** Answers that are sampled at the same time, at most. */
const SLOTS = 128

export const bestOfN: Stage<Config> = {
  kind: 'best-of-n',
  config: schema,
  async run(context, options) {
    const { seed } = context
    const { maxTokens, time } = options
    const folder = modelBefore(context, options.from)
    const tokenizer = await loadTokenizer(folder)
    const manner = inChat(tokenizer)
    const [task] = await openTasks(context, options.tasks)
    const engine = await context.engine()
    const judge = await loadModel(engine, rewardModelBefore(context, options.rewardModel), { trainable: false })
    const scorer = createRewardScorer(judge, options)
    const start = await loadModel(engine, folder, { trainable: false })
    const shape = { ...options, padding: textStart(tokenizer), temperature: 1 }
    const reference = createTokenScorer(start, shape)
    const fits = ({ prompt }: Exercise) => manner.prompt(prompt).length + maxTokens <= time + 1
    const exercises = heldOutExercises(task!, options.problems, seed).filter(fits)
    const answer = async (model: Model, times: number) =>
      judgeAnswers(
        task!,
        exercises,
        times,
        await sampleEach(model, manner, exercises, times, options, seed),
        scorer.score,
      )

    const samples = Math.max(...options.n)
    const drawn = await answer(start, samples)
    const prompts = drawn.filter(isJudged).length
    const spread = deviation(rewardsOf(drawn.filter(isJudged).flat()))
    const best: Record<string, Measured> = {}
    for (const n of options.n) best[n] = { ...measure(drawn, n), divergence: Math.log(n) - (n - 1) / n }
    const trained: Record<string, Measured> = {}
    const others = context.earlier.filter(({ kind, folder: at }) => ['rl', 'dpo'].includes(kind) && at !== folder)
    for (const [i, other] of others.entries()) {
      const model = await loadModel(engine, other.folder, { trainable: false })
      const own = await answer(model, 1)
      const asked = own.flat().map((one) => one.asked)
      const before = await reference.of(asked)
      const divergence = mean(
        asked.map(({ logProbs }, a) => logProbs.reduce((sum, p, t) => sum + p - before[a]![t]!, 0)),
      )
      const gains = own.flatMap(([one], i) =>
        [own[i]!, drawn[i]!].every(isJudged) ? [(one!.reward - mean(rewardsOf(drawn[i]!))) / spread] : [],
      )
      trained[other.name] = { ...measure(own, 1), divergence, gain: meanInterval(gains) }
      freeModel(model)
      context.emit({ type: 'progress', step: i + 1, steps: others.length })
    }
    reference.free()
    scorer.free()
    for (const model of [start, judge]) freeModel(model)

    await writeJson(join(context.folder, BEST_OF_N), {
      format: 1,
      prompts,
      deviation: spread,
      best,
      trained,
    })
    const metrics: Metrics = { problems: prompts, deviation: spread }
    const names = [
      ...Object.entries(best).map(([n, one]) => [`best-of-${n}`, one] as const),
      ...Object.entries(trained),
    ]
    for (const [name, { reward, judged, gain, divergence }] of names) {
      for (const [key, { value, low, high }] of Object.entries({ reward, judged, ...(gain && { gain }) })) {
        context.emit({ type: 'metric', name: `${name}.${key}`, value, low, high })
        Object.assign(metrics, { [`${name}.${key}`]: value, [`${name}.${key}Low`]: low, [`${name}.${key}High`]: high })
      }
      context.emit({ type: 'metric', name: `${name}.divergence`, value: divergence })
      metrics[`${name}.divergence`] = divergence
    }
    return metrics
  },
}

/** One answer to a prompt: its true worth, and the reward model's opinion. */
export interface Judged {
  reward: number
  judged: number
}

/**
 * The mean of a value of the best of n, over every choice of n among the answers, so that all of them count: sorted by the judge, the i-th (from 0, ascending) is
 * the best of C(i, n − 1) of the C(N, n) choices (as Nakano et al., "WebGPT", 2021, estimate it).
 */
export function expectedBest(answers: readonly Judged[], n: number, of: (answer: Judged) => number): number {
  const sorted = answers.toSorted((a, b) => a.judged - b.judged)
  const count = sorted.length
  if (n > count) throw new RangeError(`the best of ${n} among ${count} answers`)
  let share = n / count // C(N − 1, n − 1) / C(N, n): the share of choices that hold the best of all
  let total = 0
  for (let i = count - 1; i >= n - 1; i--) {
    total += share * of(sorted[i]!)
    share *= (i - n + 1) / Math.max(1, i) // C(i − 1, n − 1) / C(i, n − 1)
  }
  return total
}

// --- internal ---

function measure(answers: readonly (readonly Judged[])[], n: number): Pick<Measured, 'reward' | 'judged'> {
  const of = (value: (answer: Judged) => number) =>
    meanInterval(answers.filter(isJudged).map((own) => expectedBest(own, n, value)))
  return { reward: of(({ reward }) => reward), judged: of(({ judged }) => judged) }
}

/** `times` answers to every exercise, in a row. */
async function sampleEach(
  model: Model,
  manner: Manner,
  exercises: readonly Exercise[],
  times: number,
  { maxTokens, time }: Config,
  seed: number,
): Promise<Asked[]> {
  const questions = exercises.flatMap(({ prompt }) => Array<string>(times).fill(prompt))
  const session = createSession(model, Math.min(SLOTS, questions.length), Math.min(time + 1, model.config.maxPositions))
  try {
    return await ask(model, manner, questions, { maxTokens, temperature: 1, seed, session })
  } finally {
    session.free()
  }
}

/** By exercise. */
async function judgeAnswers(
  task: Task,
  exercises: readonly Exercise[],
  times: number,
  asked: readonly Asked[],
  score: (texts: number[][]) => Promise<number[]>,
): Promise<(Judged & { asked: Asked })[][]> {
  const judged = await score(asked.map(({ prompt, ids }) => [...prompt, ...ids]))
  return exercises.map((exercise, i) =>
    asked.slice(i * times, (i + 1) * times).map((one, j) => ({
      asked: one,
      reward: task.reward(exercise, one.text),
      judged: judged[i * times + j]!,
    })),
  )
}

/** The task may not be able to judge an answer: its exercise does not count. */
const isJudged = (answers: readonly Judged[]) => answers.every(({ reward }) => Number.isFinite(reward))
const rewardsOf = (answers: readonly Judged[]) => answers.map(({ reward }) => reward)
