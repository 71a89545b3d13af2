/**
 * Dialogues to study, from where a recipe says they come: a file (JSONL or a JSON array of rows, in any shape of
 * `dialogue-shapes.ts`; CSV with a column of `A: …` / `B: …` lines), the embedded world, exercises with their worked
 * solutions, or an earlier stage. Every source gives the same: lists of messages.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { readCsv, readJsonArray, readJsonl } from '../formats/index.ts'
import { dataFile } from '../run/schema.ts'
import { UserError } from '../run/index.ts'
import { taskSchema } from '../tasks/index.ts'
import { openTask } from '../tasks/open.node.ts'
import type { Message } from '../tokenizer/index.ts'
import { makeDialogues, makeEssays, makeWorld } from '../world/index.ts'
import { dialogueOf, fromSpeakers } from './dialogue-shapes.ts'
import type { Earlier, Language } from './stage.ts'

const count = z.number().int().positive()

export const dialogueSource = z.union([
  z.strictObject({
    file: dataFile().describe('JSONL or JSON (messages, conversations, instruction/output …), or CSV'),
    column: z.string().optional().describe('CSV: the column that holds a dialogue, one "speaker: words" a line'),
    count: count.optional().describe('how many dialogues at most'),
  }),
  z.strictObject({ world: z.literal('dialogues'), count }),
  z.strictObject({
    world: z.literal('essays'),
    teacher: z.enum(['good', 'sloppy']).describe('sloppy: each of four faults in a quarter of the essays'),
    count,
  }),
  z.strictObject({ task: taskSchema, count }),
  z.strictObject({
    stage: z.string().describe('an earlier stage that wrote dialogues: rejection-sampling'),
    count: count.optional().describe('how many dialogues at most'),
  }),
])
export type DialogueSource = z.infer<typeof dialogueSource>

/** Where a stage that makes dialogues puts them, in its folder. */
export const DIALOGUES = 'dialogues.jsonl'
/** The kinds of such stages. */
export const DIALOGUE_KINDS: readonly string[] = ['rejection-sampling']

/** A line that no dialogue could be made of. */
export interface Defect {
  source: string
  line: number
  detail: string
}

/** All dialogues of a source. Defects of files are handed to `reject`. */
export async function readDialogues(
  source: DialogueSource,
  { language, seed, earlier = [] }: { language: Language; seed: number; earlier?: readonly Earlier[] },
  reject: (defect: Defect) => void,
): Promise<Message[][]> {
  if ('world' in source) {
    const world = makeWorld({ language, seed })
    if (source.world === 'dialogues') return makeDialogues(world, { count: source.count, seed })
    return makeEssays(world, { ...source, seed })
  }
  if ('task' in source) {
    const { task, rejected } = await openTask(source.task, language)
    for (const { line, reason, source: file = task.name } of rejected) reject({ source: file, line, detail: reason })
    return task.train(source.count, seed).map(({ prompt, solution }) => [
      { role: 'user', content: prompt },
      { role: 'assistant', content: solution },
    ])
  }
  if ('stage' in source) {
    const found = earlier.find(({ name }) => name === source.stage)
    if (!found) throw new UserError(`no stage "${source.stage}" is done`, `阶段“${source.stage}”还没有完成`)
    return (await fromRows(join(found.folder, DIALOGUES), reject)).slice(0, source.count)
  }
  const dialogues = source.file.endsWith('.csv')
    ? await fromCsv(source.file, source.column, reject)
    : await fromRows(source.file, reject)
  return dialogues.slice(0, source.count)
}

/** A file of rows; of a JSON array, a defect's line is the number of its row. */
async function fromRows(file: string, reject: (defect: Defect) => void): Promise<Message[][]> {
  const dialogues: Message[][] = []
  for await (const row of await readRows(file)) {
    const read = 'defect' in row ? row : dialogueOf(row.value)
    if ('defect' in read) reject({ source: file, line: row.line, detail: read.defect })
    else dialogues.push(read)
  }
  return dialogues
}

/** The rows of a JSON Lines file, or of a .json file that is one array. */
export async function readRows(file: string) {
  if (!file.endsWith('.json')) return readJsonl(file)
  try {
    return (await readJsonArray(file)).map((value, i) => ({ line: i + 1, value }))
  } catch (error) {
    const { message } = error as Error
    throw new UserError(`${file}: ${message}`, `${file}：${message}`, { cause: error })
  }
}

async function fromCsv(
  file: string,
  column: string | undefined,
  reject: (defect: Defect) => void,
): Promise<Message[][]> {
  const dialogues: Message[][] = []
  for await (const row of readCsv(file)) {
    if ('defect' in row) {
      reject({ source: file, line: row.line, detail: row.defect })
      continue
    }
    const columns = Object.keys(row.row)
    const name = column ?? columns.at(-1)!
    const text = row.row[name]
    if (text === undefined)
      throw new UserError(
        `${file} has no column "${name}"; it has: ${columns.join(', ')}`,
        `${file} 里没有“${name}”这一列；现有的列：${columns.join('、')}`,
      )
    const messages = fromSpeakers(text)
    if (messages.length >= 2) dialogues.push(messages)
    else reject({ source: file, line: row.line, detail: 'fewer than two turns of the form "speaker: words"' })
  }
  return dialogues
}
