/**
 * Encode and decode: text ↔ token ids, byte-level BPE behind the pre-split of Qwen2 or Llama 3.
 *
 * Each word, of Chinese each piece of one (joins.ts), is looked up in a cache, else merged (merge.ts). Where every token is whole
 * characters or a piece of one — so it is in the vocabularies trained here — no merge can cross into half a character, so a character
 * that has a token of its own starts as that token and not as bytes: the ids are the same, with a third of the work for Chinese.
 *
 * Special tokens in a text are ordinary characters unless `special` is asked for: what a user types cannot inject them. Added tokens that are
 * plain text are found in every text, as their file says.
 * A lone surrogate is encoded as U+FFFD, as TextEncoder does.
 */
import { readTokenizerJson, writeTokenizerJson, type TokenizerJson } from './json.ts'
import type { Manners } from './manners.ts'
import { joinsOf, mayJoin, type Joins } from './joins.ts'
import { mergeWord, type Merges } from './merge.ts'
import { PairTable } from './pairs.ts'
import { digitsOf, wordEnd } from './pretokenize.ts'
import { isPiece, isWhole, sequenceLength, writeUtf8 } from './utf8.ts'
import type { SpecialToken, Vocabulary } from './vocabulary.ts'
import { CACHED_UNITS, WordCache } from './word-cache.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
/** A word that ends in such a character is cut: from here on come the scripts without spaces (CJK radicals, kana, Han). */
const FIRST_CUT = 0x2e80

export class Tokenizer {
  readonly vocabulary: Vocabulary
  /** Of a model of somebody else's, set by whoever reads its folder; null: ChatML. */
  manners: Manners | null = null
  /** Of a model that practised straight from a base model: it knows no dialogue, and was given exercises on a page with so many worked ones. */
  shots: number | null = null
  /** The number of ids, special ones included. */
  readonly vocabSize: number
  private readonly merges: Merges
  /** The id of each byte. */
  private readonly byteIds: Int32Array
  /** The id a character of the BMP starts as; -1: it starts as bytes. */
  private readonly starts: Int32Array
  private readonly joins: Joins
  private readonly cache = new WordCache()
  private readonly specialIds: Map<string, number>
  /** Matches any added token, and any plain one, the longest first. */
  private readonly specialPattern: RegExp | undefined
  private readonly plainPattern: RegExp | undefined
  /** Digits of a number that stand together. */
  private readonly digits: number
  /** With `wholeWords`: the ids of tokens that are whole characters, by their text. */
  private readonly whole: Map<string, number> | null
  private readonly isSpecial: Uint8Array
  /** The same, and plain ones: no merge makes them. */
  private readonly added: Uint8Array
  private ids = new Int32Array(256) // the word being merged

  /** The vocabulary must be sound: come from training or from `fromJson`. */
  constructor(vocabulary: Vocabulary) {
    const { tokens, merges, special, byToken } = vocabulary
    this.vocabulary = vocabulary
    this.vocabSize = tokens.length
    const pairs = new PairTable(merges.length)
    merges.forEach(([left, right, merged], rank) => pairs.set(left, right, byToken ? merged : rank))
    const ids = byToken ? tokens.map((_, id) => id) : merges.map(([, , merged]) => merged)
    this.merges = { pairs, merged: Int32Array.from(ids) }
    this.specialIds = new Map(special.map(({ text, id }) => [text, id]))
    this.specialPattern = patternOf(special)
    this.plainPattern = patternOf(special.filter(({ plain }) => plain))
    this.digits = digitsOf[vocabulary.split ?? 'qwen2']
    this.isSpecial = new Uint8Array(tokens.length)
    this.added = new Uint8Array(tokens.length)
    for (const { id, plain } of special) {
      this.added[id] = 1
      if (!plain) this.isSpecial[id] = 1
    }
    this.byteIds = new Int32Array(256).fill(-1)
    tokens.forEach((token, id) => {
      if (token.length === 1 && !this.added[id]) this.byteIds[token[0]!] = id
    })
    this.whole = vocabulary.wholeWords ? this.wholeTokens() : null
    this.starts = this.charactersThatStartWhole()
    this.joins = joinsOf(tokens.filter((_, id) => !this.added[id]))
  }

  /** From the content or the text of a tokenizer.json. Throws an Error that names the key and what was expected there. */
  static fromJson(json: unknown): Tokenizer {
    return new Tokenizer(readTokenizerJson(json))
  }

  /** The content of tokenizer.json, to be stringified. */
  toJson(): TokenizerJson {
    return writeTokenizerJson(this.vocabulary)
  }

  /** The ids of a text. With `special`, the texts of special tokens become their ids. */
  encode(text: string, { special = false }: { special?: boolean } = {}): number[] {
    const out: number[] = []
    for (const part of this.split(text, special))
      if (typeof part === 'number') out.push(part)
      else this.encodeOrdinary(part, out)
    return out
  }

  /** A text as added tokens (their ids) and what lies between them. Without `special`, only those that are plain text count. */
  split(text: string, special: boolean): (string | number)[] {
    const pattern = special ? this.specialPattern : this.plainPattern
    if (!pattern) return [text]
    const parts: (string | number)[] = []
    let from = 0
    for (const match of text.matchAll(pattern)) {
      parts.push(text.slice(from, match.index), this.specialIds.get(match[0])!)
      from = match.index + match[0].length
    }
    parts.push(text.slice(from))
    return parts
  }

  /**
   * The text of ids; bytes that are not UTF-8 become U+FFFD. Special tokens are left out, or with `special` written as their text.
   * Throws a RangeError that names an id outside the vocabulary.
   */
  decode(ids: ArrayLike<number>, { special = false }: { special?: boolean } = {}): string {
    return decoder.decode(this.bytesOfAll(ids, special))
  }

  /** The bytes of one token; of a special one, its text in UTF-8. Throws a RangeError for an id outside the vocabulary. */
  bytesOf(id: number): Uint8Array {
    const token = this.vocabulary.tokens[id]
    if (!token) throw new RangeError(`token id ${id} is outside the vocabulary: expected 0 to ${this.vocabSize - 1}`)
    return token
  }

  /** The id of a special token, or of the ordinary token with this very text. Throws a RangeError when there is none. */
  idOf(text: string): number {
    const special = this.specialIds.get(text)
    if (special !== undefined) return special
    const bytes = encoder.encode(text)
    const id = this.vocabulary.tokens.findIndex(
      (token, id) => token.length === bytes.length && !this.added[id] && token.every((byte, i) => byte === bytes[i]),
    )
    if (id < 0) throw new RangeError(`the vocabulary has no token ${JSON.stringify(text)}`)
    return id
  }

  /** Whether an id is a special token's. */
  isSpecialId(id: number): boolean {
    return this.isSpecial[id] === 1
  }

  private bytesOfAll(ids: ArrayLike<number>, special: boolean): Uint8Array {
    let length = 0
    for (let i = 0; i < ids.length; i++) {
      const token = this.bytesOf(ids[i]!)
      if (special || !this.isSpecial[ids[i]!]) length += token.length
    }
    const bytes = new Uint8Array(length)
    let at = 0
    for (let i = 0; i < ids.length; i++) {
      if (!special && this.isSpecial[ids[i]!]) continue
      const token = this.vocabulary.tokens[ids[i]!]!
      for (let k = 0; k < token.length; k++) bytes[at++] = token[k]!
    }
    return bytes
  }

  private encodeOrdinary(given: string, out: number[]) {
    const { digits } = this
    const text = this.vocabulary.nfc ? given.normalize('NFC') : given
    for (let start = 0, end = 0; start < text.length; start = end) {
      end = wordEnd(text, start, digits)
      if (text.charCodeAt(end - 1) < FIRST_CUT) this.encodePiece(text, start, end, out)
      else this.encodePieces(text, start, end, out)
    }
  }

  /** Cuts a word where no token crosses (joins.ts). */
  private encodePieces(text: string, start: number, end: number, out: number[]) {
    let from = start
    for (let i = start + 1; i < end; i++) {
      if (mayJoin(this.joins, text.charCodeAt(i - 1), text.charCodeAt(i))) continue
      this.encodePiece(text, from, i, out)
      from = i
    }
    this.encodePiece(text, from, end, out)
  }

  private encodePiece(text: string, start: number, end: number, out: number[]) {
    const { cache } = this
    const cached = end - start <= CACHED_UNITS
    const place = cached ? cache.place(text, start, end) : 0
    if (cached && cache.read(place, text, start, end, out)) return
    const count = this.encodeWord(text, start, end)
    for (let i = 0; i < count; i++) out.push(this.ids[i]!)
    if (cached) cache.write(place, text, start, end, this.ids, count)
  }

  /** Puts the ids of one word into `this.ids` and returns how many there are. */
  private encodeWord(text: string, start: number, end: number): number {
    const most = (end - start) * 3 // UTF-8 bytes of a UTF-16 code unit
    if (this.ids.length < most) this.ids = new Int32Array(most * 2)
    const { ids, starts, byteIds } = this
    const whole = this.whole?.get(text.slice(start, end).toWellFormed())
    if (whole !== undefined) {
      ids[0] = whole
      return 1
    }
    let count = 0
    for (let i = start; i < end; i++) {
      const unit = text.charCodeAt(i)
      const id = starts[unit]!
      if (id >= 0) {
        ids[count++] = id
        continue
      }
      const codePoint = text.codePointAt(i)!
      if (codePoint > 0xffff) i++
      const from = count
      count = writeUtf8(codePoint, ids, from)
      for (let k = from; k < count; k++) ids[k] = byteIds[ids[k]!]!
    }
    return mergeWord(this.merges, ids, count)
  }

  private wholeTokens(): Map<string, number> {
    const found = new Map<string, number>()
    this.vocabulary.tokens.forEach((token, id) => {
      if (this.added[id] || !isWhole(token)) return
      const text = decoder.decode(token)
      if (encoder.encode(text).length === token.length) found.set(text, id)
    })
    return found
  }

  /** For each UTF-16 code unit, the id of the token it starts as; -1 where it starts as bytes. */
  private charactersThatStartWhole(): Int32Array {
    const starts = new Int32Array(0x10000).fill(-1)
    for (let unit = 0; unit < 0x80; unit++) starts[unit] = this.byteIds[unit]!
    const { tokens } = this.vocabulary
    const ordinary = (id: number) => !this.added[id]
    if (!tokens.every((token, id) => !ordinary(id) || isWhole(token) || isPiece(token))) return starts
    tokens.forEach((token, id) => {
      if (!ordinary(id) || token.length > 3 || sequenceLength(token[0]!) !== token.length || !isWhole(token)) return
      const ids = Int32Array.from(token, (byte) => this.byteIds[byte]!)
      if (mergeWord(this.merges, ids, ids.length) === 1 && ids[0] === id)
        starts[decoder.decode(token).charCodeAt(0)] = id
    })
    return starts
  }
}

function patternOf(special: readonly SpecialToken[]): RegExp | undefined {
  if (special.length === 0) return undefined
  const longestFirst = special.map(({ text }) => text).sort((a, b) => b.length - a.length)
  return new RegExp(longestFirst.map((text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|'), 'g')
}
