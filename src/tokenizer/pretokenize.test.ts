import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { llama3Pattern, qwen2Pattern, splitWords } from './pretokenize.ts'
import { anyText } from './text.test-helper.ts'

/** The regular expression itself, its Oniguruma \s and \S spelled out for JavaScript and its case folding for ASCII. */
const regexOf = (pattern: string) =>
  new RegExp(
    pattern
      .replace(/^\(\?i:(.*?)\)/, (_, words: string) => words.replace(/[a-z]/g, (c) => `[${c}${c.toUpperCase()}]`))
      .replaceAll('\\s', '\\p{White_Space}')
      .replaceAll('\\S', '\\P{White_Space}'),
    'gu',
  )
const [regex, llama3Regex] = [regexOf(qwen2Pattern), regexOf(llama3Pattern)]
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

  test('is the regular expression of Llama 3', () => {
    const numbers = fc.array(fc.constantFrom('1', '23', '٣', '𝟘', '½', ' ', 'a', '.', '我'), { maxLength: 20 })
    const text = fc.oneof(
      anyText,
      numbers.map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(text, (text) => {
        expect(splitWords(text, 'llama3')).toEqual(text.match(llama3Regex) ?? [])
      }),
      { numRuns: 3000 },
    )
    expect(llama3Pattern).toContain('|\\p{N}{1,3}|')
    expect(splitWords('1234567 𝟘𝟘𝟘𝟘', 'llama3')).toEqual(['123', '456', '7', ' ', '𝟘𝟘𝟘', '𝟘'])
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
