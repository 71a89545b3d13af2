/**
 * Preferences to learn a taste from, where a recipe says they come from: a file in Hugging Face's preference format (JSONL or a JSON
 * array of `{prompt, chosen, rejected}`, texts or messages; or `{chosen, rejected}` as whole dialogues), or the embedded world's
 * simulated reader.
 */
import { z } from 'zod'
import { dataFile } from '../run/schema.ts'
import type { Message } from '../tokenizer/index.ts'
import { makeRankedPairs, makeWorld } from '../world/index.ts'
import { readRows } from './dialogues.ts'
import type { Defect } from './dialogues.ts'
import type { Language } from './stage.ts'

const count = z.number().int().positive()

export const preferenceSource = z.union([
  z.strictObject({
    file: dataFile().describe('JSONL or JSON of {prompt, chosen, rejected}'),
    count: count.optional().describe('how many pairs at most'),
  }),
  z.strictObject({ world: z.literal('drafts'), count }),
])
export type PreferenceSource = z.infer<typeof preferenceSource>

/** Two dialogues that differ in what the assistant says last. */
export interface Preference {
  chosen: Message[]
  rejected: Message[]
}

/** All pairs of a source. Defects of files are handed to `reject`. */
export async function readPreferences(
  source: PreferenceSource,
  { language, seed }: { language: Language; seed: number },
  reject: (defect: Defect) => void,
): Promise<Preference[]> {
  if ('world' in source)
    return makeRankedPairs(makeWorld({ language, seed }), { seed, count: source.count }).map(
      ({ prompt, chosen, rejected }) => ({
        chosen: answered(prompt, chosen.text),
        rejected: answered(prompt, rejected.text),
      }),
    )
  const pairs: Preference[] = []
  for await (const row of await readRows(source.file)) {
    const read = 'defect' in row ? row : preferenceOf(row.value)
    if ('defect' in read) reject({ source: source.file, line: row.line, detail: read.defect })
    else pairs.push(read)
  }
  return pairs.slice(0, source.count)
}

const messages = z.array(z.object({ role: z.enum(['system', 'user', 'assistant']), content: z.string() })).min(1)
const side = z.union([z.string(), messages])
const row = z.object({ prompt: side.optional(), chosen: side, rejected: side })

/** One row; what is wrong with it when it is no preference. */
export function preferenceOf(value: unknown): Preference | { defect: string } {
  const parsed = row.safeParse(value)
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!
    return { defect: `${path.join('.') || 'row'}: ${message}` }
  }
  const { prompt, chosen, rejected } = parsed.data
  const pair = { chosen: joined(prompt, chosen), rejected: joined(prompt, rejected) }
  for (const key of ['chosen', 'rejected'] as const)
    if (pair[key].at(-1)!.role !== 'assistant') return { defect: `${key}: does not end with an assistant's message` }
  if (JSON.stringify(pair.chosen) === JSON.stringify(pair.rejected))
    return { defect: 'chosen and rejected are the same' }
  return pair
}

// --- internal ---

function answered(prompt: string, answer: string): Message[] {
  return [
    { role: 'user', content: prompt },
    { role: 'assistant', content: answer },
  ]
}

function joined(prompt: string | Message[] | undefined, answer: string | Message[]): Message[] {
  const asked = typeof prompt === 'string' ? [{ role: 'user' as const, content: prompt }] : (prompt ?? [])
  const said = typeof answer === 'string' ? [{ role: 'assistant' as const, content: answer }] : answer
  return [...asked, ...said]
}
