/**
 * The examination of every model that the run has made so far: exercises of tasks, questions about the facts of the embedded
 * world (those that dialogues taught and those that were only ever read), and bits per byte on held-out text. Every model
 * sits the same papers; a base model, which knows no chat template, gets worked examples as plain text before the question.
 * Models that only count may be scored beside them (baselines.ts). Writes `eval.json`; its metrics are `STAGE.METRIC`, and `STAGE.METRICGain` says what the stage added to the model it went on from.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { freeModel, type Model } from '../nn/index.ts'
import { readManifest, UserError, writeJson } from '../run/index.ts'
import type { Task } from '../tasks/index.ts'
import type { Tokenizer } from '../tokenizer/index.ts'
import { makeQuestions, makeWorld } from '../world/index.ts'
import { asOnPage, inChat } from './ask.ts'
import { scoreBaselines } from './baselines.ts'
import { evaluateExercises, type ExerciseScore } from './exercises.ts'
import { heldOutScorer } from './held-out.ts'
import { goesOn, loadModel, loadTokenizer, MODEL_KINDS } from './model-folder.ts'
import { whole } from './options.ts'
import { openTasks, practice } from './practice.ts'
import { encodeDocuments } from './pretrain.ts'
import type { Metrics, Stage, StageContext } from './stage.ts'
import { type Interval, meanInterval, pairedGain } from './statistics.ts'
import { tokensOfLines, unseenLines } from './unseen.ts'
import { examineWorld, type WorldScore } from './world-exam.ts'

export const evalOptions = z.object({
  tasks: z.array(practice({})).default([]).describe('exercises to be done'),
  problems: whole.default(200).describe('exercises of each task'),
  maxTokens: whole.default(48).describe('longest answer'),
  passAtK: z.array(whole).default([1, 4]).describe('k of pass@k: the chance that one of k sampled answers is right'),
  shots: z
    .number()
    .int()
    .nonnegative()
    .default(3)
    .describe('worked examples before a question to a base model; 0: only the title of a school book page'),
  questions: z
    .number()
    .int()
    .nonnegative()
    .default(0)
    .describe('about facts of the embedded world: so many taught and so many only read'),
  heldOutTokens: z.number().int().nonnegative().default(50_000).describe('held-out tokens scored; 0 = none'),
  baselines: z.boolean().default(false).describe('score models that only count on the held-out text, too'),
})
export type EvalOptions = z.infer<typeof evalOptions>

/** What one model scored. */
export interface ModelScore {
  name: string
  kind: string
  bitsPerByte: number | null
  /** On held-out lines that occur in no document to be read. */
  bitsPerByteUnseen: number | null
  /** The model it was trained from, where that took part. */
  from: string | null
  /** By the task's name. */
  exercises: Record<string, ExerciseScore>
  world: WorldScore | null
}

/** Shape of the passes over held-out text. */
const PASS = { rows: 8, time: 128 }

export const evaluation: Stage<EvalOptions> = {
  kind: 'eval',
  config: evalOptions,
  async run(context, options) {
    const candidates = context.earlier.filter(({ kind }) => MODEL_KINDS.includes(kind))
    if (candidates.length === 0)
      throw new UserError(
        `eval: no stage before it makes a model (${MODEL_KINDS.join(', ')})`,
        `eval 之前没有产生模型的阶段（${MODEL_KINDS.join('、')}）`,
      )
    const tasks = await openTasks(context, options.tasks)
    const engine = await context.engine()
    const scores: ModelScore[] = []
    for (const [i, { kind, name, folder }] of candidates.entries()) {
      const tokenizer = await loadTokenizer(folder)
      const model = await loadModel(engine, folder, { trainable: false })
      try {
        const from = await originOf(folder, i, candidates)
        scores.push({
          name,
          kind,
          from,
          ...(await scoreModel(context, options, tasks, { model, tokenizer, isBase: goesOn(kind, tokenizer) })),
        })
      } finally {
        freeModel(model)
      }
      context.emit({ type: 'progress', step: i + 1, steps: candidates.length })
      await context.border({ step: i + 1, save: async () => {} })
    }
    const baselines = options.baselines ? await countOn(context, candidates.at(-1)!.folder, options) : null
    await writeJson(join(context.folder, 'eval.json'), { format: 1, stages: scores, baselines })
    const metrics: Metrics = {}
    for (const [name, bits] of Object.entries(baselines ?? {}))
      for (const [measure, value] of Object.entries(bits)) {
        metrics[`${name}.${measure}`] = value
        context.emit({ type: 'metric', name: `${name}.${measure}`, value })
      }
    for (const score of scores) {
      for (const { name, value, low, high } of measures(
        score,
        scores.find((other) => other.name === score.from),
      )) {
        const key = `${score.name}.${name}`
        metrics[key] = value
        context.emit({ type: 'metric', name: key, value, ...(low === undefined ? {} : { low, high }) })
        if (low !== undefined) Object.assign(metrics, { [`${key}Low`]: low, [`${key}High`]: high })
      }
    }
    return metrics
  },
}

/** The name of the model that a stage went on from: it may not be the one before (controls do not follow each other). */
async function originOf(folder: string, i: number, candidates: StageContext['earlier']): Promise<string | null> {
  const from = (await readManifest(folder))?.config.from ?? 'latest'
  const origin =
    from === 'latest'
      ? candidates.slice(0, i).findLast(({ control }) => !control)
      : candidates.find(({ name }) => name === from)
  return origin?.name ?? null
}

interface Candidate {
  model: Model
  tokenizer: Tokenizer
  /** Before any chat: asked in plain text. */
  isBase: boolean
}

async function scoreModel(
  context: StageContext,
  { problems, maxTokens, passAtK: k, shots, questions, heldOutTokens }: EvalOptions,
  tasks: readonly Task[],
  { model, tokenizer, isBase }: Candidate,
): Promise<Omit<ModelScore, 'name' | 'kind' | 'from'>> {
  const { seed, language } = context
  const exercises: Record<string, ExerciseScore> = {}
  for (const task of tasks) {
    const manner = isBase
      ? asOnPage(tokenizer, [task], { shots: tokenizer.shots ?? shots, seed, language })
      : inChat(tokenizer)
    exercises[task.name] = await evaluateExercises(model, tokenizer, task, {
      count: problems,
      seed,
      maxTokens,
      k,
      manner,
    })
  }
  let world: WorldScore | null = null
  if (questions > 0) {
    const town = makeWorld({ language, seed })
    world = await examineWorld(model, tokenizer, town, makeQuestions(town, seed), {
      count: questions,
      seed,
      maxTokens,
      isBase,
    })
  }
  return {
    ...(await heldOutBits(context, model, tokenizer, heldOutTokens)),
    exercises,
    world,
  }
}

/** null where the run holds no text back, or hardly any. */
async function heldOutBits(
  context: StageContext,
  model: Model,
  tokenizer: Tokenizer,
  maxTokens: number,
): Promise<Pick<ModelScore, 'bitsPerByte' | 'bitsPerByteUnseen'>> {
  const none = { bitsPerByte: null, bitsPerByteUnseen: null }
  const corpus = context.find('corpus')
  if (corpus === undefined || maxTokens === 0) return none
  const stream = await encodeDocuments(join(corpus, 'heldout.jsonl'), tokenizer)
  const isNew = tokensOfLines(stream, tokenizer, await unseenLines(corpus))
  const shape = { ...PASS, time: Math.min(PASS.time, model.config.maxPositions), maxTokens }
  const scorer = heldOutScorer(model, tokenizer, stream, shape, isNew)
  try {
    const score = await scorer.score()
    return score ? { bitsPerByte: score.bitsPerByte, bitsPerByteUnseen: score.bitsPerByteMarked } : none
  } finally {
    scorer.free()
  }
}

/** The baselines, on the tokens that the models are scored on; null where no text is held back. */
async function countOn(context: StageContext, model: string, { heldOutTokens }: EvalOptions) {
  const corpus = context.find('corpus')
  if (corpus === undefined || heldOutTokens === 0) return null
  const shape = { time: PASS.time, maxTokens: heldOutTokens }
  return scoreBaselines(corpus, await loadTokenizer(model), shape, await unseenLines(corpus))
}

interface Measure extends Partial<Interval> {
  name: string
  value: number | null
}

/** A score as flat metrics, and what it gained on the model it went on from. */
function measures(score: ModelScore, before: ModelScore | undefined): Measure[] {
  const found: Measure[] = [
    { name: 'bitsPerByte', value: score.bitsPerByte },
    { name: 'bitsPerByteUnseen', value: score.bitsPerByteUnseen },
  ]
  const names = Object.keys(score.exercises)
  const share = (name: string, now: Paper, then: Paper | undefined) => {
    found.push({ name, value: now.accuracy, low: now.low, high: now.high })
    if (!then) return
    const { gain, low, high } = pairedGain(rights(then), rights(now))
    found.push({ name: `${name}Gain`, value: gain, low, high })
  }
  for (const [task, now] of Object.entries(score.exercises)) {
    const prefix = names.length > 1 ? `${task}.` : ''
    share(`${prefix}accuracy`, now, before?.exercises[task])
    if (now.reward) {
      found.push({ name: `${prefix}reward`, ...now.reward })
      const then = before?.exercises[task]?.answers
      if (then)
        found.push({
          name: `${prefix}rewardGain`,
          ...meanInterval(now.answers.map((one, i) => one.reward - then[i]!.reward)),
        })
    }
    for (const [k, { value, low, high }] of Object.entries(now.passAt))
      found.push({ name: `${prefix}pass@${k}`, value, low, high })
  }
  if (score.world) {
    share('world.taught', score.world.taught, before?.world?.taught)
    share('world.untaught', score.world.untaught, before?.world?.untaught)
    found.push({ name: 'world.chance', value: score.world.chance })
  }
  return found
}

type Paper = Interval & { accuracy: number; answers: readonly { correct: boolean }[] }

const rights = ({ answers }: Paper) => answers.map(({ correct }) => correct)
