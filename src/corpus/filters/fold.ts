/**
 * Words as they are meant, however sellers disguise them: one spelling for capitals, full-width and traditional characters, look-alike letters
 * of other alphabets, digits for letters (`c4sino`), and signs between the letters or characters of a word (`c.a.s.i.n.o`, 赌*博, `微❤信`).
 *
 * Only for looking words up: what filters keep or quote is the text itself. Most texts have nothing of the kind and cost one look a character.
 * Homophones and pinyin for characters are no matter of spelling; they stand in the lists.
 */
import folding from './fold.json' with { type: 'json' }

/** mapped: becomes another character; nothing: of no width, or a mark above a letter; sign: may stand inside a disguised word. */
const Is = { plain: 0, mapped: 1, nothing: 2, sign: 3, digit: 4 } as const

let table: { kind: Uint8Array; to: Uint16Array } | undefined

function tables() {
  if (table !== undefined) return table
  const kind = new Uint8Array(65536)
  const to = new Uint16Array(65536)
  const map = (from: number, code: number) => {
    kind[from] = Is.mapped
    to[from] = code
  }
  // Full-width letters and digits; full-width punctuation is how Chinese is written.
  for (const [first, last] of [
    [0xff10, 0xff19],
    [0xff21, 0xff3a],
    [0xff41, 0xff5a],
  ] as const)
    for (let code = first; code <= last; code++) map(code, code - 0xfee0)
  for (const pair of folding.traditional) map(pair.charCodeAt(0), pair.charCodeAt(1))
  for (const pair of folding.lookalikes) map(pair.charCodeAt(0), pair.charCodeAt(1))
  for (const code of [0xad, 0x200b, 0x200c, 0x200d, 0x2060, 0xfeff, 0xfe0e, 0xfe0f]) kind[code] = Is.nothing
  for (let code = 0x300; code < 0x370; code++) kind[code] = Is.nothing
  for (const sign of '.*-_|/~^+=#&·•・`') kind[sign.charCodeAt(0)] = Is.sign
  for (const sign of '0134579@$!') kind[sign.charCodeAt(0)] = Is.digit
  // Emoji and other pictures.
  kind.fill(Is.sign, 0x2190, 0x2c00)
  kind.fill(Is.sign, 0xd800, 0xe000)
  return (table = { kind, to })
}

/** Digits and signs that stand for the letters they look like. */
const leet: Record<string, string> = {
  0: 'o',
  1: 'i',
  3: 'e',
  4: 'a',
  5: 's',
  7: 't',
  9: 'g',
  '@': 'a',
  $: 's',
  '!': 'i',
}

/** Two filters look at every text, one after the other. */
let latest = { text: '', folded: '' }

export function fold(text: string): string {
  if (latest.text !== text) latest = { text, folded: folded(text) }
  return latest.folded
}

function folded(text: string): string {
  const { kind } = tables()
  const { length } = text
  for (let i = 0; i < length; i++) {
    const is = kind[text.charCodeAt(i)]!
    if (is === Is.plain) continue
    if (is <= Is.nothing) return unmask(text)
    // Signs and digits are everywhere; inside of a word they are not.
    const [before, after] = [text.charCodeAt(i - 1), text.charCodeAt(i + 1)]
    if (is === Is.digit ? isLetter(before) && isLetter(after) : isInside(text, i, before, after)) return unmask(text)
  }
  return text.toLowerCase()
}

const isLetter = (code: number) => (code | 32) >= 97 && (code | 32) <= 122
const isHan = (code: number) => code >= 0x4e00 && code <= 0x9fff

/** Between two characters, or between letters that all stand alone: four of them, since three are an abbreviation. */
function isInside(text: string, i: number, before: number, after: number): boolean {
  if (isHan(before)) return isHan(after) || (after >= 0x2190 && tables().kind[after] === Is.sign)
  if (!isLetter(before) || !isLetter(after) || isLetter(text.charCodeAt(i - 2))) return false
  const sign = text.charCodeAt(i)
  return text.charCodeAt(i + 2) === sign && isLetter(text.charCodeAt(i + 3)) && text.charCodeAt(i + 4) === sign
}

function unmask(text: string): string {
  const { kind, to } = tables()
  let whole = ''
  let from = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const is = kind[code]!
    if (is !== Is.mapped && is !== Is.nothing) continue
    if (isForeign(code)) continue
    whole += text.slice(from, i) + (is === Is.mapped ? String.fromCharCode(to[code]!) : '')
    from = i + 1
  }
  whole = (whole + text.slice(from)).toLowerCase()
  return (
    whole
      // A Greek or Cyrillic letter among its own is what it seems.
      .replace(/[\u0370-\u052f]*[a-z][a-z\u0370-\u052f]*/g, (word) =>
        /[\u0370-\u052f]/.test(word) ? latin(word, kind, to) : word,
      )
      .replace(/(?<=[a-z])[01345790@$!]+(?=[a-z])/g, (signs) =>
        signs.length > 3 ? signs : [...signs].map((sign) => leet[sign]).join(''),
      )
      .replace(/(?<=[\u4e00-\u9fff])(?:[^\p{L}\p{N}\s\p{P}]|[.*\-_|/~#&·•・]){1,3}(?=[\u4e00-\u9fff])/gu, '')
      .replace(/(?<![a-z0-9])[a-z](?:([.*_\-|/~·])[a-z])(?:\1[a-z]){2,}(?![a-z0-9])/g, (word) =>
        word.replace(/[^a-z]/g, ''),
      )
  )
}

const isForeign = (code: number) => code >= 0x370 && code < 0x530

function latin(word: string, kind: Uint8Array, to: Uint16Array): string {
  let spelt = ''
  for (let i = 0; i < word.length; i++) {
    const code = word.charCodeAt(i)
    spelt += kind[code] === Is.mapped ? String.fromCharCode(to[code]!) : word[i]
  }
  return spelt
}
