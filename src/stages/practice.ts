/** What a recipe gives to practise and to be examined on: exercises of a task, or open writing about the embedded world. */
import { z } from 'zod'
import { type Task, taskSchema } from '../tasks/index.ts'
import { openTask } from '../tasks/open.node.ts'
import { essays, makeWorld } from '../world/index.ts'
import { reportDefects } from './defects.ts'
import type { Defect } from './dialogues.ts'
import type { StageContext } from './stage.ts'

/** The schema, with `more` keys beside. */
export const practice = <More extends z.core.$ZodLooseShape>(more: More) =>
  z.union([
    z.strictObject({ task: taskSchema, ...more }),
    z.strictObject({
      world: z.literal('essays').describe('essays about people, worth what a simulated reader likes'),
      ...more,
    }),
  ])
const plain = practice({})
export type Practice = z.infer<typeof plain>

/** Opens the tasks that a recipe names. */
export async function openTasks(context: StageContext, practices: readonly Practice[]): Promise<Task[]> {
  const { language, seed } = context
  const tasks: Task[] = []
  const defects: Defect[] = []
  for (const one of practices) {
    if ('world' in one) tasks.push(essays(makeWorld({ language, seed })))
    else {
      const { task, rejected } = await openTask(one.task, language)
      tasks.push(task)
      for (const { line, reason, source = task.name } of rejected) defects.push({ source, line, detail: reason })
    }
  }
  await reportDefects(context, defects)
  return tasks
}
