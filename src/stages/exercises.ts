/**
 * How well a model does the exercises of a task, on problems that training never shows: the share of right answers when it
 * always takes the likeliest token, and pass@k over sampled answers. The problems depend on the task and the seed alone, so
 * every stage of a run and every control sits the same examination.
 */
import type { Model } from '../nn/index.ts'
import type { Exercise, Task } from '../tasks/index.ts'
import { random } from '../tensor/index.ts'
import type { Tokenizer } from '../tokenizer/index.ts'
import { ask, inChat, type Manner } from './ask.ts'
import { type Interval, mean, meanInterval, passAtK, wilson } from './statistics.ts'

export interface ExerciseOptions {
  /** Problems; fewer when the task holds back fewer. */
  count: number
  seed: number
  /** Of an answer. */
  maxTokens: number
  /** Sampled answers a problem, for pass@k. */
  samples?: number
  k?: readonly number[]
  temperature?: number
  /** How the model is asked; default: in its chat template. */
  manner?: Manner
}

export interface ExerciseScore extends Interval {
  problems: number
  /** Share of problems answered rightly, with its 95 % interval. */
  accuracy: number
  passAt: Record<number, Interval & { value: number }>
  /** Tokens of an answer, and the share of answers that were cut off. */
  meanLength: number
  truncated: number
  /** Of open writing: what the answers are worth, on average. */
  reward: (Interval & { value: number }) | null
  /** What was answered, each problem once. */
  answers: { prompt: string; expected: string; text: string; correct: boolean; reward: number }[]
}

export async function evaluateExercises(
  model: Model,
  tokenizer: Tokenizer,
  task: Task,
  options: ExerciseOptions,
): Promise<ExerciseScore> {
  const { maxTokens, k = [], temperature = 1, manner = inChat(tokenizer) } = options
  const samples = Math.max(options.samples ?? 0, ...k)
  const exercises = heldOutExercises(task, options.count, options.seed)
  const prompts = exercises.map(({ prompt }) => prompt)
  const greedy = await ask(model, manner, prompts, { maxTokens, temperature: 0 })
  const answers = exercises.map((exercise, i) => {
    const { text } = greedy[i]!
    const judged = { correct: task.correct(exercise, text), reward: task.reward(exercise, text) }
    return { prompt: exercise.prompt, expected: exercise.answer, text, ...judged }
  })
  const correct = answers.filter((answer) => answer.correct).length
  const seed = random(options.seed, `samples ${task.name}`).bits()
  const repeated = exercises.flatMap((exercise) => Array<Exercise>(samples).fill(exercise))
  const sampled = await ask(
    model,
    manner,
    repeated.map(({ prompt }) => prompt),
    { maxTokens, temperature, seed },
  )
  const right = sampled.map(({ text }, i) => task.correct(repeated[i]!, text))
  const passAt = k.map((k) => {
    const each = exercises.map((_, i) => {
      const c = right.slice(i * samples, (i + 1) * samples).filter(Boolean).length
      return passAtK(samples, c, k)
    })
    const value = mean(each)
    return [k, { value, ...wilson(value * each.length, each.length) }] as const
  })
  return {
    problems: exercises.length,
    accuracy: correct / exercises.length,
    ...wilson(correct, exercises.length),
    passAt: Object.fromEntries(passAt),
    meanLength: mean(greedy.map(({ ids }) => ids.length)),
    reward: task.isOpen ? meanInterval(answers.map(({ reward }) => reward)) : null,
    truncated: greedy.filter(({ finish }) => finish === 'length').length / exercises.length,
    answers,
  }
}

/** `count` different problems of the test half, or as many as the task can find. Throws when it finds none. */
export function heldOutExercises(task: Task, count: number, seed: number): Exercise[] {
  const attempt = (n: number) => {
    try {
      return task.test(n, seed)
    } catch (error) {
      if (error instanceof RangeError) return undefined
      throw error
    }
  }
  const all = attempt(count)
  if (all) return all
  let found = task.test(1, seed)
  for (let missing = count; missing - found.length > 1;) {
    const middle = Math.floor((found.length + missing) / 2)
    const more = attempt(middle)
    if (more) found = more
    else missing = middle
  }
  return found
}
