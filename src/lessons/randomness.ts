/**
 * Why the same question gets different answers: a model does not say words, it gives every possible next token a probability, and one
 * is drawn. Here are the probabilities, the answers that come of them at several temperatures, and the *tired model*, which works
 * the same sum out a hundred times and does not always agree with itself.
 */
import { type Alternative, distribution } from '../generate/index.ts'
import type { Model } from '../nn/index.ts'
import { ask, type Asked, inChat } from '../stages/ask.ts'
import { type Interval, wilson } from '../stages/statistics.ts'
import type { Exercise, Task } from '../tasks/index.ts'
import type { Tokenizer } from '../tokenizer/index.ts'

/** At temperature t the probabilities p become p^(1/t), made to add up to one again. */
export interface Spread {
  temperature: number
  /** Different answers, the most frequent first. */
  answers: { text: string; times: number }[]
}

export interface ManyAnswers {
  /** The likeliest first tokens of an answer, at temperature 1. */
  next: Alternative[]
  spreads: Spread[]
}

export interface RandomnessOptions {
  /** Answers at each temperature. */
  count: number
  temperatures: readonly number[]
  maxTokens: number
  seed: number
}

/** One question, `count` answers at each temperature. */
export async function answerOften(
  model: Model,
  tokenizer: Tokenizer,
  question: string,
  { count, temperatures, maxTokens, seed }: RandomnessOptions,
): Promise<ManyAnswers> {
  const manner = inChat(tokenizer)
  const spreads: Spread[] = []
  for (const temperature of temperatures) {
    const questions = Array<string>(count).fill(question)
    const asked = await ask(model, manner, questions, { maxTokens, temperature, seed })
    spreads.push({ temperature, answers: tally(asked) })
  }
  return { next: await distribution(model, tokenizer, manner.prompt(question), 6), spreads }
}

function tally(asked: readonly Asked[]): Spread['answers'] {
  const times = new Map<string, number>()
  for (const { text } of asked) times.set(text.trim(), (times.get(text.trim()) ?? 0) + 1)
  return [...times].map(([text, times]) => ({ text, times })).toSorted((a, b) => b.times - a.times)
}

export interface TiredModel extends Interval {
  exercise: Exercise
  times: number
  right: number
  /** Of every time, in order: whether it was right. */
  outcomes: boolean[]
  /** The most frequent right and wrong answers, where there is one. */
  rightAnswer: string | undefined
  wrongAnswer: string | undefined
  wrongTimes: number
}

/** Problems that are tried to find one that the model neither always nor never solves, and how often each. */
const TRIED = { problems: 32, times: 8 }

/** Gives one held-out problem `times` times, at temperature 1: the one on which the model is least sure of itself. */
export async function tire(
  model: Model,
  tokenizer: Tokenizer,
  task: Task,
  { times, maxTokens, seed }: { times: number; maxTokens: number; seed: number },
): Promise<TiredModel> {
  const manner = inChat(tokenizer)
  const put = async (exercises: readonly Exercise[], seed: number) => {
    const options = { maxTokens, temperature: 1, seed }
    const asked = await ask(
      model,
      manner,
      exercises.map(({ prompt }) => prompt),
      options,
    )
    return asked.map((one, i) => ({ ...one, correct: task.correct(exercises[i]!, one.text) }))
  }
  const problems = task.test(TRIED.problems, seed)
  const tried = await put(
    problems.flatMap((one) => Array<Exercise>(TRIED.times).fill(one)),
    seed,
  )
  const rightOf = (i: number) => tried.slice(i * TRIED.times, (i + 1) * TRIED.times).filter((a) => a.correct).length
  const distance = (i: number) => Math.abs(rightOf(i) / TRIED.times - 0.5)
  const chosen = [...problems.keys()].reduce((best, i) => (distance(i) < distance(best) ? i : best), 0)

  const answers = await put(Array<Exercise>(times).fill(problems[chosen]!), seed + 1)
  const right = answers.filter(({ correct }) => correct)
  const wrong = tally(answers.filter(({ correct }) => !correct))
  return {
    exercise: problems[chosen]!,
    times,
    right: right.length,
    outcomes: answers.map(({ correct }) => correct),
    ...wilson(right.length, times),
    rightAnswer: tally(right)[0]?.text,
    wrongAnswer: wrong[0]?.text,
    wrongTimes: wrong[0]?.times ?? 0,
  }
}
