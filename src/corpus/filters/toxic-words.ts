/**
 * Abuse and obscenities, by how densely they come: C4 drops a page for one word of a list, which costs it medicine, sex education and
 * everybody called Dick (Dodge et al. 2021, "Documenting Large Webtext Corpora"). Here two different words are needed, one of them no mere insult,
 * and more than one in a hundred, so that a novel may swear. Words of courts and linguists, who quote, take one away each.
 *
 * The words are ours (`toxic.json`); an insult (`mild`) counts half. Lists with a word a line (LDNOOBW's form) can be added by path; of those,
 * words that everyday, medical and legal texts use are not counted (`everyday`, found by looking for each in clean text), nor are words of one character.
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

/** What one of these words adds. */
export type Weight = 1 | 0.5 | -1

const everyday = new Set([...toxic.everyday.en, ...toxic.everyday.zh])

/** The words that count: ours, and those of lists in LDNOOBW's form. */
export function toxicIndex(lists: readonly string[] = []): PhraseIndex<Weight> {
  const { strong, mild } = toxic.words
  const own = new Set([...strong.en, ...strong.zh, ...mild.en, ...mild.zh])
  const added = lists
    .flatMap((list) => list.split('\n'))
    .map((line) => line.trim().toLowerCase())
    .filter((word) => word.length > 1 && !word.startsWith('#') && !everyday.has(word) && !own.has(word))
  return phraseIndex<Weight>([
    [[...new Set([...strong.en, ...strong.zh, ...strong.en.flatMap(masked), ...added])], 1],
    [[...mild.en, ...mild.zh], 0.5],
    [[...toxic.context.en, ...toxic.context.zh], -1],
  ])
}

/** As people write it who want it read and not found: f*ck, f**k. */
function masked(word: string): string[] {
  if (!/^[a-z]{4,}$/.test(word)) return []
  const first = word.replace(/(?<=^.+?)[aeiou]/, '*')
  const all = word[0] + '*'.repeat(word.length - 2) + word.at(-1)
  return [...new Set([first, all])].filter((form) => form !== word)
}

export function* toxicWords(
  { text, words, unit }: TextView,
  config: z.infer<typeof toxicWordsConfig>,
  index: PhraseIndex<Weight>,
): Generator<Check, void> {
  const found = [...findPhrases(text, index)].map(([word, { roles, times }]) => ({ word, times, weight: roles[0]! }))
  const bad = found.filter(({ weight }) => weight > 0)
  const points = found.reduce((sum, { weight, times }) => sum + weight * (weight < 0 ? 1 : times), 0)
  const hundred = Math.max(1, words / (unit === 'characters' ? 160 : 100))
  const enough = bad.length >= config.minDifferent && bad.some(({ weight }) => weight === 1)
  const quote =
    bad.length === 0
      ? undefined
      : bad
          .slice(0, 8)
          .map(({ word }) => word)
          .join(', ')
  yield atMost('toxic-words', enough ? Math.max(0, points) / hundred : 0, config.maxPerHundred, quote)
}
