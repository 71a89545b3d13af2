/**
 * Unhealthy pages (gambling, pornography, drug sales) by their wording, in Chinese and English alike.
 *
 * Strong phrases belong to those who sell; weak words anyone may use. A page goes when several different phrases of one kind come
 * densely; words of the police, courts, medicine and research speak for it, so that news and textbooks about the same things stay. The word lists
 * are data (`blocked.zh.json`, `blocked.en.json`) and ours; the thresholds were set by hand on pages of both kinds (see the test).
 */
import { z } from 'zod'
import type { Verdict } from '../document.ts'
import en from './blocked.en.json' with { type: 'json' }
import zh from './blocked.zh.json' with { type: 'json' }
import { short } from './view.ts'
import type { TextView } from './view.ts'

export const blockedWordsConfig = z.strictObject({
  minScore: z
    .number()
    .default(6)
    .describe('3 for each different strong phrase, 1 for each weak word, less 1 for each word of context'),
  minStrong: z.number().int().default(2).describe('different strong phrases'),
  minDensity: z.number().default(1).describe('score in 100 words, or 160 Chinese characters'),
})

const kinds = ['gambling', 'adult', 'drugs'] as const
type Kind = (typeof kinds)[number]

interface Phrase {
  text: string
  kind: Kind | 'context'
  strong: boolean
}

/** Phrases by their first two characters, longest first. */
const phrases = index([zh, en])
/** Whether any phrase may start with two characters whose codes hash to this: spares most lookups. */
const maybe = new Uint8Array(1 << 16)
for (const key of phrases.keys()) maybe[pairHash(Math.floor(key / 65536), key % 65536)] = 1

function pairHash(first: number, second: number): number {
  return ((first * 31) ^ (second * 7)) & 0xffff
}

export function blockedWords(
  { text, words, byCharacter }: TextView,
  config: z.infer<typeof blockedWordsConfig>,
): Verdict {
  const found = find(text.toLowerCase())
  const context = [...found].filter((phrase) => phrase.kind === 'context').length
  for (const kind of kinds) {
    const strong = [...found].filter((phrase) => phrase.kind === kind && phrase.strong)
    if (strong.length < config.minStrong) continue
    const weak = [...found].filter((phrase) => phrase.kind === kind && !phrase.strong).length
    const score = 3 * strong.length + weak - context
    const density = (score * (byCharacter ? 160 : 100)) / Math.max(1, words.length)
    if (score < config.minScore || density < config.minDensity) continue
    const named = strong
      .slice(0, 5)
      .map((phrase) => phrase.text)
      .join(', ')
    return {
      rule: `blocked-words/${kind}`,
      detail: `score ${score} ≥ ${config.minScore}, ${short(density)} in 100 words ≥ ${config.minDensity}: ${named}`,
    }
  }
  return null
}

function index(lists: { gambling: Lists; adult: Lists; drugs: Lists; context: string[] }[]): Map<number, Phrase[]> {
  const map = new Map<number, Phrase[]>()
  const put = (text: string, kind: Kind | 'context', strong: boolean) => {
    const lower = text.toLowerCase()
    const phrase = { text: lower, kind, strong }
    const key = lower.charCodeAt(0) * 65536 + lower.charCodeAt(1)
    map.set(
      key,
      [...(map.get(key) ?? []), phrase].toSorted((a, b) => b.text.length - a.text.length),
    )
  }
  for (const list of lists) {
    for (const kind of kinds) {
      for (const text of list[kind].strong) put(text, kind, true)
      for (const text of list[kind].weak) put(text, kind, false)
    }
    for (const text of list.context) put(text, 'context', false)
  }
  return map
}

interface Lists {
  strong: string[]
  weak: string[]
}

function find(text: string): Set<Phrase> {
  const found = new Set<Phrase>()
  let next = text.charCodeAt(0)
  for (let i = 0; i + 1 < text.length; i++) {
    const first = next
    next = text.charCodeAt(i + 1)
    if (maybe[pairHash(first, next)] === 0) continue
    const candidates = phrases.get(first * 65536 + next)
    if (candidates === undefined) continue
    // The longest phrase that starts here counts, and nothing inside it: one mention is one mention.
    const phrase = candidates.find(({ text: words }) => text.startsWith(words, i) && isWhole(text, i, words.length))
    if (!phrase) continue
    found.add(phrase)
    i += phrase.text.length - 1
    next = text.charCodeAt(i + 1)
  }
  return found
}

/** No Latin end of the phrase lies inside a Latin word. */
function isWhole(text: string, from: number, length: number): boolean {
  const isInside = (inner: number, outer: number) => isLatin(text.charCodeAt(inner)) && isLatin(text.charCodeAt(outer))
  return !isInside(from, from - 1) && !isInside(from + length - 1, from + length)
}

/** A letter of the Latin alphabet or a digit, in lower case; NaN, beyond the ends of the text, is none. */
function isLatin(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || (code >= 0xdf && code <= 0x24f)
}
