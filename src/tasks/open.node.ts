/** Opens any task that a recipe can name, those that read a file included. */
import type { Language, Task, TaskSpec } from './index.ts'
import { makeTask } from './index.ts'
import { mawps } from './mawps.ts'
import type { RejectedRow } from './mawps.ts'
import { loadMawpsRows } from './mawps.node.ts'
import { ownTask } from './own.node.ts'

/** `rejected` lists rows of the file that no exercise could be made of. MAWPS is English whatever `language` says. */
export async function openTask(spec: TaskSpec, language: Language): Promise<{ task: Task; rejected: RejectedRow[] }> {
  if (spec.name === 'own') return { task: await ownTask(spec.file, language), rejected: [] }
  if (spec.name !== 'mawps') return { task: makeTask(spec, language), rejected: [] }
  const { rows, rejected } = await loadMawpsRows(spec.file)
  const { task, rejected: unusable } = mawps(rows, spec)
  return { task, rejected: [...rejected, ...unusable] }
}
