/**
 * Dialogues to study, from where a recipe says they come: files or a dataset of the Hugging Face Hub (JSONL, a JSON array or Parquet of rows
 * in any shape of `dialogue-shapes.ts`; CSV with a column of `A: …` / `B: …` lines; read as a corpus' sources are), the embedded world, exercises with their worked
 * solutions, or an earlier stage. Every source gives the same: lists of messages.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { readCsv, readJsonArray, readJsonl } from '../formats/index.ts'
import { hubSource, type SourceSpec, tableRows } from '../corpus/index.ts'
import { dataSource } from '../run/schema.ts'
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
    file: dataSource().describe(
      'JSONL, JSON or Parquet (messages, conversations, instruction/output …), or CSV; packed or not; also a glob or an http(s) address',
    ),
    column: z.string().optional().describe('CSV: the column that holds a dialogue, one "speaker: words" a line'),
    count: count.optional().describe('how many dialogues at most'),
  }),
  hubSource.omit({ field: true, filters: true, limit: true, epochs: true, share: true }).extend({
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
  if ('hf' in source) return fromTable({ ...source, ...limited(source.count) }, source, reject)
  // A file of these kinds is called by the name that the recipe gives it.
  if (!/^(?!https?:)[^*?[\]{}]*\.(jsonl|json|csv)$/i.test(source.file))
    return fromTable({ path: source.file }, source, reject)
  const dialogues = source.file.endsWith('.csv')
    ? await fromCsv(source.file, source.column, reject)
    : await fromRows(source.file, reject)
  return dialogues.slice(0, source.count)
}

/** A few rows of a large dataset are read in ranges; a whole one is copied. */
const limited = (count: number | undefined) => (count === undefined ? {} : { limit: count })

/** From wherever a corpus may come. Stops at `count` dialogues. */
async function fromTable(
  spec: SourceSpec,
  { column, count = Infinity }: { column?: string | undefined; count?: number | undefined },
  reject: (defect: Defect) => void,
): Promise<Message[][]> {
  const dialogues: Message[][] = []
  for await (const row of tableRows(spec)) {
    if (dialogues.length >= count) break
    const read = 'defect' in row ? row : fromRow(row.value, row.source, column)
    if ('defect' in read) reject({ source: row.source, line: row.line, detail: read.defect })
    else dialogues.push(read)
  }
  return dialogues
}

/** A row in one of the shapes; of CSV, or where a column is named, that column's turns. */
function fromRow(row: unknown, source: string, column: string | undefined): Message[] | { defect: string } {
  if (column === undefined && !/\.csv(\.gz|\.zst)?$/i.test(source)) return dialogueOf(row)
  const columns = row as Record<string, unknown>
  const text = columns[column ?? Object.keys(columns).at(-1)!]
  if (typeof text !== 'string') throw noColumn(source, column ?? '', Object.keys(columns))
  const messages = fromSpeakers(text)
  return messages.length >= 2 ? messages : { defect: tooFew }
}

const tooFew = 'fewer than two turns of the form "speaker: words"'

function noColumn(file: string, name: string, columns: readonly string[]): UserError {
  return new UserError(
    `${file} has no column "${name}" of text; it has: ${columns.join(', ')}`,
    `${file} 里没有“${name}”这一列文字；现有的列：${columns.join('、')}`,
  )
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
    if (text === undefined) throw noColumn(file, name, columns)
    const messages = fromSpeakers(text)
    if (messages.length >= 2) dialogues.push(messages)
    else reject({ source: file, line: row.line, detail: tooFew })
  }
  return dialogues
}
