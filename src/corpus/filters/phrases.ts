/**
 * Which phrases of a list a text holds, in one pass. Spelling does not matter as far as `fold.ts` sees through it; a Latin end of a phrase must
 * not lie inside a Latin word. Where phrases overlap, the longest that starts first counts and nothing inside it: one mention is one mention.
 */

import { fold } from './fold.ts'

interface Phrase<Role> {
  text: string
  roles: Role[]
}

export interface PhraseIndex<Role> {
  /** By a hash of their first `START` characters (of all, where they have fewer), longest first. */
  phrases: ReadonlyMap<number, readonly Phrase<Role>[]>
  /** By a hash of two characters: which of the lengths 2 ... `START` a phrase that may begin with them is looked up by, a bit each. */
  pairs: Uint8Array
  /** By the last bits of the key in `phrases`: 1 where there may be one. Both spare most lookups. */
  keys: Uint8Array
}

/** Few phrases share so many characters; two are shared by dozens. */
const START = 5

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
  const pairs = new Uint8Array(1 << 16)
  const keys = new Uint8Array(1 << 16)
  for (const phrase of [...all.values()].sort((a, b) => b.text.length - a.text.length)) {
    const { text } = phrase
    const length = Math.min(START, text.length)
    const key = startHash(text, 0, length)
    phrases.set(key, [...(phrases.get(key) ?? []), phrase])
    pairs[pairHash(text.charCodeAt(0), text.charCodeAt(1))]! |= 1 << length
    keys[key & 0xffff] = 1
  }
  return { phrases, pairs, keys }
}

export function findPhrases<Role>(text: string, index: PhraseIndex<Role>): Map<string, Found<Role>> {
  const lower = fold(text)
  const found = new Map<string, Found<Role>>()
  const last = lower.length - 1
  let i = 0
  while (i < last) {
    const first = lower.charCodeAt(i)
    const lengths = index.pairs[pairHash(first, lower.charCodeAt(i + 1))]!
    const phrase = lengths === 0 ? undefined : longestAt(lower, i, lengths, index)
    if (phrase !== undefined) {
      const entry = found.get(phrase.text)
      if (entry === undefined) found.set(phrase.text, { roles: phrase.roles, times: 1 })
      else entry.times++
      i += phrase.text.length
    } else {
      i++
      if (isLatin(first)) while (i < last && isLatin(lower.charCodeAt(i))) i++ // to the end of the word
    }
  }
  return found
}

function longestAt<Role>(lower: string, i: number, lengths: number, { phrases, keys }: PhraseIndex<Role>) {
  for (let length = START; length >= 2; length--) {
    if ((lengths & (1 << length)) === 0 || i + length > lower.length) continue
    const key = startHash(lower, i, length)
    if (keys[key & 0xffff] === 0) continue
    const phrase = phrases.get(key)?.find(({ text }) => lower.startsWith(text, i) && endsWord(lower, i + text.length))
    if (phrase !== undefined) return phrase
  }
  return undefined
}

/** Of `length` characters from `from` on, and of their number. */
function startHash(text: string, from: number, length: number): number {
  let hash = length
  for (let i = from; i < from + length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) + (hash >>> 15)
  return hash | 0
}

const pairHash = (first: number, second: number) => ((first * 31) ^ (second * 7)) & 0xffff

/** Nothing Latin goes on after a Latin end. */
const endsWord = (text: string, end: number) =>
  end === text.length || !isLatin(text.charCodeAt(end - 1)) || !isLatin(text.charCodeAt(end))

/** Letters of the Latin alphabet and digits, in lower case. */
const latin = new Uint8Array(65536).fill(1, 97, 123).fill(1, 48, 58).fill(1, 0xdf, 0x250)
const isLatin = (code: number) => latin[code] === 1
