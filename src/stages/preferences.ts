/**
 * Preferences to learn a taste from, where a recipe says they come from: a file in any shape of `preference-shapes.ts` (JSONL or a JSON
 * array), or the embedded world's simulated reader, whose taste is known.
 */
import { z } from 'zod'
import { dataFile } from '../run/schema.ts'
import type { Message } from '../tokenizer/index.ts'
import { makeRankedDrafts, makeRankedPairs, makeWorld } from '../world/index.ts'
import { readRows } from './dialogues.ts'
import type { Defect } from './dialogues.ts'
import { type Opinion, opinionsOf } from './preference-shapes.ts'
import type { Language } from './stage.ts'

const count = z.number().int().positive()

export const preferenceSource = z.union([
  z.strictObject({
    file: dataFile().describe('JSONL or JSON of pairs (chosen, rejected), rankings, trees or labels'),
    count: count.optional().describe('how many rows at most'),
  }),
  z.strictObject({
    world: z.literal('drafts'),
    count,
    drafts: z
      .number()
      .int()
      .min(2)
      .max(5)
      .default(2)
      .describe('drafts that the simulated reader puts in order at a time'),
    noise: z.number().nonnegative().default(1).describe('how unsure of its taste the reader is; 0: it never errs'),
  }),
])
export type PreferenceSource = z.input<typeof preferenceSource>

/** Two dialogues that differ in what the assistant says last. */
export interface Preference {
  chosen: Message[]
  rejected: Message[]
}

export interface Opinions {
  opinions: Opinion[]
  /** Fields that say nothing here, and in how many rows they stand. */
  ignored: Map<string, number>
}

/** All opinions of a source. Defects of files are handed to `reject`. */
export async function readOpinions(
  source: PreferenceSource,
  { language, seed }: { language: Language; seed: number },
  reject: (defect: Defect) => void,
): Promise<Opinions> {
  const ignored = new Map<string, number>()
  if ('world' in source) {
    const world = makeWorld({ language, seed })
    const { drafts = 2, noise = 1 } = source
    const reader = { seed, count: source.count, noise }
    const ranked =
      drafts === 2
        ? makeRankedPairs(world, reader).map(({ prompt, chosen, rejected }) => ({ prompt, drafts: [chosen, rejected] }))
        : makeRankedDrafts(world, { ...reader, drafts })
    const opinions = ranked.map(({ prompt, drafts }): Opinion => ({
      kind: 'order',
      answers: drafts.map(({ text }) => answered(prompt, text)),
      ranks: drafts.map((_, i) => [i]),
    }))
    return { opinions, ignored }
  }
  const opinions: Opinion[] = []
  let rows = 0
  for await (const row of await readRows(source.file)) {
    if (source.count !== undefined && rows >= source.count) break
    const read = 'defect' in row ? row : opinionsOf(row.value)
    if ('defect' in read) {
      reject({ source: source.file, line: row.line, detail: read.defect })
      continue
    }
    rows++
    opinions.push(...read.opinions)
    for (const field of read.ignored) ignored.set(field, (ignored.get(field) ?? 0) + 1)
  }
  return { opinions, ignored }
}

/** The part of a dialogue that is not judged: all but what the assistant says last. */
export const promptOf = (answer: readonly Message[]): Message[] => answer.slice(0, -1)

/**
 * What a dialogue begins with, for keeping its relatives together: the first message of the user. Later prompts of one conversation hold its
 * earlier answers, so that they may not stand on both sides of a split.
 */
export const originOf = (answer: readonly Message[]): string =>
  JSON.stringify([answer.find(({ role }) => role === 'user') ?? answer[0]])

// --- internal ---

function answered(prompt: string, answer: string): Message[] {
  return [
    { role: 'user', content: prompt },
    { role: 'assistant', content: answer },
  ]
}
