/**
 * What kind each UTF-16 unit is, from Unicode's own properties: one table of 64 kB, made on first use, so that a text is classified at one
 * load a unit. Units of surrogate pairs have a kind of their own; who meets one asks `kindOfPair`.
 */
export const Kind = { space: 0, letter: 1, digit: 2, cjk: 3, mark: 4, symbol: 5, newline: 6, surrogate: 7 } as const

let table: Uint8Array | undefined

/** The table; index it with `charCodeAt`. Symbols are punctuation, signs and controls. */
export function kinds(): Uint8Array {
  if (table !== undefined) return table
  table = new Uint8Array(65536).fill(Kind.symbol)
  const all = Array.from({ length: 0xd800 }, (_, i) => String.fromCharCode(i)).join('')
  const rest = Array.from({ length: 0x2000 }, (_, i) => String.fromCharCode(0xe000 + i)).join('')
  const put = (pattern: RegExp, kind: number) => {
    for (const [part, from] of [
      [all, 0],
      [rest, 0xe000],
    ] as const)
      for (const { index, 0: run } of part.matchAll(pattern)) table!.fill(kind, from + index, from + index + run.length)
  }
  put(/\p{L}+/gu, Kind.letter)
  put(/\p{N}+/gu, Kind.digit)
  put(/\p{M}+/gu, Kind.mark)
  put(/\s+/g, Kind.space)
  // Characters that stand for a word or a part of one: Han, kana (with the long vowel mark), the iteration mark and the ideographic zero.
  put(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー々〇]+/gu, Kind.cjk)
  table.fill(Kind.symbol, 0x2e80, 0x2fe0) // radicals are drawings of characters, not text
  table[0x30fb] = Kind.symbol // ・ and ・'s half width stand between words
  table[0xff65] = Kind.symbol
  table[0x0a] = Kind.newline
  table.fill(Kind.surrogate, 0xd800, 0xe000)
  return table
}

/** The kind of a character beyond the basic plane: ideographs, letters of old scripts, or a symbol such as an emoji. */
export function kindOfPair(high: number, low: number): number {
  const code = 0x10000 + ((high & 0x3ff) << 10) + (low & 0x3ff)
  if (code >= 0x20000 && code < 0x40000) return Kind.cjk
  return code < 0x1d000 ? Kind.letter : Kind.symbol
}
