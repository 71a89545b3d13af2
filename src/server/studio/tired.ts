/** The tired model (`lessons/randomness.ts`) of a run: the exercise it practised, a hundred times, on the page. Base models do not answer yet. */
import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { z } from 'zod'
import { type Run, runFiles, UserError } from '../../run/index.ts'
import { type Task, taskSchema } from '../../tasks/index.ts'
import { openTask } from '../../tasks/open.node.ts'
import { modelFolder } from './artifacts.ts'
import type { Talker } from './talk.ts'

const outline = z.object({ stages: z.array(z.looseObject({ tasks: z.array(z.looseObject({})).optional() })) })
const SUMS = { name: 'arithmetic', digits: 2, operations: ['+'] } as const

export async function tiredOf(run: Run, id: string, talker: Talker, options: { times: number; seed: number }) {
  const model = modelFolder(run, id)
  if (model.kind === 'pretrain')
    throw new UserError(
      'a base model does not answer yet: choose a model that studied examples',
      '基座模型还不会答话：请选一个看过例题的模型',
    )
  return talker.tired(model, await exerciseOf(run), options)
}

/** The first task of the recipe that has right answers; two-digit sums where there is none. */
async function exerciseOf(run: Run): Promise<Task> {
  const { stages } = outline.parse(parse(await readFile(runFiles(run.folder).recipe, 'utf8')))
  const specs = stages.flatMap(({ tasks }) => tasks ?? []).map(({ task }) => taskSchema.safeParse(task).data)
  const spec = specs.find((one) => one !== undefined) ?? taskSchema.parse(SUMS)
  return (await openTask(spec, run.language)).task
}
