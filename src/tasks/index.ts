/**
 * Exercises with checkable answers: one file per task, and here the schema by which a recipe names one.
 *
 * `makeTask` needs no file system; word problems, multiple choice and tasks of the user's own come from files, which `openTask` in `open.node.ts` reads.
 */
import { z } from 'zod'
import { dataFile } from '../run/schema.ts'
import { arithmetic } from './arithmetic.ts'
import { countdown } from './countdown.ts'
import type { Language, Task } from './task.ts'

export type { Exercise, Language, RewardParts, Task } from './task.ts'
export { finalAnswer, finalLine, FORMAT_REWARD } from './task.ts'
export { arithmetic, arithmeticExercise, arithmeticSteps } from './arithmetic.ts'
export { countdown } from './countdown.ts'
export { mawps } from './mawps.ts'

const arithmeticSchema = z.strictObject({
  name: z.literal('arithmetic'),
  digits: z.int().min(1).max(5).default(2),
  operations: z
    .array(z.enum(['+', '-']))
    .min(1)
    .default(['+']),
  solutions: z
    .enum(['worked', 'as-asked'])
    .optional()
    .describe(
      'worked (default): always with the steps; as-asked: a short question is mostly answered in short, as people do',
    ),
})

const countdownSchema = z.strictObject({
  name: z.literal('countdown'),
  count: z.int().min(2).max(4).default(2).describe('how many numbers are given'),
  largest: z.int().min(2).max(99_999).default(20),
  largestTarget: z.int().min(1).default(400),
  solutions: z
    .enum(['direct', 'search'])
    .optional()
    .describe('direct (default): the way to the target; search: with wrong tries, noticed and taken back'),
})

const mawpsSchema = z.strictObject({
  name: z.literal('mawps'),
  file: dataFile(),
  fresh: z.boolean().default(false).describe('train on the stories with other numbers each time'),
})

const files = () =>
  z
    .union([dataFile(), z.array(dataFile()).min(1)])
    .describe('a file of JSON lines or of one JSON array, or several that make one pool')

const gsm8kSchema = z.strictObject({
  name: z.literal('gsm8k'),
  file: files(),
  solutions: z
    .enum(['prose', 'sums'])
    .optional()
    .describe('what is studied: the worked answer as written (default), or its annotated sums alone'),
})

const ape210kSchema = z.strictObject({ name: z.literal('ape210k'), file: files() })

const talSchema = z.strictObject({ name: z.literal('tal'), file: files() })

const ownSchema = z.strictObject({
  name: z.literal('own'),
  file: dataFile().describe(
    'a TypeScript or JavaScript file that exports prompts and reward: see src/tasks/own.node.ts',
  ),
})

/** What a recipe writes under `task:`. */
export const taskSchema = z.discriminatedUnion('name', [
  arithmeticSchema,
  countdownSchema,
  mawpsSchema,
  gsm8kSchema,
  ape210kSchema,
  talSchema,
  ownSchema,
])
export type TaskSpec = z.infer<typeof taskSchema>

/** The generated tasks, by name. */
export function makeTask(spec: Exclude<TaskSpec, { file: unknown }>, language: Language): Task {
  return spec.name === 'arithmetic' ? arithmetic({ ...spec, language }) : countdown({ ...spec, language })
}
