/**
 * A curriculum by measured success. An exercise that is always or never solved teaches nothing; the variance of right and wrong, p·(1 − p), says how much
 * there is to learn ("Learning to reason at the frontier of learnability", Foster et al., 2025). p is the share of right answers to that exercise so
 * far, or, before it has been tried, to its task. Exercises are drawn with that weight, never with none, so that what was hard is tried again.
 */
import type { Exercise, Task } from '../../tasks/index.ts'
import type { Random } from '../../tensor/index.ts'
import { mean } from '../statistics.ts'
import type { Group } from './rollout.ts'

/** JSON, as a checkpoint keeps it. Shares of right answers, by the task's name and by its exercise's id. */
export interface CurriculumState {
  tasks: Record<string, number>
  exercises: [key: string, share: number][]
}

export interface Curriculum {
  weightOfTask(task: Task): number
  /** `count` of the exercises, those more often from which there is more to learn. */
  choose(task: Task, exercises: readonly Exercise[], count: number, r: Random): Exercise[]
  /** Takes note of what was solved. */
  learn(groups: readonly Group[]): void
  state(): CurriculumState
}

/** Weight of an exercise that is always or never solved, against 0.25 of one that is solved half of the time. */
const FLOOR = 0.02
/** Of an exercise, what it has just shown counts for so much; of a task, a step does. */
const NEWS = { exercise: 0.5, task: 0.1 }
/** Exercises remembered; a task that makes new ones every time would fill the memory otherwise. */
const REMEMBERED = 10_000

export function createCurriculum(before?: CurriculumState): Curriculum {
  const tasks = new Map(Object.entries(before?.tasks ?? {}))
  const exercises = new Map(before?.exercises)
  const keyOf = (task: Task, { id }: Exercise) => `${task.name} ${id}`
  const worth = (share: number) => share * (1 - share) + FLOOR
  const blend = (old: number | undefined, now: number, news: number) => (old ?? now) * (1 - news) + now * news
  const shareOf = (task: Task, exercise: Exercise) =>
    exercises.get(keyOf(task, exercise)) ?? tasks.get(task.name) ?? 0.5
  return {
    weightOfTask: ({ name }) => worth(tasks.get(name) ?? 0.5),
    choose(task, from, count, r) {
      // Weighted sampling without replacement: the largest u^(1/w) (Efraimidis and Spirakis, 2006).
      const keyed = from.map((exercise) => ({ exercise, key: r.uniform() ** (1 / worth(shareOf(task, exercise))) }))
      return keyed
        .sort((a, b) => b.key - a.key)
        .slice(0, count)
        .map(({ exercise }) => exercise)
    },
    learn(groups) {
      const shares = groups.map(({ answers }) => mean(answers.map(({ correct }) => Number(correct))))
      for (const name of new Set(groups.map(({ task }) => task.name))) {
        const own = shares.filter((_, i) => groups[i]!.task.name === name)
        tasks.set(name, blend(tasks.get(name), mean(own), NEWS.task))
      }
      groups.forEach(({ task, exercise }, i) => {
        const key = keyOf(task, exercise)
        const share = blend(exercises.get(key), shares[i]!, NEWS.exercise)
        exercises.delete(key) // to the end: the one tried longest ago is forgotten first
        exercises.set(key, share)
      })
      for (const key of exercises.keys()) {
        if (exercises.size <= REMEMBERED) break
        exercises.delete(key)
      }
    },
    state: () => ({ tasks: Object.fromEntries(tasks), exercises: [...exercises] }),
  }
}
