/** Opens any task that a recipe can name, those that read files included. */
import { z } from 'zod'
import { ape210k } from './ape210k.ts'
import { gsm8k } from './gsm8k.ts'
import { type Language, makeTask, type Task, type TaskSpec } from './index.ts'
import { mawps } from './mawps.ts'
import { loadMawpsRows } from './mawps.node.ts'
import { ownTask } from './own.node.ts'
import type { NumberedRow, RejectedRow } from './pool.ts'
import { readTaskRows } from './rows.node.ts'
import { tal } from './tal.ts'

interface Opened {
  task: Task
  /** Rows of the files that no exercise could be made of. */
  rejected: RejectedRow[]
}

const rows = {
  gsm8k: z.object({ question: z.string(), answer: z.string() }),
  ape210k: z.object({ original_text: z.string(), equation: z.string(), ans: z.string() }),
  tal: z.object({
    problem: z.string(),
    answer_option_list: z.array(z.array(z.object({ aoVal: z.string(), content: z.string() }))),
    answer_analysis: z.array(z.string()).default([]),
    answer_value: z.string(),
  }),
}

/** Tasks out of files say themselves which language they are in. */
export async function openTask(spec: TaskSpec, language: Language): Promise<Opened> {
  switch (spec.name) {
    case 'own':
      return { task: await ownTask(spec.file, language), rejected: [] }
    case 'mawps':
      return withDefects(await loadMawpsRows(spec.file), (read) => mawps(read, spec))
    case 'gsm8k':
      return withDefects(await readTaskRows([spec.file].flat(), rows.gsm8k), (read) => gsm8k(read, spec))
    case 'ape210k':
      return withDefects(await readTaskRows([spec.file].flat(), rows.ape210k), ape210k)
    case 'tal':
      return withDefects(await readTaskRows([spec.file].flat(), rows.tal), tal)
    default:
      return { task: makeTask(spec, language), rejected: [] }
  }
}

function withDefects<Row>(
  read: { rows: NumberedRow<Row>[]; rejected: RejectedRow[] },
  make: (rows: NumberedRow<Row>[]) => Opened,
): Opened {
  const { task, rejected } = make(read.rows)
  return { task, rejected: [...read.rejected, ...rejected] }
}
