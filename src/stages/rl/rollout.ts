/**
 * One step's experience: exercises drawn from the tasks, a group of sampled answers to each, and their rewards. Everything is a pure function
 * of weights, seed and step. Sampled ids are kept as they are and go into training without being decoded (token in, token out).
 */
import type { Session } from '../../generate/index.ts'
import type { Model } from '../../nn/index.ts'
import { UserError } from '../../run/index.ts'
import type { Exercise, RewardParts, Task } from '../../tasks/index.ts'
import { random } from '../../tensor/index.ts'
import { ask, type Asked, type Manner } from '../ask.ts'
import { mean } from '../statistics.ts'
import type { AlgorithmNumbers } from './algorithms.ts'
import type { Curriculum } from './curriculum.ts'
import { shapeLength, shuffleCredit } from './credit.ts'

export interface WeightedTask {
  task: Task
  weight: number
}

export interface Draw {
  task: Task
  exercise: Exercise
}

export interface Answer {
  asked: Asked
  /** What the answer is truly worth (the task says), and what training is told: a reward model's judgement, shuffled rewards, or the same. */
  reward: number
  credit: number
  correct: boolean
  /** What the reward is made of, where the task tells. */
  parts?: RewardParts
  /** Of the credit, what the answer's length took off it (0 or less). */
  overlong?: number
  /** log p − log p under the reference model, of each token; and what all that costs. Where KL counts in the reward. */
  divergence?: Float32Array
  charge?: number
  advantage: number
  /** Of each token, where a critic gave them; `advantage` is their mean. */
  advantages?: Float32Array
}

/** All answers to one exercise. */
export interface Group extends Draw {
  answers: Answer[]
  /** False when every answer earned the same: nothing to learn from. */
  kept: boolean
}

export interface RolloutOptions {
  promptsPerStep: number
  groupSize: number
  maxTokens: number
  rewardFrom: 'task' | 'shuffled'
}

/** Where in a run a rollout stands. The first `round` of a step is 0; others replace groups that taught nothing. */
export interface RolloutPlace {
  seed: number
  step: number
  round?: number
}

/**
 * The exercises of a step; those that `fits` refuses are passed over. A curriculum chooses among more than are needed, and between tasks. Throws
 * a UserError when a task has hardly any that fit.
 */
export function drawStep(
  tasks: readonly WeightedTask[],
  count: number,
  { seed, step, round = 0 }: RolloutPlace,
  fits: (exercise: Exercise) => boolean,
  curriculum?: Curriculum,
): Draw[] {
  const again = round > 0 ? ` again ${round}` : ''
  const choose = random(seed, `tasks of a step${again}`, step)
  const weights = tasks.map(({ task, weight }) => weight * (curriculum?.weightOfTask(task) ?? 1))
  const total = weights.reduce((a, b) => a + b, 0)
  const counts = tasks.map(() => 0)
  for (let i = 0; i < count; i++) {
    let at = choose.uniform() * total
    const chosen = weights.findIndex((weight) => (at -= weight) < 0)
    counts[chosen < 0 ? tasks.length - 1 : chosen]!++
  }
  return tasks.flatMap(({ task }, i) => {
    const r = random(seed, `exercises ${i}${again}`, step)
    const wanted = counts[i]! * (curriculum ? CHOICE : 1)
    const found = drawFrom(task, wanted, r.bits(), fits)
    return (curriculum?.choose(task, found, counts[i]!, r) ?? found).map((exercise) => ({ task, exercise }))
  })
}

/** Exercises that a curriculum chooses one from. */
const CHOICE = 4

function drawFrom(task: Task, count: number, seed: number, fits: (exercise: Exercise) => boolean): Exercise[] {
  for (let drawn = count; drawn <= count * 64; drawn *= 4) {
    const found = task.train(drawn, seed).filter(fits)
    if (found.length >= count) return found.slice(0, count)
  }
  throw new UserError(
    `hardly any exercise of ${task.name} fits into a row with its answer: raise time, or lower maxTokens`,
    `${task.name} 的题目加上答案几乎都放不进一行：请调大 time，或调小 maxTokens`,
  )
}

/** Rewards of whole texts, prompt and answer, as ids. */
export type Judge = (texts: number[][]) => Promise<number[]>

/** Samples a group of answers to each exercise and judges them; `judge` gives the credit where there is one. Nobody has an advantage yet. */
export async function rollOut(
  model: Model,
  manner: Manner,
  draws: readonly Draw[],
  options: RolloutOptions & Pick<AlgorithmNumbers, 'overlongPenalty' | 'overlongShare'>,
  at: RolloutPlace & { session?: Session; judge?: Judge },
): Promise<Group[]> {
  const { groupSize, maxTokens } = options
  const questions = draws.flatMap(({ exercise }) => Array<string>(groupSize).fill(exercise.prompt))
  const seed = random(at.seed, at.round ? `answers again ${at.round}` : 'answers', at.step).bits()
  const asked = await ask(model, manner, questions, { maxTokens, temperature: 1, seed, session: at.session })
  const judged = await at.judge?.(asked.map(({ prompt, ids }) => [...prompt, ...ids]))
  const groups = draws.map(({ task, exercise }, i): Group => {
    const answers = asked.slice(i * groupSize, (i + 1) * groupSize).map((one, j): Answer => {
      const reward = task.reward(exercise, one.text)
      const parts = task.parts?.(exercise, one.text)
      const credit = judged?.[i * groupSize + j] ?? reward
      const correct = task.correct(exercise, one.text)
      return { asked: one, reward, credit, correct, ...(parts ? { parts } : {}), advantage: 0 }
    })
    return { task, exercise, answers, kept: true }
  })
  return shapeLength(options.rewardFrom === 'shuffled' ? shuffleCredit(groups, at) : groups, options)
}

/** What a step's answers were like. Shares lie in 0 … 1. */
export function summarize(groups: readonly Group[]) {
  const answers = groups.flatMap((group) => group.answers)
  return {
    reward: mean(answers.map(({ reward }) => reward).filter(Number.isFinite)),
    credit: mean(answers.map(({ credit }) => credit).filter(Number.isFinite)),
    /** Answers whose reward was no number. */
    unjudged: answers.filter(({ reward }) => !Number.isFinite(reward)).length,
    correct: mean(answers.map(({ correct }) => Number(correct))),
    /** Means of the parts of rewards, by name, of the answers whose task tells them. */
    parts: partMeans(answers),
    /** What length took off an answer's credit, on average; undefined where it costs nothing. */
    overlong: meanOf(answers.flatMap(({ overlong }) => overlong ?? [])),
    /** KL to the reference model, k1, nats a token; where it counts in the reward. */
    divergence: meanOf(answers.flatMap(({ divergence }) => (divergence ? [...divergence] : []))),
    length: mean(answers.map(({ asked }) => asked.ids.length)),
    truncated: mean(answers.map(({ asked }) => Number(asked.finish === 'length'))),
    skipped: mean(groups.map(({ kept }) => Number(!kept))),
    /** Sampled tokens together. */
    tokens: answers.reduce((sum, { asked }) => sum + asked.ids.length, 0),
  }
}

const meanOf = (values: readonly number[]) => (values.length > 0 ? mean(values) : undefined)

function partMeans(answers: readonly Answer[]): Partial<RewardParts> {
  const told = answers.flatMap(({ parts }) => parts ?? [])
  if (told.length === 0) return {}
  return { format: mean(told.map(({ format }) => format)), answer: mean(told.map(({ answer }) => answer)) }
}
