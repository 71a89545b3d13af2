import { describe, expect, test } from 'vitest'
import { Tokenizer, trainTokenizer } from './index.ts'
import { documents } from './text.test-helper.ts'
import { encodeAll, trainTokenizerOnThreads } from './threads.node.ts'

// Enough for workers to be started (2 M code units), with a word no worker should be cut at and lone surrogates.
const some = [...documents(300, 4), 'x'.repeat(70_000), 'a\ud800b \udc00\udc00', '']
const many = Array.from({ length: 30 }, (_, i) => some.map((text) => `${text} ${i}`)).flat()
const json = (tokenizer: Tokenizer) => JSON.stringify(tokenizer.toJson())
const tokenizer = await trainTokenizer(some, { vocabSize: 600 })

describe('on threads', () => {
  test('a tokenizer learns the same', async () => {
    const expected = json(await trainTokenizer(many, { vocabSize: 700, hanCap: 2 }))
    for (const threads of [1, 2, 3])
      expect(json(await trainTokenizerOnThreads(many, { vocabSize: 700, hanCap: 2, threads })), `${threads}`).toBe(
        expected,
      )
    expect(json(await trainTokenizerOnThreads(some, { vocabSize: 600 }))).toBe(json(tokenizer))
  })

  test('documents become the same ids, in order', async () => {
    for (const [texts, threads] of [
      [many, 1],
      [many, 3],
      [some, 2],
      [[], 2],
    ] as const) {
      let i = 0
      for await (const ids of encodeAll(tokenizer, texts, { threads })) {
        const expected = tokenizer.encode(texts[i++]!)
        if (ids.join() !== expected.join()) expect([...ids]).toEqual(expected)
      }
      expect(i).toBe(texts.length)
    }
  })

  test('special tokens are read when asked for', async () => {
    const text = 'a<|im_end|>'
    for await (const ids of encodeAll(tokenizer, [text], { special: true }))
      expect([...ids]).toEqual(tokenizer.encode(text, { special: true }))
    const texts = [...many, text]
    let last: Int32Array | undefined
    for await (const ids of encodeAll(tokenizer, texts, { special: true, threads: 2 })) last = ids
    expect([...last!]).toEqual(tokenizer.encode(text, { special: true }))
  })

  test('a reader that fails, and a caller that stops, end it', async () => {
    function* failing() {
      yield* many
      throw new Error('no more')
    }
    const readAll = async () => {
      let documents = 0
      for await (const ids of encodeAll(tokenizer, failing(), { threads: 2 })) documents += Math.min(1, ids.length)
      return documents
    }
    await expect(readAll()).rejects.toThrow('no more')
    await expect(trainTokenizerOnThreads(failing(), { vocabSize: 600, threads: 2 })).rejects.toThrow('no more')
    for await (const ids of encodeAll(tokenizer, many, { threads: 2 })) if (ids.length >= 0) break
    await expect(trainTokenizerOnThreads(failing(), { vocabSize: 3 })).rejects.toThrow('vocabSize is 3')
  })
})
