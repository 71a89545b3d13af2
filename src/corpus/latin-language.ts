/**
 * Which of the languages in Latin letters: by function words, and by endings where neighbours share too many of those.
 *
 * Words are never cut out of the text: they are looked up by a 32-bit hash made on the way. That a strange word has the hash of one of the
 * 1,800 known ones happens once in two million words.
 */
import { Kind, kinds } from './filters/characters.ts'
import { endings, functionWords } from './function-words.ts'

const languages = Object.keys(functionWords)

/** Bits by hash, none of them 0: open addressing, at most a quarter full. */
interface Table {
  keys: Int32Array
  bits: Uint16Array
}

/** Where a hash stands in the table, or the free place for it. */
function place({ keys, bits }: Table, hash: number): number {
  let at = (hash ^ (hash >>> 15)) & (keys.length - 1)
  while (bits[at] !== 0 && keys[at] !== hash) at = (at + 1) & (keys.length - 1)
  return at
}

function add(table: Table, hash: number, bits: number) {
  const at = place(table, hash)
  table.keys[at] = hash
  table.bits[at]! |= bits
}

/** FNV-1a, a UTF-16 unit at a time. */
const hashStart = 0x811c9dc5 | 0
const extend = (hash: number, code: number) => Math.imul(hash ^ code, 0x01000193)

const emptyTable = (): Table => ({ keys: new Int32Array(1 << 13), bits: new Uint16Array(1 << 13) })

/** One bit for each language that has the word. */
const words = emptyTable()
for (const [i, list] of Object.values(functionWords).entries()) {
  for (const word of list.split(' ')) {
    let hash = hashStart
    for (let k = 0; k < word.length; k++) hash = extend(hash, word.charCodeAt(k))
    add(words, hash, 1 << i)
  }
}

/** Endings from their last letter on: one bit for each language that has it, and `GOES_ON` where there are longer ones. */
const ends = emptyTable()
const GOES_ON = 1 << 15
for (const [language, list] of Object.entries(endings)) {
  for (const ending of list.split(' ')) {
    let hash = hashStart
    for (let k = ending.length - 1; k >= 0; k--) {
      hash = extend(hash, ending.charCodeAt(k))
      add(ends, hash, k === 0 ? 1 << languages.indexOf(language) : GOES_ON)
    }
  }
}

/** The languages whose endings the word from `from` to `to` has; German, too, where there is an ß in it. */
function endedAs(text: string, from: number, to: number): number {
  let found = 0
  let hash = hashStart
  for (let i = to - 1; i >= from; i--) {
    hash = extend(hash, text.charCodeAt(i))
    const bits = ends.bits[place(ends, hash)]!
    found |= bits
    if ((bits & GOES_ON) === 0) break
  }
  return found & ~GOES_ON
}

const APOSTROPHE = 0x27
const SHARP_S = 0xdf
/** Letters that of these languages only Vietnamese writes: U+1EA0 to U+1EF9, ơ, ư, đ. */
const isVietnamese = (code: number) =>
  code > 0x110 && ((code >= 0x1ea0 && code <= 0x1ef9) || code === 0x1a1 || code === 0x1b0 || code === 0x111)

/** `share`: that of Latin letters among all, which bounds the confidence. */
export function latinLanguage(sample: string, share: number): { language: string; confidence: number } {
  const kindOf = kinds()
  const lower = sample.toLowerCase()
  const { length } = lower
  const hits = new Int32Array(languages.length)
  const points = new Float64Array(languages.length)
  let tokens = 0
  let vietnamese = 0
  for (let i = 0; i < length;) {
    const from = i
    let hash = hashStart
    let isGerman = false
    for (; i < length; i++) {
      let code = lower.charCodeAt(i)
      if (code === 0x2019) code = APOSTROPHE
      const kind = kindOf[code]!
      if (kind !== Kind.letter && kind !== Kind.mark && kind !== Kind.cjk && code !== APOSTROPHE) break
      if (code === SHARP_S) isGerman = true
      if (isVietnamese(code)) vietnamese++
      hash = extend(hash, code)
    }
    if (i === from) {
      i++
      continue
    }
    tokens++
    const bits = words.bits[place(words, hash)]!
    if (bits !== 0) {
      // A word that several languages have says less.
      const worth = 1 / countBits(bits)
      for (let left = bits; left !== 0; left &= left - 1) {
        hits[lowestBit(left)]!++
        points[lowestBit(left)]! += worth
      }
    } else if (i - from >= 4) {
      const ended = endedAs(lower, from, i) | (isGerman ? GERMAN : 0)
      for (let left = ended; left !== 0; left &= left - 1) points[lowestBit(left)]! += 0.25
    }
  }
  if (vietnamese * 12 > length) return { language: 'vi', confidence: share }
  const ranked = [...points.keys()].sort((a, b) => points[b]! - points[a]!)
  const [best, second] = [ranked[0]!, ranked[1]!]
  if (hits[best] === 0) return { language: 'und', confidence: 0 }
  // Prose has a function word in two or three, a list of names or prices still one in ten.
  const density = hits[best]! / tokens
  if (density < 0.08) return { language: 'und', confidence: density }
  const lead = 1 - points[second]! / (2 * points[best]!)
  return { language: languages[best]!, confidence: share * Math.min(1, density * 8) * lead }
}

const GERMAN = 1 << languages.indexOf('de')

const lowestBit = (bits: number) => 31 - Math.clz32(bits & -bits)

function countBits(bits: number): number {
  let count = 0
  for (let left = bits; left !== 0; left &= left - 1) count++
  return count
}
