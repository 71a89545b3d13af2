/**
 * A text as filters see it: split once into lines and words, looked at by all of them.
 *
 * Spaced languages are counted in words and punctuation marks, each a token of its own, as the tokenizer does (spaCy's) under which
 * FineWeb's thresholds were found (`it's` stays whole here, `well-known` is three); or in what stands between spaces. Chinese and
 * Japanese are counted in characters, without punctuation, because a segmenter alone takes as long as all filters together may; a Chinese
 * word has about 1.6 characters, by which thresholds for words are scaled. Or in the words of Intl.Segmenter.
 */
import { Kind, kindOfPair, kinds } from './characters.ts'

export type Unit = 'tokens' | 'spaces' | 'characters' | 'segments'

export interface Units {
  /** What spaced languages are counted in. */
  words?: 'tokens' | 'spaces'
  /** What Chinese and Japanese are counted in: characters, or segments. */
  chinese?: 'characters' | 'words'
}

export interface TextView {
  text: string
  unit: Unit
  /** Trimmed, without empty ones. */
  lines: string[]
  newlines: number
  /** Where each token begins and ends in the text. */
  starts: Int32Array
  ends: Int32Array
  /** A hash of each token's text. */
  hashes: Int32Array
  /** What each token is: `Token.mark` (punctuation), `Token.number` or `Token.word` (at least one letter). */
  tokens: Uint8Array
  /** Tokens that are no punctuation. */
  words: number
}

export const Token = { mark: 0, number: 1, word: 2 } as const

/** Without a language, a text with much Han or kana in it is Chinese. */
export function viewOf(text: string, language?: string, { words: spaced, chinese }: Units = {}): TextView {
  const unspaced = language === undefined ? isMostlyHan(text) : language === 'zh' || language === 'ja'
  const unit: Unit = unspaced ? (chinese === 'words' ? 'segments' : 'characters') : (spaced ?? 'tokens')
  const lines: string[] = []
  let newlines = 0
  for (let from = 0; from <= text.length; newlines++) {
    const at = text.indexOf('\n', from)
    const to = at < 0 ? text.length : at
    const line = text.slice(from, to).trim()
    if (line !== '') lines.push(line)
    from = to + 1
  }
  newlines--
  if (unit === 'segments') segment(text)
  else if (unit === 'spaces') splitAtSpaces(text)
  else split(text, unit === 'characters')
  return {
    text,
    unit,
    lines,
    newlines,
    starts: starts.slice(0, size),
    ends: ends.slice(0, size),
    hashes: hashes.slice(0, size),
    tokens: tokens.slice(0, size),
    words,
  }
}

/** Scratch of the two splitters, which all calls share; what a view holds is a copy. */
let starts = new Int32Array(1 << 12)
let ends = new Int32Array(1 << 12)
let hashes = new Int32Array(1 << 12)
let tokens = new Uint8Array(1 << 12)
let size = 0
let words = 0

function reset(length: number) {
  size = 0
  words = 0
  if (length <= starts.length) return
  const room = 2 ** Math.ceil(Math.log2(length))
  ;[starts, ends, hashes, tokens] = [
    new Int32Array(room),
    new Int32Array(room),
    new Int32Array(room),
    new Uint8Array(room),
  ]
}

const hashStart = 0x811c9dc5 | 0 // FNV-1a

function split(text: string, byCharacter: boolean) {
  const kindOf = kinds()
  reset(text.length)
  const { length } = text
  let i = 0
  while (i < length) {
    const code = text.charCodeAt(i)
    let kind = kindOf[code]!
    if (kind === Kind.space || kind === Kind.newline) {
      i++
      continue
    }
    const from = i
    let hash = Math.imul(hashStart ^ code, 0x01000193)
    i++
    if (kind === Kind.surrogate && i < length) {
      const low = text.charCodeAt(i)
      kind = kindOfPair(code, low)
      hash = Math.imul(hash ^ low, 0x01000193)
      i++
    }
    if (byCharacter && kind === Kind.cjk) {
      put(from, i, hash, Token.word)
      continue
    }
    if (kind >= Kind.symbol) {
      // The same mark again belongs to it: an ellipsis of dots is one.
      while (i < length && text.charCodeAt(i) === code) {
        hash = Math.imul(hash ^ code, 0x01000193)
        i++
      }
      if (!byCharacter) put(from, i, hash, Token.mark)
      continue
    }
    let hasLetter = kind !== Kind.digit
    let last = kind
    while (i < length) {
      const next = text.charCodeAt(i)
      const nextKind = kindOf[next]!
      if (nextKind === Kind.letter || nextKind === Kind.mark) hasLetter = true
      else if (nextKind === Kind.cjk && !byCharacter) hasLetter = true
      else if (nextKind !== Kind.digit) {
        if (!joins(next, last, i + 1 < length ? kindOf[text.charCodeAt(i + 1)]! : Kind.space)) break
      }
      hash = Math.imul(hash ^ next, 0x01000193)
      last = nextKind
      i++
    }
    put(from, i, hash, hasLetter ? Token.word : Token.number)
  }
}

function splitAtSpaces(text: string) {
  const kindOf = kinds()
  reset(text.length)
  const isSpace = (i: number) =>
    kindOf[text.charCodeAt(i)] === Kind.space || kindOf[text.charCodeAt(i)] === Kind.newline
  for (let i = 0; i < text.length; i++) {
    if (isSpace(i)) continue
    const from = i
    let hash = hashStart
    let hasLetter = false
    for (; i < text.length && !isSpace(i); i++) {
      const code = text.charCodeAt(i)
      hash = Math.imul(hash ^ code, 0x01000193)
      const kind = kindOf[code]!
      if (kind === Kind.letter || kind === Kind.cjk) hasLetter = true
    }
    put(from, i, hash, hasLetter ? Token.word : Token.number)
  }
}

/** An apostrophe between letters, a point, comma or colon between digits. */
function joins(code: number, before: number, after: number): boolean {
  if (code === 0x27 || code === 0x2019) return before === Kind.letter && after === Kind.letter
  return (code === 0x2e || code === 0x2c || code === 0x3a) && before === Kind.digit && after === Kind.digit
}

function put(from: number, to: number, hash: number, token: number) {
  starts[size] = from
  ends[size] = to
  hashes[size] = hash
  tokens[size] = token
  size++
  if (token !== Token.mark) words++
}

let segmenter: Intl.Segmenter | undefined

function segment(text: string) {
  const kindOf = kinds()
  segmenter ??= new Intl.Segmenter('zh', { granularity: 'word' })
  reset(text.length)
  // Line by line: the segmenter's time for one long string is more than linear.
  for (let from = 0; from < text.length;) {
    const at = text.indexOf('\n', from)
    const to = at < 0 ? text.length : at
    for (const { segment, index } of segmenter.segment(text.slice(from, to))) {
      let hash = hashStart
      let token: number = Token.mark
      let blank = true
      for (let k = 0; k < segment.length; k++) {
        const code = segment.charCodeAt(k)
        hash = Math.imul(hash ^ code, 0x01000193)
        const kind =
          kindOf[code] === Kind.surrogate && k + 1 < segment.length
            ? kindOfPair(code, segment.charCodeAt(k + 1))
            : kindOf[code]!
        if (kind !== Kind.space) blank = false
        if (kind === Kind.letter || kind === Kind.cjk) token = Token.word
        else if (kind === Kind.digit && token === Token.mark) token = Token.number
      }
      if (!blank) put(from + index, from + index + segment.length, hash, token)
    }
    from = to + 1
  }
}

function isMostlyHan(text: string): boolean {
  let han = 0
  let letters = 0
  for (let i = 0; i < Math.min(text.length, 4000); i++) {
    const code = text.charCodeAt(i)
    if (code >= 0x3041 && code <= 0x9fff) han++
    else if (code > 64) letters++
  }
  return 3 * han > letters
}

export const isSpaced = (unit: Unit): boolean => unit === 'tokens' || unit === 'spaces'
