/**
 * Dialogues to study, from where a recipe says they come: a file (JSONL with `messages`; CSV with a column of `A: …` / `B: …`
 * lines), the embedded world, or exercises with their worked solutions. Every source gives the same: lists of messages.
 */
import { z } from 'zod'
import { readCsv, readJsonl } from '../formats/index.ts'
import { dataFile } from '../run/schema.ts'
import { UserError } from '../run/index.ts'
import { taskSchema } from '../tasks/index.ts'
import { openTask } from '../tasks/open.node.ts'
import type { Message } from '../tokenizer/index.ts'
import { makeDialogues, makeWorld } from '../world/index.ts'
import type { Language } from './stage.ts'

const count = z.number().int().positive()

export const dialogueSource = z.union([
  z.strictObject({
    file: dataFile().describe('JSONL with messages, or CSV'),
    column: z.string().optional().describe('CSV: the column that holds a dialogue, one "speaker: words" a line'),
    count: count.optional().describe('how many dialogues at most'),
  }),
  z.strictObject({ world: z.literal('dialogues'), count }),
  z.strictObject({ task: taskSchema, count }),
])
export type DialogueSource = z.infer<typeof dialogueSource>

/** A line that no dialogue could be made of. */
export interface Defect {
  source: string
  line: number
  detail: string
}

/** All dialogues of a source. Defects of files are handed to `reject`. */
export async function readDialogues(
  source: DialogueSource,
  { language, seed }: { language: Language; seed: number },
  reject: (defect: Defect) => void,
): Promise<Message[][]> {
  if ('world' in source) return makeDialogues(makeWorld({ language, seed }), { count: source.count, seed })
  if ('task' in source) {
    const { task, rejected } = await openTask(source.task, language)
    for (const row of rejected) reject({ source: task.name, line: row.line, detail: row.reason })
    return task.train(source.count, seed).map(({ prompt, solution }) => [
      { role: 'user', content: prompt },
      { role: 'assistant', content: solution },
    ])
  }
  const dialogues = source.file.endsWith('.csv')
    ? await fromCsv(source.file, source.column, reject)
    : await fromJsonl(source.file, reject)
  return dialogues.slice(0, source.count)
}

const messagesSchema = z
  .array(z.object({ role: z.enum(['system', 'user', 'assistant']), content: z.string() }))
  .refine((m) => m.some(({ role }) => role === 'assistant'), 'has no assistant message')

async function fromJsonl(file: string, reject: (defect: Defect) => void): Promise<Message[][]> {
  const dialogues: Message[][] = []
  for await (const row of readJsonl(file)) {
    if ('defect' in row) {
      reject({ source: file, line: row.line, detail: row.defect })
      continue
    }
    const parsed = messagesSchema.safeParse((row.value as { messages?: unknown } | null)?.messages)
    if (parsed.success) dialogues.push(parsed.data)
    else reject({ source: file, line: row.line, detail: `messages: ${parsed.error.issues[0]!.message}` })
  }
  return dialogues
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

/** `A: hello\nB: hi` → user and assistant: whoever speaks first is the user; lines without a speaker belong to the last one. */
export function fromSpeakers(text: string): Message[] {
  const messages: Message[] = []
  let first: string | undefined
  let last: string | undefined
  for (const line of text.split(/\r?\n/)) {
    const match = /^([\p{L}\p{N} ]{1,24})[:：]\s*(.*)$/u.exec(line)
    const speaker = match ? match[1]! : last
    const words = (match ? match[2]! : line).trim()
    if (speaker === undefined || words === '') continue
    first ??= speaker
    if (speaker === last) messages.at(-1)!.content += `\n${words}`
    else messages.push({ role: speaker === first ? 'user' : 'assistant', content: words })
    last = speaker
  }
  return messages
}
