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
  /** By a hash of their first `START` characters (of all, where they have fewer), longest first. */
  phrases: ReadonlyMap<number, readonly Phrase<Role>[]>
  /** By a hash of two characters: which of the lengths 2 ... `START` a phrase that may begin with them is looked up by, a bit each. Spares most lookups. */
  maybe: Uint8Array
}

/** Few phrases share so many characters; two are shared by dozens. */
const START = 4

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
    const { text } = phrase
    const length = Math.min(START, text.length)
    const key = startHash(text, 0, length)
    phrases.set(key, [...(phrases.get(key) ?? []), phrase])
    maybe[pairHash(text.charCodeAt(0), text.charCodeAt(1))]! |= 1 << length
  }
  return { phrases, maybe }
}

export function findPhrases<Role>(text: string, { phrases, maybe }: PhraseIndex<Role>): Map<string, Found<Role>> {
  const lower = fold(text)
  const found = new Map<string, Found<Role>>()
  let next = lower.charCodeAt(0)
  let inWord = false
  for (let i = 0; i + 1 < lower.length; i++) {
    const first = next
    next = lower.charCodeAt(i + 1)
    const wasInWord = inWord
    inWord = isLatin(first)
    if (wasInWord && inWord) continue
    const lengths = maybe[pairHash(first, next)]!
    if (lengths === 0) continue
    let phrase: Phrase<Role> | undefined
    for (let length = START; length >= 2 && phrase === undefined; length--)
      if (lengths & (1 << length)) phrase = startingAt(lower, i, phrases.get(startHash(lower, i, length)))
    if (phrase === undefined) continue
    const entry = found.get(phrase.text)
    if (entry === undefined) found.set(phrase.text, { roles: phrase.roles, times: 1 })
    else entry.times++
    i += phrase.text.length - 1
    next = lower.charCodeAt(i + 1)
    inWord = isLatin(lower.charCodeAt(i))
  }
  return found
}

function startingAt<Role>(lower: string, i: number, candidates: readonly Phrase<Role>[] | undefined) {
  if (candidates === undefined) return undefined
  for (const phrase of candidates)
    if (lower.startsWith(phrase.text, i) && endsWord(lower, i + phrase.text.length)) return phrase
  return undefined
}

/** Of `length` characters from `from` on, and of their number; characters beyond the end are NaN, which counts as 0. */
function startHash(text: string, from: number, length: number): number {
  let hash = length
  for (let i = from; i < from + length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) + (hash >>> 15)
  return hash | 0
}

const pairHash = (first: number, second: number) => ((first * 31) ^ (second * 7)) & 0xffff

/** Nothing Latin goes on after a Latin end. */
const endsWord = (text: string, end: number) => !isLatin(text.charCodeAt(end - 1)) || !isLatin(text.charCodeAt(end))

/** A letter of the Latin alphabet or a digit, in lower case; NaN, beyond the ends of the text, is none. */
const isLatin = (code: number) =>
  (code >= 97 && code <= 122) || (code >= 48 && code <= 57) || (code >= 0xdf && code <= 0x24f)
