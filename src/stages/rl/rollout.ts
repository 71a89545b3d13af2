/**
 * One step's experience: exercises drawn from the tasks, a group of sampled answers to each, their rewards, and what each
 * answer earned against its group (GRPO: Shao et al., "DeepSeekMath", 2024). Everything is a pure function of weights, seed
 * and step. Sampled ids are kept as they are and go into training without being decoded (token in, token out).
 */
import type { Session } from '../../generate/index.ts'
import type { Model } from '../../nn/index.ts'
import { UserError } from '../../run/index.ts'
import type { Exercise, Task } from '../../tasks/index.ts'
import { random } from '../../tensor/index.ts'
import { ask, type Asked, type Manner } from '../ask.ts'
import { deviation, mean } from '../statistics.ts'

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
  advantage: number
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
  advantage: 'mean' | 'mean-std'
  rewardFrom: 'task' | 'shuffled'
}

/** The exercises of a step; those that `fits` refuses are passed over. Throws a UserError when a task has hardly others. */
export function drawStep(
  tasks: readonly WeightedTask[],
  count: number,
  seed: number,
  step: number,
  fits: (exercise: Exercise) => boolean,
): Draw[] {
  const choose = random(seed, 'tasks of a step', step)
  const total = tasks.reduce((sum, { weight }) => sum + weight, 0)
  const counts = tasks.map(() => 0)
  for (let i = 0; i < count; i++) {
    let at = choose.uniform() * total
    const chosen = tasks.findIndex(({ weight }) => (at -= weight) < 0)
    counts[chosen < 0 ? tasks.length - 1 : chosen]!++
  }
  return tasks.flatMap(({ task }, i) =>
    drawFrom(task, counts[i]!, random(seed, `exercises ${i}`, step).bits(), fits).map((exercise) => ({
      task,
      exercise,
    })),
  )
}

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

/** Samples a group of answers to each exercise and judges them; `judge` gives the credit where there is one. */
export async function rollOut(
  model: Model,
  manner: Manner,
  draws: readonly Draw[],
  options: RolloutOptions,
  at: { seed: number; step: number; session?: Session; judge?: Judge },
): Promise<Group[]> {
  const { groupSize, maxTokens } = options
  const questions = draws.flatMap(({ exercise }) => Array<string>(groupSize).fill(exercise.prompt))
  const seed = random(at.seed, 'answers', at.step).bits()
  const asked = await ask(model, manner, questions, { maxTokens, temperature: 1, seed, session: at.session })
  const judged = await at.judge?.(asked.map(({ prompt, ids }) => [...prompt, ...ids]))
  const groups = draws.map(({ task, exercise }, i): Group => {
    const answers = asked.slice(i * groupSize, (i + 1) * groupSize).map((one, j): Answer => {
      const reward = task.reward(exercise, one.text)
      const credit = judged?.[i * groupSize + j] ?? reward
      return { asked: one, reward, credit, correct: task.correct(exercise, one.text), advantage: 0 }
    })
    return { task, exercise, answers, kept: true }
  })
  return giveAdvantages(options.rewardFrom === 'shuffled' ? shuffleCredit(groups, at) : groups, options.advantage)
}

/** The control: every credit of the step goes to an answer picked at random. */
export function shuffleCredit(groups: readonly Group[], { seed, step }: { seed: number; step: number }): Group[] {
  const credits = groups.flatMap(({ answers }) => answers.map(({ credit }) => credit))
  const shuffled = random(seed, 'shuffled rewards', step).shuffle(credits)
  let next = 0
  return groups.map((group) => ({
    ...group,
    answers: group.answers.map((answer) => ({ ...answer, credit: shuffled[next++]! })),
  }))
}

/**
 * Credit minus its mean over the group; 'mean-std' divides by the group's deviation as GRPO does, which weighs easy and hard
 * exercises more ("Understanding R1-Zero-like training", Liu et al., 2025: Dr. GRPO, the default here). Answers that nobody could
 * judge (NaN) earn nothing and do not count.
 */
export function giveAdvantages(groups: readonly Group[], advantage: RolloutOptions['advantage']): Group[] {
  return groups.map((group) => {
    const credits = group.answers.map(({ credit }) => credit).filter(Number.isFinite)
    const kept = credits.some((credit) => credit !== credits[0])
    const center = mean(credits)
    const scale = kept && advantage === 'mean-std' ? deviation(credits) : 1
    const of = ({ credit }: Answer) => (kept && Number.isFinite(credit) ? (credit - center) / scale : 0)
    const answers = group.answers.map((a) => ({ ...a, advantage: of(a) }))
    return { ...group, answers, kept }
  })
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
    length: mean(answers.map(({ asked }) => asked.ids.length)),
    truncated: mean(answers.map(({ asked }) => Number(asked.finish === 'length'))),
    skipped: mean(groups.map(({ kept }) => Number(!kept))),
    /** Sampled tokens together. */
    tokens: answers.reduce((sum, { asked }) => sum + asked.ids.length, 0),
  }
}
