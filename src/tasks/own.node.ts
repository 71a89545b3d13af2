/**
 * A task of the user's own: one TypeScript or JavaScript file that exports
 *
 *   prompts   texts, or `{prompt, answer?, solution?}`
 *   reward    (exercise, completion) → a number, 1 for as good as it gets
 *   correct   optional, (exercise, completion) → boolean; without it an answer is right when its reward is at least 1
 *   name      optional; without it, the file's name
 *
 * A fifth of the prompts, by a hash of their text, are never practised: they are the examination. A reward that throws or is no
 * finite number counts as none (NaN): whoever practises skips that answer and says so.
 */
import { basename, extname } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { UserError } from '../run/errors.ts'
import { random } from '../tensor/random.ts'
import type { Exercise, Language, Task } from './task.ts'
import { isHeldOut } from './task.ts'

const HELD_OUT = 0.2

const moduleSchema = z.object({
  name: z.string().min(1).optional(),
  prompts: z
    .array(
      z.union([
        z.string().min(1),
        z.strictObject({ prompt: z.string().min(1), answer: z.string().optional(), solution: z.string().optional() }),
      ]),
    )
    .min(2),
  reward: z.custom<Task['reward']>(
    (value) => typeof value === 'function',
    'expected a function (exercise, completion) → number',
  ),
  correct: z.custom<Task['correct']>((value) => typeof value === 'function', 'expected a function').optional(),
})

/** Runs the file and makes a task of what it exports. Throws a UserError naming the file and the export that is missing or wrong. */
export async function ownTask(file: string, language: Language): Promise<Task> {
  const refuse = (en: string, zh: string, cause?: unknown) =>
    new UserError(`${file}: ${en}`, `${file}：${zh}`, { cause })
  const loaded: unknown = await import(pathToFileURL(file).href).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error)
    throw refuse(`cannot be run: ${reason}`, `运行不了：${reason}`, error)
  })
  const parsed = moduleSchema.safeParse(loaded)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const at = issue!.path.join('.')
    throw refuse(`export "${at}": ${issue!.message}`, `导出的 “${at}” 不对：${issue!.message}`)
  }
  const { prompts, reward, correct, name = basename(file, extname(file)) } = parsed.data
  const exercises = new Map<string, Exercise>()
  for (const one of prompts) {
    const { prompt, answer = '', solution = answer } = typeof one === 'string' ? { prompt: one } : one
    exercises.set(prompt, { id: prompt, prompt, answer, solution })
  }
  const half = (isTest: boolean) => [...exercises.values()].filter(({ id }) => isHeldOut(id, HELD_OUT) === isTest)
  const [training, test] = [half(false), half(true)]
  if (training.length === 0 || test.length === 0)
    throw refuse(
      `${exercises.size} different prompts are too few: a fifth of them, by a hash, is kept for the examination`,
      `只有 ${exercises.size} 个不同的题目，太少了：其中约五分之一（按哈希划分）要留作考题`,
    )
  const judge = (exercise: Exercise, completion: string): number => {
    try {
      const value: unknown = reward(exercise, completion)
      return typeof value === 'number' && Number.isFinite(value) ? value : NaN
    } catch {
      return NaN
    }
  }
  return {
    name,
    languages: [language],
    train: (count, seed) => draw(training, count, seed),
    test(count, seed) {
      if (count > test.length) throw new RangeError(`${count} exercises asked for, ${test.length} are held back`)
      return draw(test, count, seed)
    },
    reward: judge,
    correct(exercise, completion) {
      if (!correct) return judge(exercise, completion) >= 1
      try {
        return correct(exercise, completion) === true
      } catch {
        return false
      }
    },
  }
}

/** All of them in a random order, again and again. */
function draw(from: readonly Exercise[], count: number, seed: number): Exercise[] {
  const drawn: Exercise[] = []
  for (let round = 0; drawn.length < count; round++) drawn.push(...random(seed, 'own task', round).shuffle([...from]))
  return drawn.slice(0, count)
}
