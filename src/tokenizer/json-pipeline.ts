/**
 * The way from text to merges and back, as `tokenizer.json` writes it: normaliser, pre-split, post-processor, decoder. Read are the forms of
 * Qwen2, 2.5 and 3 and of Llama 3; another one is refused by its key, since to encode with the wrong pipeline would give other ids
 * without a word.
 */
import { array, expectLike, fail, object } from './json-check.ts'
import { patterns, type PreSplit } from './pretokenize.ts'
import type { SpecialToken, Vocabulary } from './vocabulary.ts'

type Json = Record<string, unknown>
type Pipeline = Pick<Vocabulary, 'split' | 'nfc' | 'begin'>

const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false }

/** What else a BPE model may say. */
export const modelOptions = {
  type: 'BPE',
  dropout: null,
  unk_token: null,
  continuing_subword_prefix: '',
  end_of_word_suffix: '',
  fuse_unk: false,
  byte_fallback: false,
  ignore_merges: false,
}

export function writePipeline({ split = 'qwen2', nfc, begin, special }: Vocabulary) {
  return {
    normalizer: nfc ? { type: 'NFC' } : null,
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: patterns[split] }, behavior: 'Isolated', invert: false },
        byteLevel,
      ],
    },
    decoder: byteLevel,
    post_processor: begin ? { type: 'Sequence', processors: [byteLevel, templateOf(begin, special)] } : byteLevel,
  }
}

/** Puts these tokens before every text; `special` knows their texts. */
function templateOf(begin: readonly number[], special: readonly SpecialToken[]) {
  const tokens = begin.map((id) => special.find((token) => token.id === id)!)
  const sequence = (id: string, type_id: number) => [
    ...tokens.map(({ text }) => ({ SpecialToken: { id: text, type_id } })),
    { Sequence: { id, type_id } },
  ]
  return {
    type: 'TemplateProcessing',
    single: sequence('A', 0),
    pair: [...sequence('A', 0), ...sequence('B', 1)],
    special_tokens: Object.fromEntries(
      tokens.map(({ id, text }) => [text, { id: text, ids: [id], tokens: [text] }] as const),
    ),
  }
}

/** SentencePiece's tokens are pieces of text with ▁ for a space, not bytes: another kind of tokenizer. */
export function expectNoPieces(file: Json, model: Json): void {
  const written = JSON.stringify([file.normalizer, file.pre_tokenizer, file.decoder])
  if (!model.byte_fallback && !written.includes('▁') && !written.includes('Metaspace')) return
  throw new Error(
    'tokenizer.json: this is a SentencePiece tokenizer (model.byte_fallback, ▁ for spaces), as Llama 2, TinyLlama and Mistral have; only byte-level BPE is read, as Qwen2, Qwen3 and Llama 3 have',
  )
}

/** Throws an Error that names the key and what was expected there. */
export function readPipeline(file: Json, special: readonly SpecialToken[]): Pipeline {
  const nfc = readNormalizer(file.normalizer)
  const split = readPreTokenizer(file.pre_tokenizer)
  const begin = readPostProcessor(file.post_processor, special)
  for (const [key, step] of steps(file.decoder, 'decoder', 'decoders'))
    expectLike(step.type, 'ByteLevel', `${key}.type`)
  return { ...(split === 'qwen2' ? {} : { split }), ...(nfc ? { nfc } : {}), ...(begin.length > 0 ? { begin } : {}) }
}

/** A step, or the steps of a Sequence (of Sequences), each with its key. */
function steps(value: unknown, key: string, list: string): [key: string, step: Json][] {
  const step = object(value, key)
  if (step.type !== 'Sequence') return [[key, step]]
  return array(step[list], `${key}.${list}`).flatMap((one, i) => steps(one, `${key}.${list}[${i}]`, list))
}

function readNormalizer(value: unknown): true | undefined {
  if (value == null) return undefined
  const found = steps(value, 'normalizer', 'normalizers')
  for (const [key, step] of found)
    if (step.type !== 'NFC') return fail(`${key}.type`, step.type, '"NFC", or no normalizer')
  return found.length > 0 ? true : undefined
}

function readPreTokenizer(value: unknown): PreSplit {
  const found = steps(value, 'pre_tokenizer', 'pretokenizers')
  if (found.length !== 2) return fail('pre_tokenizer', value, 'a Split and a ByteLevel')
  const [[splitKey, split], [levelKey, level]] = found as [[string, Json], [string, Json]]
  expectLike(split.type, 'Split', `${splitKey}.type`)
  const regex = object(split.pattern, `${splitKey}.pattern`).Regex
  const known = (Object.keys(patterns) as PreSplit[]).find((name) => patterns[name] === regex)
  if (!known) return fail(`${splitKey}.pattern.Regex`, regex, "Qwen2's or Llama 3's regular expression")
  // All of a text is matched, so keeping the matches and dropping what is between them are one.
  if (split.behavior !== 'Removed' || split.invert !== true) {
    expectLike(split.behavior, 'Isolated', `${splitKey}.behavior`)
    expectLike(split.invert, false, `${splitKey}.invert`)
  }
  for (const key of ['type', 'add_prefix_space', 'use_regex'] as const)
    expectLike(level[key], byteLevel[key], `${levelKey}.${key}`)
  return known
}

/** The ids put before every text. What is put behind it is refused: a text to go on with must not end. */
function readPostProcessor(value: unknown, special: readonly SpecialToken[]): number[] {
  if (value == null) return []
  const begin: number[] = []
  for (const [key, step] of steps(value, 'post_processor', 'processors')) {
    if (step.type === 'ByteLevel') continue
    if (step.type !== 'TemplateProcessing') return fail(`${key}.type`, step.type, '"ByteLevel" or "TemplateProcessing"')
    let inside = true
    array(step.single, `${key}.single`).forEach((entry, i) => {
      const place = `${key}.single[${i}]`
      const { SpecialToken: token, Sequence: text } = object(entry, place)
      if (text) inside = false
      else if (!inside) fail(place, entry, 'nothing after the text')
      else {
        const name = object(token, `${place}.SpecialToken`).id
        const found = special.find((one) => one.text === name)
        begin.push(found ? found.id : fail(`${place}.SpecialToken.id`, name, 'one of added_tokens'))
      }
    })
  }
  return begin
}
