/** The three ways to put questions of a benchmark to a model, some at a time. */
import type { Model } from '../../nn/index.ts'
import type { Tokenizer } from '../../tokenizer/index.ts'
import type { Answer } from './answers.ts'
import { type Choice, cropped, type Exact, type Likeliest, type Question, type Written } from './question.ts'
import type { Scorer } from './scorer.ts'
import { type Wanted, writeAnswers } from './write.ts'

export interface Examinee {
  model: Model
  tokenizer: Tokenizer
  scorer: Scorer
}

export interface AskOptions {
  /** Answers a written question gets: one is the likeliest, several are sampled. */
  samples: number
  /** Of the draws. */
  seed: number
}

/** Tokens that an answer has room for in any case. */
const LEAST_ANSWER = 64

type Result = Omit<Answer, 'task' | 'index'>

/** Questions that are asked together: enough to fill a step, few enough that little is lost when it is cut. */
export const CHUNK: Record<Question['kind'], number> = { likeliest: 32, exact: 32, written: 16 }

/** One result for each question, in order. All are of one kind. */
export async function askQuestions(
  examinee: Examinee,
  questions: readonly Question[],
  options: AskOptions,
): Promise<Result[]> {
  const of = <K extends Question['kind']>(kind: K) =>
    questions.filter((question) => question.kind === kind) as Extract<Question, { kind: K }>[]
  return [
    ...(await likeliest(examinee, of('likeliest'))),
    ...(await exact(examinee, of('exact'))),
    ...(await written(examinee, of('written'), options)),
  ]
}

async function likeliest({ model, scorer }: Examinee, questions: readonly Likeliest[]): Promise<Result[]> {
  if (questions.length === 0) return []
  const most = model.config.maxPositions
  const groups = questions.map(({ choices }) => choices.map((choice) => cropped(choice, most)))
  const scores = await scorer.score(groups)
  return questions.map(({ choices, gold, by }, i) => {
    const values = scores[i]!.map(({ sum, tokens }) => (by === 'sum' ? sum : sum / tokens))
    if (values.some((value) => Number.isNaN(value)))
      throw new Error('the log-probabilities are not finite numbers: are the weights damaged?')
    const right = values.indexOf(Math.max(...values)) === gold
    return { right: Number(right), of: 1, ...ifCropped(isCropped(choices, most)), said: values }
  })
}

const isCropped = (choices: readonly Choice[], most: number) => choices.some(({ ids }) => ids.length > most)
const ifCropped = (was: boolean): { cropped?: true } => (was ? { cropped: true } : {})

/** Greedy tokens are the expected ones exactly when each expected token is the likeliest after those before it. */
async function exact({ model, tokenizer }: Examinee, questions: readonly Exact[]): Promise<Result[]> {
  const most = model.config.maxPositions
  const wanted = questions.map(({ prompt, expected }): Wanted => {
    const room = Math.max(1, most - expected.length)
    return {
      prompt: prompt.slice(-room),
      maxTokens: expected.length,
      stopIds: [],
      over: (ids) => ids.some((id, i) => id !== expected[i]),
    }
  })
  const answers = await writeAnswers(model, wanted)
  return questions.map(({ prompt, expected }, i) => {
    const right = answers[i]!.length >= expected.length && expected.every((id, t) => id === answers[i]![t])
    const was = prompt.length > wanted[i]!.prompt.length
    return { right: Number(right), of: 1, ...ifCropped(was), said: tokenizer.decode(answers[i]!) }
  })
}

async function written(
  { model, tokenizer }: Examinee,
  questions: readonly Written[],
  { samples, seed }: AskOptions,
): Promise<Result[]> {
  const most = model.config.maxPositions
  const textOf = (ids: ArrayLike<number>, { until, stopIds }: Written) => {
    const kept = Array.from(ids)
    const end = kept.findIndex((id) => stopIds.includes(id))
    const text = tokenizer.decode(end < 0 ? kept : kept.slice(0, end))
    const cuts = until.map((stop) => text.indexOf(stop)).filter((at) => at >= 0)
    return cuts.length > 0 ? text.slice(0, Math.min(...cuts)) : text
  }
  const wanted = questions.flatMap((question): Wanted[] => {
    const { prompt, stopIds, until } = question
    // A prompt that leaves little room is kept, and its answer is short; only then does it lose its beginning.
    const maxTokens = Math.min(question.maxTokens, Math.max(most - prompt.length, Math.min(LEAST_ANSWER, most >> 1)))
    const one: Wanted = {
      prompt: prompt.slice(-Math.max(1, most - maxTokens)),
      maxTokens,
      stopIds,
      over: (ids) => {
        const text = tokenizer.decode(ids)
        return until.some((stop) => text.includes(stop))
      },
    }
    return Array.from({ length: samples }, () => one)
  })
  const answers = await writeAnswers(model, wanted, { temperature: samples > 1 ? 0.8 : 0, seed })
  const results: Result[] = []
  for (const [i, question] of questions.entries()) {
    const texts = answers.slice(i * samples, (i + 1) * samples).map((ids) => textOf(ids, question))
    let right = 0
    for (const text of texts) right += Number(await question.judge(text))
    const was = question.prompt.length > wanted[i * samples]!.prompt.length
    results.push({ right, of: samples, ...ifCropped(was), said: texts[0]! })
  }
  return results
}
