import { beforeAll, describe, expect, test } from 'vitest'
import { Tokenizer, trainTokenizer } from './index.ts'
import { documents } from './text.test-helper.ts'

let tokenizer: Tokenizer

beforeAll(async () => {
  tokenizer = await trainTokenizer([...documents(100), 'constructor\n'.repeat(400)], {
    vocabSize: 450,
  })
})

/** A copy of the file with one change. */
function changed(change: (file: any) => void) {
  const file = JSON.parse(JSON.stringify(tokenizer.toJson()))
  change(file)
  return file
}

describe('tokenizer.json', () => {
  test('comes back as it was, from its text or its content', () => {
    const text = JSON.stringify(tokenizer.toJson())
    for (const back of [Tokenizer.fromJson(text), Tokenizer.fromJson(JSON.parse(text))]) {
      expect(JSON.stringify(back.toJson())).toBe(text)
      expect(back.vocabulary).toEqual(tokenizer.vocabulary)
    }
  })

  test('holds tokens named like properties of objects', () => {
    const back = Tokenizer.fromJson(JSON.stringify(tokenizer.toJson()))
    expect(back.encode('constructor')).toEqual([tokenizer.idOf('constructor')])
  })

  test('is read with merges as pairs, and without what later versions added', () => {
    const file = changed(({ model }) => {
      model.merges = model.merges.map((merge: string) => merge.split(' '))
      model.end_of_word_suffix = null
      delete model.ignore_merges
    })
    expect(Tokenizer.fromJson(file).vocabulary).toEqual(tokenizer.vocabulary)
  })

  test.each<[string, (file: any) => void]>([
    ['normalizer.type is "NFKC": expected "NFC", or no normalizer', (f) => (f.normalizer = { type: 'NFKC' })],
    ['pre_tokenizer is missing: expected an object', (f) => delete f.pre_tokenizer],
    ['pre_tokenizer is {"type":"Sequence"', (f) => f.pre_tokenizer.pretokenizers.push({ type: 'Digits' })],
    [
      'pre_tokenizer.pretokenizers[0].pattern.Regex is "\\\\p{N}{1,3}": expected Qwen2',
      (f) => (f.pre_tokenizer.pretokenizers[0].pattern.Regex = '\\p{N}{1,3}'),
    ],
    ['pretokenizers[1].use_regex is missing: expected false', (f) => delete f.pre_tokenizer.pretokenizers[1].use_regex],
    [
      'pretokenizers[0].behavior is "Removed": expected "Isolated"',
      (f) => (f.pre_tokenizer.pretokenizers[0].behavior = 'Removed'),
    ],
    ['this is a SentencePiece tokenizer', (f) => (f.pre_tokenizer = { type: 'Metaspace' })],
    ['post_processor.type is "RobertaProcessing"', (f) => (f.post_processor = { type: 'RobertaProcessing' })],
    [
      'post_processor.single[0].SpecialToken.id is "<s>": expected one of added_tokens',
      (f) => (f.post_processor = { type: 'TemplateProcessing', single: [{ SpecialToken: { id: '<s>' } }] }),
    ],
    [
      'post_processor.single[1] is {"SpecialToken":{"id":"<|im_end|>"}}: expected nothing after the text',
      (f) =>
        (f.post_processor = {
          type: 'TemplateProcessing',
          single: [{ Sequence: { id: 'A' } }, { SpecialToken: { id: '<|im_end|>' } }],
        }),
    ],
    ['decoder.type is "WordPiece": expected "ByteLevel"', (f) => (f.decoder = { type: 'WordPiece' })],
    ['model is missing: expected an object', (f) => delete f.model],
    ['model.type is "Unigram": expected "BPE"', (f) => (f.model.type = 'Unigram')],
    ['this is a SentencePiece tokenizer (model.byte_fallback', (f) => (f.model.byte_fallback = true)],
    ['model.vocab is []: expected an object', (f) => (f.model.vocab = [])],
    ['model.vocab["a"] is "97": expected an integer from 0 on', (f) => (f.model.vocab.a = '97')],
    ['model.vocab["Ġ"] is missing: expected an id for the byte 32', (f) => delete f.model.vocab['Ġ']],
    ['model.vocab["b"] is 97: expected an id that no other token has', (f) => (f.model.vocab.b = 97)],
    ['model.vocab["b"] is 999: expected an id below 450', (f) => (f.model.vocab.b = 999)],
    ['model.vocab["我"] is 450: expected a token of at least', (f) => (f.model.vocab['我'] = 450)],
    ['model.merges is missing: expected a list', (f) => delete f.model.merges],
    ['model.merges[3] is "a": expected two tokens', (f) => (f.model.merges[3] = 'a')],
    ['model.merges[0] is "z q": expected tokens of model.vocab; "zq" is not one', (f) => (f.model.merges[0] = 'z q')],
    ['expected a pair that no earlier merge has', (f) => (f.model.merges[7] = f.model.merges[2])],
    ['added_tokens is 7: expected a list', (f) => (f.added_tokens = 7)],
    ['added_tokens[1].content is "": expected some text', (f) => (f.added_tokens[1].content = '')],
    ['added_tokens[1].id is "x": expected an integer', (f) => (f.added_tokens[1].id = 'x')],
    ['added_tokens[0].lstrip is true: expected false', (f) => (f.added_tokens[0].lstrip = true)],
    [
      'added_tokens[2].normalized is true: expected false',
      (f) => Object.assign(f.added_tokens[2], { special: false, normalized: true }),
    ],
    ['added_tokens[2].id is 5: expected an id that no other token has', (f) => (f.added_tokens[2].id = 5)],
  ])('names the defect: %s', (message, change) => {
    expect(() => Tokenizer.fromJson(changed(change))).toThrow(message)
    expect(() => Tokenizer.fromJson(changed(change))).toThrow(/^tokenizer\.json: /)
  })

  test('says when it is no JSON, or no object', () => {
    expect(() => Tokenizer.fromJson('{"a":')).toThrow('tokenizer.json is not JSON')
    expect(() => Tokenizer.fromJson(null)).toThrow('tokenizer.json: the file is null: expected an object')
  })
})
