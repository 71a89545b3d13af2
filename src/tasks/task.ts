/**
 * What an exercise with a checkable answer is, and the contract every task keeps.
 *
 * A task makes exercises for two disjoint halves: `train` (worked solutions for SFT, prompts for RL) and `test`. The halves are
 * split by a hash of the problem itself, never by position, so no count and no seed can move a problem from one to the other.
 * Rewards are pure functions of text that a model wrote, so they read hostile input: only the end of a completion is looked at,
 * numbers are ASCII, and nothing is ever evaluated by JavaScript.
 */
import { random } from '../tensor/random.ts'

export type Language = 'zh' | 'en'

export interface Exercise {
  /** The problem in canonical form; equal ids are the same problem whatever its wording. */
  id: string
  prompt: string
  /** The value that is compared, without wording. */
  answer: string
  /** A full worked answer, ending in the final line that `finalAnswer` reads. */
  solution: string
}

export interface Task {
  name: string
  languages: readonly Language[]
  /** Open writing: the reward is any number, the worth of a text to its readers, and there is no one right answer. */
  isOpen?: true
  /** Exercises to learn from; may repeat when `count` exceeds what exists. */
  train(count: number, seed: number): Exercise[]
  /** Distinct exercises never returned by `train`. Throws RangeError when there are fewer than `count`. */
  test(count: number, seed: number): Exercise[]
  /**
   * Unless `isOpen`, 0 to 1: 1 when correct, 0.1 when a final line of the right form holds a wrong answer (as TinyZero), else 0. NaN
   * when it cannot be told, which only a task of the user's own does.
   */
  reward(exercise: Exercise, completion: string): number
  /** What the reward is made of, where it has parts. They add up to it. */
  parts?(exercise: Exercise, completion: string): RewardParts
  correct(exercise: Exercise, completion: string): boolean
}

/** What a final line of the right form earns, and what the right answer in it earns besides. */
export interface RewardParts {
  format: number
  answer: number
}

/** Reward of a well-formed but wrong answer: TinyZero's countdown reward. */
export const FORMAT_REWARD = 0.1

/** The rewards of a task whose answers are right or wrong. `isWellFormed` is asked only about answers that are not right. */
export function checkable(
  correct: Task['correct'],
  isWellFormed: (completion: string, exercise: Exercise) => boolean,
): Pick<Task, 'correct' | 'parts' | 'reward'> {
  const parts = (exercise: Exercise, completion: string): RewardParts => {
    if (correct(exercise, completion)) return { format: FORMAT_REWARD, answer: 1 - FORMAT_REWARD }
    return { format: isWellFormed(completion, exercise) ? FORMAT_REWARD : 0, answer: 0 }
  }
  return {
    correct,
    parts,
    reward(exercise, completion) {
      const { format, answer } = parts(exercise, completion)
      return format + answer
    },
  }
}

/** True for the share of ids that `test` owns. */
export function isHeldOut(id: string, share: number): boolean {
  return random(0, `held-out ${id}`).uniform() < share
}

const LONGEST_LINE = 200

/** `答案：57` or `Answer: 57`. */
export function finalLine(answer: string, language: Language): string {
  return language === 'zh' ? `答案：${answer}` : `Answer: ${answer}`
}

/**
 * What the last non-empty line states, or undefined when that line is not `Answer: …`.
 *
 * Only the last line counts, so listing many answers earns nothing. A trailing full stop is forgiven. A last line over 200
 * characters states nothing.
 */
export function finalAnswer(completion: string, language: Language): string | undefined {
  const line = completion.slice(-LONGEST_LINE).trimEnd().split('\n').at(-1)!
  const start = completion.trimEnd().length - line.length
  if (start > 0 && completion[start - 1] !== '\n') return undefined // the line is longer than what was read
  const prefix = language === 'zh' ? /^答案[：:] ?/ : /^Answer: ?/
  const match = prefix.exec(line)
  if (!match) return undefined
  const value = line
    .slice(match[0].length)
    .replace(/[.。]$/, '')
    .trim()
  return value === '' ? undefined : value
}

/** `count` problems that pass `isWanted`, drawn until found; distinct ids when `distinct`. Throws when they run out. */
export function drawExercises(
  draw: () => Exercise,
  count: number,
  isWanted: (id: string) => boolean,
  distinct: boolean,
): Exercise[] {
  const found: Exercise[] = []
  const seen = new Set<string>()
  let misses = 0
  while (found.length < count) {
    const exercise = draw()
    if (isWanted(exercise.id) && !(distinct && seen.has(exercise.id))) {
      seen.add(exercise.id)
      found.push(exercise)
      misses = 0
    } else if (++misses > 20_000) {
      throw new RangeError(
        `${count} different exercises asked for, only ${found.length} found (the last: ${exercise.id})`,
      )
    }
  }
  return found
}
