import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Tokenizer as HuggingFace } from '@huggingface/tokenizers'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { END_OF_TEXT, IM_END, Tokenizer, trainTokenizer } from './index.ts'
import { anyText, documents } from './text.test-helper.ts'

let tokenizer: Tokenizer
let huggingFace: HuggingFace

const idsOf = (other: HuggingFace, text: string): number[] => other.encode(text).ids
const open = (one: Tokenizer) => new HuggingFace(JSON.parse(JSON.stringify(one.toJson())), {})
const withoutSpecial = (text: string) => !text.includes('<|')

beforeAll(async () => {
  tokenizer = await trainTokenizer(documents(400), { vocabSize: 600 })
  huggingFace = open(tokenizer)
})

describe('encode', () => {
  test('gives the ids of @huggingface/tokenizers', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(tokenizer.encode(text, { special: true })).toEqual(idsOf(huggingFace, text))
        if (withoutSpecial(text)) expect(tokenizer.encode(text)).toEqual(idsOf(huggingFace, text))
      }),
      { numRuns: 2000 },
    )
  })

  test('gives them also from a warm cache, and for its own corpus', () => {
    for (const text of documents(200, 2)) {
      expect(tokenizer.encode(text)).toEqual(idsOf(huggingFace, text))
      expect(tokenizer.encode(text)).toEqual(idsOf(huggingFace, text))
    }
  })

  test('gives them for long words, merged with a heap', () => {
    const units = ['a', 'b', 'th', 'e', '我们', '今', '天', '🙂', '\ud800']
    const long = fc.array(fc.constantFrom(...units), { minLength: 60, maxLength: 400 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(long, (text) => {
        expect(tokenizer.encode(text)).toEqual(idsOf(huggingFace, text))
      }),
      { numRuns: 200 },
    )
  })

  test.each([
    ['letters', 'thecatsees'],
    ['one letter', 'a'],
    ['Chinese', '今天我们在市场看见小猫'],
    ['marks', '！？'],
    ['spaces', ' '],
    ['emoji', '🙂'],
    ['lone surrogates', '\udc00'],
  ])('takes 100 kB of %s without a border in less than a second', (_, unit) => {
    const text = unit.repeat(Math.ceil(100_000 / new TextEncoder().encode(unit).length))
    const begun = performance.now()
    const ids = tokenizer.encode(text)
    expect(performance.now() - begun).toBeLessThan(1000)
    expect(tokenizer.decode(ids)).toBe(text.toWellFormed())
  })

  test('reads special tokens only when asked', () => {
    const text = `a${IM_END}b`
    expect(tokenizer.encode(text, { special: true })).toContain(tokenizer.idOf(IM_END))
    expect(tokenizer.encode(text)).not.toContain(tokenizer.idOf(IM_END))
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text)
    expect(tokenizer.encode('', { special: true })).toEqual([])
  })

  test('prefers the longest special token', async () => {
    const other = await trainTokenizer(documents(20), { vocabSize: 300, special: ['<|im', '[a+b]', '<|im_end|>>'] })
    for (const text of ['x<|im_end|>> [a+b]<|im', '<|im_<|im_end|>', '[aab]']) {
      expect(other.encode(text, { special: true })).toEqual(idsOf(open(other), text))
    }
  })
})

describe('decode', () => {
  test('gives back every well-formed text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(text.toWellFormed())
      }),
      { numRuns: 2000 },
    )
  })

  test('of any ids is what @huggingface/tokenizers gives', () => {
    const ids = fc.array(fc.integer({ min: 0, max: 599 }), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(ids, (ids) => {
        const options = { clean_up_tokenization_spaces: false }
        expect(tokenizer.decode(ids, { special: true })).toBe(huggingFace.decode(ids, options))
        expect(tokenizer.decode(ids)).toBe(huggingFace.decode(ids, { ...options, skip_special_tokens: true }))
      }),
      { numRuns: 2000 },
    )
  })

  test('names an id outside the vocabulary', () => {
    expect(() => tokenizer.decode([5, 600])).toThrow('token id 600 is outside the vocabulary: expected 0 to 599')
    expect(() => tokenizer.bytesOf(-1)).toThrow(RangeError)
  })
})

describe('the vocabulary', () => {
  test('has all bytes, then merges, then the special tokens', () => {
    expect(tokenizer.vocabSize).toBe(600)
    for (let byte = 0; byte < 256; byte++) expect([...tokenizer.bytesOf(byte)]).toEqual([byte])
    expect(tokenizer.idOf(END_OF_TEXT)).toBe(597)
    expect(tokenizer.isSpecialId(597)).toBe(true)
    expect(tokenizer.isSpecialId(596)).toBe(false)
  })

  test('is asked by text', () => {
    expect(tokenizer.idOf('A')).toBe(65)
    expect(tokenizer.decode([tokenizer.idOf(' the')])).toBe(' the')
    expect(() => tokenizer.idOf('nobody')).toThrow('the vocabulary has no token "nobody"')
  })
})

// GPT-2's real vocabulary behind Qwen2's pre-split: 50,000 merges, tokens that end inside a character, special tokens in the vocabulary.
const data = process.env.XUEBA_DATA ?? join(import.meta.dirname, '../../../shared/data')
const gpt2 = ['encoder.json', 'vocab.bpe'].map((name) => join(data, 'tokenizer', name))
const present = gpt2.every((path) => existsSync(path))
test.skipIf(!present)(
  `encodes as @huggingface/tokenizers with GPT-2's merges${present ? '' : ' (skipped: no shared/data)'}`,
  () => {
    const vocab = JSON.parse(readFileSync(gpt2[0]!, 'utf8')) as Record<string, number>
    const merges = readFileSync(gpt2[1]!, 'utf8').trim().split('\n').slice(1)
    const json = JSON.parse(JSON.stringify(tokenizer.toJson()))
    json.model = { ...json.model, vocab, merges }
    json.added_tokens = [{ ...json.added_tokens[0], id: 50256 }]
    const [ours, theirs] = [Tokenizer.fromJson(json), new HuggingFace(json, {})]
    expect(ours.vocabSize).toBe(50257)
    fc.assert(
      fc.property(anyText, (text) => {
        expect(ours.encode(text, { special: true })).toEqual(idsOf(theirs, text))
      }),
      { numRuns: 1000 },
    )
    const stories = readFileSync(join(data, 'en-stories/pratham-books-en.jsonl'), 'utf8').slice(0, 100_000)
    const recipes = readFileSync(join(data, 'zh-howtocook/howtocook.jsonl'), 'utf8').slice(0, 50_000)
    for (const text of [stories, recipes]) expect(ours.encode(text)).toEqual(idsOf(theirs, text))
  },
)
