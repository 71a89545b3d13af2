import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readTiktoken, splitWords, Tokenizer, trainTokenizer } from './index.ts'
import { anyText, documents } from './text.test-helper.ts'

const latin1 = (bytes: Uint8Array) => String.fromCharCode(...bytes)
const fileOf = (tokens: readonly Uint8Array[]) => tokens.map((token, id) => `${btoa(latin1(token))} ${id}`).join('\n')

/** tiktoken's algorithm in its plainest form: of all neighbours the one whose bytes have the lowest rank merges, leftmost first. */
function plainEncode(tokens: readonly Uint8Array[]) {
  const ranks = new Map(tokens.map((token, id) => [latin1(token), id]))
  return (text: string): number[] =>
    splitWords(text, 'llama3').flatMap((word) => {
      const parts = [...new TextEncoder().encode(word)].map((byte) => String.fromCharCode(byte))
      for (;;) {
        let [best, at] = [Infinity, -1]
        for (let i = 0; i + 1 < parts.length; i++) {
          const rank = ranks.get(parts[i]! + parts[i + 1]!) ?? Infinity
          if (rank < best) [best, at] = [rank, i]
        }
        if (at < 0) return parts.map((part) => ranks.get(part)!)
        parts.splice(at, 2, parts[at]! + parts[at + 1]!)
      }
    })
}

describe('ranks', () => {
  // Random tokens: cut inside characters, with several ways to make one token and some that no merges make.
  const anyTokens = fc
    .array(
      fc
        .string({ unit: fc.constantFrom('a', 'b', ' ', '我', '们', '的', '𠮷', 'é', '\n'), minLength: 1, maxLength: 4 })
        .chain((text) => {
          const bytes = new TextEncoder().encode(text)
          return fc
            .tuple(fc.nat(bytes.length - 1), fc.nat(bytes.length))
            .map(([a, b]) => bytes.slice(Math.min(a, b), Math.max(a + 1, b)))
        }),
      { minLength: 1, maxLength: 80 },
    )
    .map((parts) => {
      const tokens = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte))
      const seen = new Set(tokens.map(latin1))
      for (const part of parts) {
        if (seen.has(latin1(part))) continue
        seen.add(latin1(part))
        tokens.push(part)
      }
      return tokens
    })
  const text = fc.oneof(
    fc.string({ unit: fc.constantFrom('a', 'b', ' ', '我', '们', '的', '𠮷', 'é', '\n', '在'), maxLength: 60 }),
    fc.string({ unit: fc.constantFrom('我', '们', '的'), minLength: 20, maxLength: 120 }),
    anyText,
  )

  test('give the ids of the plain algorithm, whatever the tokens', () => {
    fc.assert(
      fc.property(anyTokens, fc.array(text, { minLength: 1, maxLength: 6 }), (tokens, texts) => {
        const tokenizer = new Tokenizer(readTiktoken(fileOf(tokens)))
        const plain = plainEncode(tokens)
        for (const text of [...texts, ...texts]) {
          const ids = tokenizer.encode(text)
          expect(ids).toEqual(plain(text))
          expect(tokenizer.decode(ids)).toBe(text.toWellFormed())
        }
      }),
      { numRuns: 300 },
    )
  })

  test('of a trained vocabulary give the ids of its merges', async () => {
    const trained = await trainTokenizer(documents(200), { vocabSize: 700 })
    const tokens = trained.vocabulary.tokens.slice(0, -3)
    const read = new Tokenizer(readTiktoken(fileOf(tokens)))
    const own = new Tokenizer({ ...trained.vocabulary, split: 'llama3' })
    for (const text of documents(60, 5)) expect(read.encode(text)).toEqual(own.encode(text))
  })

  test('are refused by line', () => {
    const lines = fileOf(Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte))).split('\n')
    const broken = (line: string) => () => readTiktoken([...lines, line].join('\n'), 'x.tiktoken')
    expect(broken('YWI= 256')).not.toThrow()
    expect(broken('YWI= 257')).toThrow('x.tiktoken, line 257: "YWI= 257": expected the rank 256')
    expect(broken('YQ== 256')).toThrow('a token that no earlier line has')
    expect(broken('YWI=')).toThrow('a token in base64, a space and its rank')
    expect(broken('A 256')).toThrow('line 257')
    expect(() => readTiktoken(lines.slice(0, -1).join('\n'))).toThrow('the byte 255 has no token')
  })
})

const data = process.env.XUEBA_DATA ?? join(import.meta.dirname, '../../../shared/data')
const [ranks, plans] = ['cl100k_base.tiktoken', 'TestPlans.txt'].map((name) => join(data, 'tokenizer', name)) as [
  string,
  string,
]
const present = existsSync(ranks) && existsSync(plans)
describe.skipIf(!present)(`cl100k${present ? '' : ' (skipped: no shared/data)'}`, () => {
  const vocabulary = present ? readTiktoken(readFileSync(ranks, 'utf8')) : undefined!
  const tokenizer = present ? new Tokenizer(vocabulary) : undefined!

  test("has tiktoken's own ids for its samples", () => {
    const found = [
      ...readFileSync(plans, 'utf8').matchAll(/EncodingName: cl100k_base\nSample: ([^]*?)\nEncoded: (\[.*?\])/g),
    ]
    expect(found.length).toBeGreaterThan(50)
    for (const [, text, ids] of found) expect(tokenizer.encode(text!)).toEqual(JSON.parse(ids!))
  })

  test('makes every token that is one word from its own text', () => {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true })
    let checked = 0
    vocabulary.tokens.forEach((token, id) => {
      let text
      try {
        text = decoder.decode(token)
      } catch {
        return
      }
      if (splitWords(text, 'llama3').length > 1) return
      checked++
      if (tokenizer.encode(text).join() !== `${id}`) expect(tokenizer.encode(text), text).toEqual([id])
    })
    expect(checked).toBeGreaterThan(90_000)
  })

  test('gives the ids of the plain algorithm', () => {
    const plain = plainEncode(vocabulary.tokens)
    const han = fc.string({
      unit: fc.constantFrom(...'的一是在不了有和人这中国我们来到时大地为子上，。  a'),
      maxLength: 40,
    })
    fc.assert(
      fc.property(fc.oneof(anyText, han), (text) => {
        expect(tokenizer.encode(text)).toEqual(plain(text))
      }),
      { numRuns: 1500 },
    )
  })
})
