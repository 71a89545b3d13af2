import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { qwen2Pattern, splitWords } from './pretokenize.ts'
import { anyText } from './text.test-helper.ts'

/** The regular expression itself, its Oniguruma \s and \S spelled out for JavaScript and its case folding for ASCII. */
const regex = new RegExp(
  qwen2Pattern
    .replace(/^\(\?i:(.*?)\)/, (_, words: string) => words.replace(/[a-z]/g, (c) => `[${c}${c.toUpperCase()}]`))
    .replaceAll('\\s', '\\p{White_Space}')
    .replaceAll('\\S', '\\P{White_Space}'),
  'gu',
)
const oracle = (text: string): string[] => text.match(regex) ?? []

describe('the pre-split', () => {
  test('is the regular expression of Qwen2', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(splitWords(text)).toEqual(oracle(text))
      }),
      { numRuns: 3000 },
    )
  })

  test('puts every code point in its class', () => {
    for (let c = 0; c < 0x110000; c += 1) {
      const character = String.fromCodePoint(c)
      const text = `a${character}b ${character}`
      const words = splitWords(text)
      if (words.join('\0') !== oracle(text).join('\0'))
        expect(`U+${c.toString(16)}: ${words.join('|')}`).toBe(oracle(text).join('|'))
    }
  })

  test('keeps digits apart, contractions off, a space or mark before letters, and clauses whole', () => {
    expect(splitWords("I'll pay 42 yuan（今天）。\n\n  ok  ")).toEqual([
      'I',
      "'ll",
      ' pay',
      ' ',
      '4',
      '2',
      ' yuan',
      '（今天',
      '）。\n\n',
      ' ',
      ' ok',
      '  ',
    ])
  })

  test('loses nothing', () => {
    fc.assert(fc.property(anyText, (text) => splitWords(text).join('') === text))
  })
})
