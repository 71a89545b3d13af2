/**
 * Abuse and obscenities, by how densely they come: C4 drops a page for one word of a list, which costs it medicine, sex education and
 * everybody called Dick (Dodge et al. 2021, "Documenting Large Webtext Corpora"). Here two different words are needed, and more than one in a
 * hundred, so that a novel may swear.
 *
 * The words are ours and few (`toxic.json`). Lists with a word a line (LDNOOBW's form) can be added by path; of those, words that everyday,
 * medical and legal texts use are not counted (`everyday`, found by looking for each in clean text), nor are words of one character.
 */
import { z } from 'zod'
import { dataFile } from '../../run/schema.ts'
import { atMost } from './check.ts'
import type { Check } from './check.ts'
import { findPhrases, phraseIndex } from './phrases.ts'
import type { PhraseIndex } from './phrases.ts'
import toxic from './toxic.json' with { type: 'json' }
import type { TextView } from './view.ts'

export const toxicWordsConfig = z.strictObject({
  lists: z
    .array(dataFile())
    .default([])
    .describe('files with a word a line, such as LDNOOBW; known false positives in them are not counted'),
  minDifferent: z.number().int().min(1).default(2).describe('different words'),
  maxPerHundred: z.number().default(1).describe('in 100 words (160 characters)'),
})

const everyday = new Set([...toxic.everyday.en, ...toxic.everyday.zh])

/** The words that count: ours, and those of lists in LDNOOBW's form. */
export function toxicIndex(lists: readonly string[] = []): PhraseIndex<true> {
  const added = lists
    .flatMap((list) => list.split('\n'))
    .map((line) => line.trim().toLowerCase())
    .filter((word) => word.length > 1 && !word.startsWith('#') && !everyday.has(word))
  return phraseIndex([[[...new Set([...toxic.words.en, ...toxic.words.zh, ...added])], true]])
}

export function* toxicWords(
  { text, words, unit }: TextView,
  config: z.infer<typeof toxicWordsConfig>,
  index: PhraseIndex<true>,
): Generator<Check, void> {
  const found = findPhrases(text, index)
  let times = 0
  for (const entry of found.values()) times += entry.times
  const hundred = Math.max(1, words) / (unit === 'characters' ? 160 : 100)
  const value = found.size < config.minDifferent ? 0 : times / hundred
  const quote = found.size === 0 ? undefined : [...found.keys()].slice(0, 8).join(', ')
  yield atMost('toxic-words', value, config.maxPerHundred, quote)
}
