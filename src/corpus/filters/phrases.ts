/**
 * Which phrases of a list a text holds, in one pass. Spelling does not matter as far as `fold.ts` sees through it; a Latin end of a phrase must not lie inside a Latin word. Where
 * phrases overlap, the longest that starts first counts and nothing inside it: one mention is one mention.
 */

import { fold } from './fold.ts'

interface Phrase<Role> {
  text: string
  roles: Role[]
}

export interface PhraseIndex<Role> {
  /** By the first two characters, longest first. */
  phrases: ReadonlyMap<number, readonly Phrase<Role>[]>
  /** Whether any phrase may start with two characters whose codes hash to this: spares most lookups. */
  maybe: Uint8Array
}

export interface Found<Role> {
  roles: readonly Role[]
  times: number
}

/** Phrases of one character are refused: they stand in too many words. A phrase of several lists has all their roles. */
export function phraseIndex<Role>(
  lists: readonly (readonly [words: readonly string[], role: Role])[],
): PhraseIndex<Role> {
  const all = new Map<string, Phrase<Role>>()
  for (const [words, role] of lists) {
    for (const word of words) {
      const text = fold(word)
      if (text.length < 2) throw new RangeError(`phrase of one character: ${text}`)
      const phrase = all.get(text) ?? { text, roles: [] }
      phrase.roles.push(role)
      all.set(text, phrase)
    }
  }
  const phrases = new Map<number, Phrase<Role>[]>()
  const maybe = new Uint8Array(1 << 16)
  for (const phrase of [...all.values()].sort((a, b) => b.text.length - a.text.length)) {
    const [first, second] = [phrase.text.charCodeAt(0), phrase.text.charCodeAt(1)]
    const key = first * 65536 + second
    phrases.set(key, [...(phrases.get(key) ?? []), phrase])
    maybe[pairHash(first, second)] = 1
  }
  return { phrases, maybe }
}

export function findPhrases<Role>(text: string, { phrases, maybe }: PhraseIndex<Role>): Map<string, Found<Role>> {
  const lower = fold(text)
  const found = new Map<string, Found<Role>>()
  let next = lower.charCodeAt(0)
  for (let i = 0; i + 1 < lower.length; i++) {
    const first = next
    next = lower.charCodeAt(i + 1)
    if (maybe[pairHash(first, next)] === 0) continue
    if (isLatin(first) && i > 0 && isLatin(lower.charCodeAt(i - 1))) continue
    const candidates = phrases.get(first * 65536 + next)
    if (candidates === undefined) continue
    const phrase = candidates.find(({ text }) => lower.startsWith(text, i) && endsWord(lower, i + text.length))
    if (phrase === undefined) continue
    const entry = found.get(phrase.text)
    if (entry === undefined) found.set(phrase.text, { roles: phrase.roles, times: 1 })
    else entry.times++
    i += phrase.text.length - 1
    next = lower.charCodeAt(i + 1)
  }
  return found
}

const pairHash = (first: number, second: number) => ((first * 31) ^ (second * 7)) & 0xffff

/** Nothing Latin goes on after a Latin end. */
const endsWord = (text: string, end: number) => !isLatin(text.charCodeAt(end - 1)) || !isLatin(text.charCodeAt(end))

/** A letter of the Latin alphabet or a digit, in lower case; NaN, beyond the ends of the text, is none. */
const isLatin = (code: number) =>
  (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || (code >= 0xdf && code <= 0x24f)
