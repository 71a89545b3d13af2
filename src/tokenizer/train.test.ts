import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Tokenizer, trainTokenizer, VocabularyTooLarge } from './index.ts'
import { splitWords } from './pretokenize.ts'
import { anyText, documents } from './text.test-helper.ts'
import { isPiece, isWhole } from './utf8.ts'

const json = (tokenizer: Tokenizer) => JSON.stringify(tokenizer.toJson())
const mergesOf = (tokenizer: Tokenizer) => tokenizer.toJson().model.merges

/** The textbook: count all pairs anew for each merge. */
function textbookMerges(texts: readonly string[], count: number): [number, number, number][] {
  const words = texts.flatMap((text) => splitWords(text)).map((word) => [...new TextEncoder().encode(word)])
  const bytes = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte))
  const merges: [number, number, number][] = []
  while (merges.length < count) {
    const counts = new Map<string, number>()
    for (const word of words) {
      for (let i = 0; i + 1 < word.length; i++) {
        const joined = Uint8Array.of(...bytes[word[i]!]!, ...bytes[word[i + 1]!]!)
        const key = `${word[i]} ${word[i + 1]}`
        if (isWhole(joined) || isPiece(joined)) counts.set(key, (counts.get(key) ?? 0) + 1)
      }
    }
    const ranked = [...counts].map(([key, n]) => [n, ...key.split(' ').map(Number)] as [number, number, number])
    const [best] = ranked.sort((a, b) => b[0] - a[0] || a[1] - b[1] || a[2] - b[2])
    if (!best || best[0] < 2) break
    const [, left, right] = best
    merges.push([left, right, bytes.length])
    for (const word of words) {
      for (let i = 0; i + 1 < word.length; i++)
        if (word[i] === left && word[i + 1] === right) word.splice(i, 2, bytes.length)
    }
    bytes.push(Uint8Array.of(...bytes[left]!, ...bytes[right]!))
  }
  return merges
}

describe('training', () => {
  test('learns the merges of the textbook', async () => {
    const texts = fc.array(
      fc.oneof(anyText, fc.string({ unit: fc.constantFrom('a', 'b', '我', '𠮷'), maxLength: 30 })),
      {
        minLength: 1,
        maxLength: 8,
      },
    )
    await fc.assert(
      fc.asyncProperty(texts, async (texts) => {
        const expected = textbookMerges(texts, 40)
        fc.pre(expected.length > 0)
        const tokenizer = await trainTokenizer(texts, { vocabSize: 259 + expected.length, hanCap: 'none' })
        expect(tokenizer.vocabulary.merges).toEqual(expected)
      }),
      { numRuns: 100 },
    )
  })

  test('of a larger corpus too', async () => {
    const texts = documents(30)
    const tokenizer = await trainTokenizer(texts, { vocabSize: 459, hanCap: 'none' })
    expect(tokenizer.vocabulary.merges).toEqual(textbookMerges(texts, 200))
  })

  test('depends on the counts of words alone', async () => {
    const texts = documents(60)
    async function* reversed() {
      for (const text of texts.toReversed()) yield text
    }
    const once = await trainTokenizer(texts, { vocabSize: 500 })
    expect(json(await trainTokenizer(reversed(), { vocabSize: 500 }))).toBe(json(once))
    expect(json(await trainTokenizer([...texts, ...texts], { vocabSize: 500 }))).toBe(json(once))
  })

  test('makes tokens of whole characters, or pieces of one', async () => {
    const { vocabulary } = await trainTokenizer(documents(200), { vocabSize: 700 })
    const mixed = vocabulary.tokens.filter((token) => !isWhole(token) && !isPiece(token))
    expect(mixed).toEqual([])
  })

  test('cuts runs of Han characters while counting', async () => {
    const texts = Array.from({ length: 9 }, () => '，春眠不觉晓abc处处')
    const longest = async (hanCap: 2 | 4 | 'none') => {
      const full = await trainTokenizer(texts, { vocabSize: 999, hanCap }).catch(
        (error: VocabularyTooLarge) => error.largest,
      )
      const { vocabulary } = await trainTokenizer(texts, { vocabSize: full as number, hanCap })
      const runs = vocabulary.tokens.map((token) => new TextDecoder().decode(token).match(/\p{Script=Han}+/gu) ?? [''])
      return Math.max(...runs.flat().map((run) => run.length))
    }
    expect(await longest(2)).toBe(2)
    expect(await longest(4)).toBe(4)
    expect(await longest('none')).toBe(5)
  })

  test('says how large the vocabulary can be', async () => {
    const error = await trainTokenizer(['abab abab'], { vocabSize: 1000 }).then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(error).toBeInstanceOf(VocabularyTooLarge)
    const { largest, message } = error as VocabularyTooLarge
    expect(message).toBe(
      'this text is too small for a vocabulary of 1000 tokens: it can fill at most 261 (256 bytes, 2 merges of pairs that occur ' +
        'twice or more, 3 special tokens). Ask for 261 or fewer, or give more text.',
    )
    expect((await trainTokenizer(['abab abab'], { vocabSize: largest })).vocabSize).toBe(largest)
    await expect(trainTokenizer([], { vocabSize: 300 })).rejects.toThrow('at most 259')
  })

  test('refuses what cannot be a vocabulary', async () => {
    await expect(trainTokenizer([], { vocabSize: 258 })).rejects.toThrow('expected an integer of at least 259')
    await expect(trainTokenizer([], { vocabSize: 300.5 })).rejects.toThrow('vocabSize is 300.5')
    await expect(trainTokenizer([], { vocabSize: 259, special: ['<|im_end|>'] })).rejects.toThrow('given twice')
    await expect(trainTokenizer([], { vocabSize: 260, special: [''] })).rejects.toThrow('empty')
  })

  test('of special tokens of one’s own puts them last', async () => {
    const tokenizer = await trainTokenizer(documents(50), { vocabSize: 400, special: ['<think>'] })
    expect(tokenizer.idOf('<think>')).toBe(399)
    expect(mergesOf(tokenizer)).toHaveLength(400 - 256 - 4)
  })
})
