/** Files of other models: the pipelines of Qwen2, Qwen3 and Llama 3 give the ids of @huggingface/tokenizers. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Tokenizer as HuggingFace } from '@huggingface/tokenizers'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { llama3Pattern, Tokenizer, trainTokenizer } from './index.ts'
import { anyText, documents } from './text.test-helper.ts'

const base = JSON.parse(JSON.stringify((await trainTokenizer(documents(400), { vocabSize: 600 })).toJson()))

// GPT-2's real merges, where they are at hand: 50,000, tokens that end inside a character, special tokens in the vocabulary.
const data = process.env.XUEBA_DATA ?? join(import.meta.dirname, '../../../shared/data')
const gpt2 = ['encoder.json', 'vocab.bpe'].map((name) => join(data, 'tokenizer', name))
const large = gpt2.every((path) => existsSync(path))
  ? {
      ...base,
      added_tokens: [{ ...base.added_tokens[0], id: 50256 }],
      model: {
        ...base.model,
        vocab: JSON.parse(readFileSync(gpt2[0]!, 'utf8')),
        merges: readFileSync(gpt2[1]!, 'utf8').trim().split('\n').slice(1),
      },
    }
  : undefined

/** With more added tokens behind the vocabulary. */
function withAdded(file: any, tokens: [text: string, special: boolean][]) {
  const size = new Set([...Object.values(file.model.vocab), ...file.added_tokens.map((t: any) => t.id)]).size
  const added = tokens.map(([content, special], i) => ({ ...base.added_tokens[0], id: size + i, content, special }))
  return { ...file, added_tokens: [...file.added_tokens, ...added] }
}

const split = (file: any, change: object) => ({
  ...file.pre_tokenizer,
  pretokenizers: [{ ...file.pre_tokenizer.pretokenizers[0], ...change }, file.pre_tokenizer.pretokenizers[1]],
})

const qwen2 = (file: any) => ({ ...file, normalizer: { type: 'NFC' } })
const qwen3 = (file: any) =>
  withAdded(qwen2(file), [
    ['<think>', false],
    ['</think>', false],
    ['<|vision_start|>', true],
  ])
const llama3 = (file: any) => {
  const added = withAdded(file, [['<|begin_of_text|>', true]])
  const id = added.added_tokens.at(-1).id
  return {
    ...added,
    pre_tokenizer: split(file, { pattern: { Regex: llama3Pattern } }),
    post_processor: {
      type: 'Sequence',
      processors: [
        { type: 'ByteLevel', add_prefix_space: true, trim_offsets: false, use_regex: true },
        {
          type: 'TemplateProcessing',
          single: [{ SpecialToken: { id: '<|begin_of_text|>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
          pair: [],
          special_tokens: {
            '<|begin_of_text|>': { id: '<|begin_of_text|>', ids: [id], tokens: ['<|begin_of_text|>'] },
          },
        },
      ],
    },
    model: { ...file.model, ignore_merges: true, merges: file.model.merges.map((merge: string) => merge.split(' ')) },
  }
}

const joined = (...pieces: string[]) =>
  fc.array(fc.constantFrom(...pieces), { maxLength: 20 }).map((parts) => parts.join(''))
const anything = fc.oneof(
  anyText,
  joined('e', '\u0301', 'é', 'ö', 'o\u0308', '한', 'ᄒ', 'ᅡ', 'ᆫ', 'Å', '\u212b', '豈', 'ﬁ', ' ', '<think>'),
  joined('<think>', '</think>', '<|im_end|>', '<|begin_of_text|>', '123', '4567', ' the', '今天'),
)

const files: [string, any][] = [
  ['Qwen2', qwen2(base)],
  ['Qwen3', qwen3(base)],
  ['Llama 3', llama3(base)],
  ...(large
    ? ([
        ["Qwen3 with GPT-2's merges", qwen3(large)],
        ["Llama 3 with GPT-2's merges", llama3(large)],
      ] as [string, any][])
    : []),
]

describe.each(files)('%s', (name, file) => {
  const ours = Tokenizer.fromJson(file)
  const theirs = new HuggingFace(file, {})
  const idsOf = (text: string) => theirs.encode(text, { add_special_tokens: false }).ids

  test('gives the same ids', () => {
    fc.assert(
      fc.property(anything, (text) => {
        const ids = ours.encode(text, { special: true })
        expect(ids).toEqual(idsOf(text))
        expect([...(ours.vocabulary.begin ?? []), ...ids]).toEqual(theirs.encode(text).ids)
        if (!text.includes('<|')) expect(ours.encode(text)).toEqual(ids)
      }),
      { numRuns: 1500 },
    )
  })

  test('gives the same ids on real text', () => {
    for (const [folder, bytes] of [
      ['en-stories/pratham-books-en.jsonl', 100_000],
      ['zh-howtocook/howtocook.jsonl', 50_000],
    ] as const) {
      const path = join(data, folder)
      const text = existsSync(path) ? readFileSync(path, 'utf8').slice(0, bytes) : documents(50, 3).join('\n')
      expect(ours.encode(text)).toEqual(idsOf(text))
    }
  })

  test('gives the same text back', () => {
    const ids = fc.array(fc.integer({ min: 0, max: ours.vocabSize - 1 }), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(ids, (ids) => {
        const options = { clean_up_tokenization_spaces: false }
        expect(ours.decode(ids, { special: true })).toBe(theirs.decode(ids, options))
        expect(ours.decode(ids)).toBe(theirs.decode(ids, { ...options, skip_special_tokens: true }))
      }),
      { numRuns: 300 },
    )
  })

  test('is written as it was read', () => {
    const again = Tokenizer.fromJson(JSON.parse(JSON.stringify(ours.toJson())))
    expect(again.vocabulary).toEqual(ours.vocabulary)
    expect(name.startsWith('Llama')).toBe(again.vocabulary.split === 'llama3')
  })
})

test('tokens that are plain text are found in every text, and shown', () => {
  const tokenizer = Tokenizer.fromJson(qwen3(base))
  const think = tokenizer.idOf('<think>')
  expect(tokenizer.encode('a<think>b<|im_end|>')).toContain(think)
  expect(tokenizer.encode('<|im_end|>')).not.toContain(tokenizer.idOf('<|im_end|>'))
  expect(tokenizer.decode([think])).toBe('<think>')
  expect(tokenizer.isSpecialId(think)).toBe(false)
})

test('a split is read in its other forms', () => {
  const expected = Tokenizer.fromJson(base).vocabulary
  const removed = { ...base, pre_tokenizer: split(base, { behavior: 'Removed', invert: true }) }
  const nested = { ...base, pre_tokenizer: { type: 'Sequence', pretokenizers: [base.pre_tokenizer] } }
  const decoder = { type: 'Sequence', decoders: [base.decoder] }
  const wrapped = { ...base, decoder, normalizer: { type: 'Sequence', normalizers: [] } }
  for (const file of [removed, nested, wrapped]) expect(Tokenizer.fromJson(file).vocabulary).toEqual(expected)
})
