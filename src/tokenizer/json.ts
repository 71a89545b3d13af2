/**
 * `tokenizer.json`: the file that Hugging Face tokenizers, transformers, vLLM and llama.cpp's converter read.
 *
 * Written as Qwen2's is, less the NFC normaliser: BPE, Qwen2's pre-split, the byte-level alphabet. Reading accepts files of that
 * pipeline only (any vocabulary, merges as strings or as pairs) and refuses another one by naming the key, since to encode with
 * the wrong pipeline would give other ids without a word.
 */
import { fromAlphabet, toAlphabet } from './alphabet.ts'
import { qwen2Pattern } from './pretokenize.ts'
import type { Merge, SpecialToken, Vocabulary } from './vocabulary.ts'

export type TokenizerJson = ReturnType<typeof writeTokenizerJson>

const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false }

/** The way from text to merges and back that both sides must agree on. */
const pipeline = {
  normalizer: null,
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [
      { type: 'Split', pattern: { Regex: qwen2Pattern }, behavior: 'Isolated', invert: false },
      byteLevel,
    ],
  },
  decoder: byteLevel,
}

const modelOptions = {
  type: 'BPE',
  dropout: null,
  unk_token: null,
  continuing_subword_prefix: '',
  end_of_word_suffix: '',
  fuse_unk: false,
  byte_fallback: false,
  ignore_merges: false,
}

/** The content of tokenizer.json, to be stringified. */
export function writeTokenizerJson({ tokens, merges, special }: Vocabulary) {
  const specialIds = new Set(special.map(({ id }) => id))
  const texts = tokens.map(toAlphabet)
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special.map(({ id, text }) => ({
      id,
      content: text,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    ...pipeline,
    post_processor: byteLevel,
    model: {
      ...modelOptions,
      vocab: Object.fromEntries(texts.map((text, id) => [text, id] as const).filter(([, id]) => !specialIds.has(id))),
      merges: merges.map(([left, right]) => `${texts[left]} ${texts[right]}`),
    },
  }
}

/** Throws an Error that names the key and what was expected there. `json` is the file's text, or its parsed content. */
export function readTokenizerJson(json: unknown): Vocabulary {
  const file = object(typeof json === 'string' ? parse(json) : json, 'the file')
  for (const [key, expected] of Object.entries(pipeline)) expectLike(file[key], expected, key)
  // Anything else adds tokens of its own, such as one at the beginning of a text.
  if (file.post_processor != null) expectLike(file.post_processor, { type: 'ByteLevel' }, 'post_processor')
  const model = object(file.model, 'model')
  for (const [key, expected] of Object.entries(modelOptions)) expectLike(model[key], expected, `model.${key}`)
  const special = readAddedTokens(file.added_tokens)
  const ids = readVocab(model.vocab, special)
  return { tokens: tokensById(ids, special), merges: readMerges(model.merges, ids), special }
}

function readAddedTokens(value: unknown): SpecialToken[] {
  const special: SpecialToken[] = []
  const texts = new Set<string>()
  array(value ?? [], 'added_tokens').forEach((entry, i) => {
    const key = `added_tokens[${i}]`
    const { id, content, ...flags } = object(entry, key)
    if (typeof content !== 'string' || content === '') return fail(`${key}.content`, content, 'some text')
    if (texts.has(content)) return fail(`${key}.content`, content, 'a text that no earlier one has')
    texts.add(content)
    expectLike(flags.special, true, `${key}.special`)
    for (const flag of ['single_word', 'lstrip', 'rstrip']) expectLike(flags[flag], false, `${key}.${flag}`)
    special.push({ id: integer(id, `${key}.id`), text: content })
  })
  return special
}

/** The id of each ordinary token, by its text in the byte-level alphabet. */
function readVocab(value: unknown, special: readonly SpecialToken[]): Map<string, number> {
  const ids = new Map<string, number>()
  for (const [text, id] of Object.entries(object(value, 'model.vocab')))
    ids.set(text, integer(id, `model.vocab[${JSON.stringify(text)}]`))
  for (const { id, text } of special) if (ids.get(text) === id) ids.delete(text) // GPT-2 lists them in both places
  for (let byte = 0; byte < 256; byte++) {
    const text = toAlphabet(Uint8Array.of(byte))
    if (!ids.has(text)) fail(`model.vocab[${JSON.stringify(text)}]`, undefined, `an id for the byte ${byte}`)
  }
  return ids
}

/** Every id from 0 to the last has one token. */
function tokensById(ids: ReadonlyMap<string, number>, special: readonly SpecialToken[]): Uint8Array[] {
  const size = ids.size + special.length
  const tokens: Uint8Array[] = []
  const put = (id: number, token: Uint8Array | undefined, key: string) => {
    if (!token || token.length === 0)
      return fail(key, id, 'a token of at least one character, all of the byte-level alphabet')
    if (id >= size) return fail(key, id, `an id below ${size}, the number of tokens`)
    if (tokens[id]) return fail(key, id, 'an id that no other token has')
    tokens[id] = token
  }
  for (const [text, id] of ids) put(id, fromAlphabet(text), `model.vocab[${JSON.stringify(text)}]`)
  special.forEach(({ id, text }, i) => put(id, new TextEncoder().encode(text), `added_tokens[${i}].id`))
  return tokens
}

function readMerges(value: unknown, ids: ReadonlyMap<string, number>): Merge[] {
  const seen = new Set<string>()
  return array(value, 'model.merges').map((entry, i) => {
    const key = `model.merges[${i}]`
    const pair: unknown[] = typeof entry === 'string' ? entry.split(' ') : array(entry, key)
    const [left, right] = pair
    if (pair.length !== 2 || typeof left !== 'string' || typeof right !== 'string')
      return fail(key, entry, 'two tokens, as "left right" or ["left", "right"]')
    const merge = [left, right, left + right].map(
      (text) => ids.get(text) ?? fail(key, entry, `tokens of model.vocab; ${JSON.stringify(text)} is not one`),
    )
    if (seen.has(`${left} ${right}`)) fail(key, entry, 'a pair that no earlier merge has')
    seen.add(`${left} ${right}`)
    return merge as [number, number, number]
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`tokenizer.json is not JSON: ${(error as Error).message}`, { cause: error })
  }
}

function fail(key: string, value: unknown, expected: string): never {
  const found = value === undefined ? 'missing' : shown(value)
  throw new Error(`tokenizer.json: ${key} is ${found}: expected ${expected}`)
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}

/** What is expected must be there; what is more is left alone. Nothing, null, false and '' are one, but for use_regex. */
function expectLike(found: unknown, expected: unknown, key: string): void {
  if (Array.isArray(expected)) {
    const items = array(found, key)
    if (items.length !== expected.length) fail(key, items, `a list of ${expected.length}`)
    expected.forEach((item, i) => expectLike(items[i], item, `${key}[${i}]`))
  } else if (typeof expected === 'object' && expected !== null) {
    const entries = object(found, key)
    for (const [name, value] of Object.entries(expected)) expectLike(entries[name], value, `${key}.${name}`)
  } else if (found !== expected && (found || expected || key.endsWith('use_regex'))) {
    fail(key, found, JSON.stringify(expected))
  }
}

function object(value: unknown, key: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail(key, value, 'an object')
  return value as Record<string, unknown>
}

function array(value: unknown, key: string): unknown[] {
  return Array.isArray(value) ? value : fail(key, value, 'a list')
}

function integer(value: unknown, key: string): number {
  return Number.isInteger(value) && (value as number) >= 0
    ? (value as number)
    : fail(key, value, 'an integer from 0 on')
}
