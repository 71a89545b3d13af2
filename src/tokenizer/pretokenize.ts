/**
 * The pre-splits of Qwen2 and Llama 3: where the words of a text end, before any merge. They differ in numbers only: Qwen2's digits stand
 * alone, of Llama 3's up to three stand together.
 *
 * `qwen2Pattern` is the regular expression of Qwen2's tokenizer.json, letter for letter; `splitWords` finds the same words with a
 * table of character classes, one pass and no backtracking. The test compares the two. A letter run takes one leading space or mark
 * with it, and a Chinese clause is one word. `\s` is Unicode's White_Space, as in Oniguruma (JavaScript's own
 * adds U+FEFF and leaves out U+0085). Contractions fold ASCII only, as in llama.cpp and tokenizers.js; the Rust tokenizers also cut
 * after 'ſ (U+017F), the one difference left. A lone surrogate is neither letter, digit nor space. There is no normaliser.
 */

export const qwen2Pattern =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

/** Llama 3's, letter for letter. */
export const llama3Pattern = qwen2Pattern.replace('|\\p{N}|', '|\\p{N}{1,3}|')

export type PreSplit = 'qwen2' | 'llama3'
export const patterns: Readonly<Record<PreSplit, string>> = { qwen2: qwen2Pattern, llama3: llama3Pattern }
/** Digits that may stand together. */
export const digitsOf: Readonly<Record<PreSplit, number>> = { qwen2: 1, llama3: 3 }

const LETTER = 1
const NUMBER = 2
const OTHER = 3
const SPACE = 4 // from here on: white space
const NEWLINE = 5
const HIGH_SURROGATE = 6 // as a code unit: look at the code point

/** The class of every code point, filled in as they come; 0: not met yet. */
const classes = new Uint8Array(0x110000)
classes.fill(HIGH_SURROGATE, 0xd800, 0xdc00)

function classify(codePoint: number): number {
  const character = String.fromCodePoint(codePoint)
  const kind = /[\r\n]/.test(character)
    ? NEWLINE
    : /\p{White_Space}/u.test(character)
      ? SPACE
      : /\p{L}/u.test(character)
        ? LETTER
        : /\p{N}/u.test(character)
          ? NUMBER
          : OTHER
  return (classes[codePoint] = kind)
}

/** The class of the code point at `i`; there must be one. */
function classAt(text: string, i: number): number {
  const unit = text.charCodeAt(i)
  const kind = classes[unit] || classify(unit)
  if (kind !== HIGH_SURROGATE) return kind
  const codePoint = text.codePointAt(i)!
  if (codePoint < 0x10000) return OTHER
  return classes[codePoint] || classify(codePoint)
}

/** Where the code point at `i` ends. */
function after(text: string, i: number): number {
  return (text.charCodeAt(i) & 0xfc00) === 0xd800 && text.codePointAt(i)! >= 0x10000 ? i + 2 : i + 1
}

/** Where the run of code points of `kind` that starts at `i` ends. */
function runEnd(text: string, i: number, kind: number): number {
  const n = text.length
  while (i < n) {
    const unit = classes[text.charCodeAt(i)]
    if (unit === kind) i++
    else if ((unit === 0 || unit === HIGH_SURROGATE) && classAt(text, i) === kind) i = after(text, i)
    else break
  }
  return i
}

/** Where the contraction at the apostrophe `i` ends ('s 't 're 've 'm 'll 'd, either case); `i` when there is none. */
function contractionEnd(text: string, i: number): number {
  const first = text.charCodeAt(i + 1) | 0x20 // lower case, for ASCII letters
  if (first === 0x73 || first === 0x74 || first === 0x6d || first === 0x64) return i + 2
  const second = text.charCodeAt(i + 2) | 0x20
  if ((first === 0x72 || first === 0x76) && second === 0x65) return i + 3
  if (first === 0x6c && second === 0x6c) return i + 3
  return i
}

/**
 * Where the word that starts at `start` ends; `start` must lie inside the text, at the end of the word before. `digits`: how many may stand
 * together.
 */
export function wordEnd(text: string, start: number, digits = 1): number {
  const n = text.length
  const kind = classAt(text, start)
  const second = after(text, start)
  if (kind === LETTER) return runEnd(text, second, LETTER)
  if (kind === NUMBER) return numberEnd(text, second, digits - 1)
  const unit = text.charCodeAt(start)
  const nextKind = second < n ? classAt(text, second) : 0
  if (nextKind === LETTER && kind !== NEWLINE) {
    const end = unit === 0x27 ? contractionEnd(text, start) : start
    return end > start ? end : runEnd(text, second, LETTER)
  }
  if (kind === OTHER) return runEnd(text, runEnd(text, second, OTHER), NEWLINE)
  if (unit === 0x20 && nextKind === OTHER) return runEnd(text, runEnd(text, second, OTHER), NEWLINE)
  return whiteSpaceEnd(text, start)
}

/** Where at most `more` digits that start at `i` end. */
function numberEnd(text: string, i: number, more: number): number {
  for (; more > 0 && i < text.length && classAt(text, i) === NUMBER; more--) i = after(text, i)
  return i
}

/** White space up to its last line break, or all of it but the last when a visible character follows. All of it is in the BMP. */
function whiteSpaceEnd(text: string, start: number): number {
  let end = start
  let afterNewline = start
  while (end < text.length) {
    const kind = classAt(text, end)
    if (kind < SPACE) break
    end++
    if (kind === NEWLINE) afterNewline = end
  }
  if (afterNewline > start) return afterNewline
  return end < text.length && end - start > 1 ? end - 1 : end
}

/** The words of a text, in order; joined they are the text. */
export function splitWords(text: string, split: PreSplit = 'qwen2'): string[] {
  const words: string[] = []
  for (let start = 0; start < text.length;) {
    const end = wordEnd(text, start, digitsOf[split])
    words.push(text.slice(start, end))
    start = end
  }
  return words
}
