/**
 * `tokenizer.json`: the file that Hugging Face tokenizers, transformers, vLLM and llama.cpp's converter read.
 *
 * Ours are written as Qwen2's, less the NFC normaliser: BPE, Qwen2's pre-split, the byte-level alphabet. Read are files of the pipelines
 * of Qwen2 and Llama 3 (json-pipeline.ts), with any vocabulary and merges as strings or as pairs.
 */
import { fromAlphabet, toAlphabet } from './alphabet.ts'
import { array, expectLike, fail, integer, object } from './json-check.ts'
import { expectNoPieces, modelOptions, readPipeline, writePipeline } from './json-pipeline.ts'
import type { Merge, SpecialToken, Vocabulary } from './vocabulary.ts'

export type TokenizerJson = ReturnType<typeof writeTokenizerJson>

/** The content of tokenizer.json, to be stringified. */
export function writeTokenizerJson(vocabulary: Vocabulary) {
  const { tokens, merges, special } = vocabulary
  const specialIds = new Set(special.map(({ id }) => id))
  const texts = tokens.map(toAlphabet)
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: special.map(({ id, text, plain }) => ({
      id,
      content: text,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: !plain,
    })),
    ...writePipeline(vocabulary),
    model: {
      ...modelOptions,
      ignore_merges: vocabulary.wholeWords === true,
      vocab: Object.fromEntries(texts.map((text, id) => [text, id] as const).filter(([, id]) => !specialIds.has(id))),
      merges: merges.map(([left, right]) => `${texts[left]} ${texts[right]}`),
    },
  }
}

/** Throws an Error that names the key and what was expected there. `json` is the file's text, or its parsed content. */
export function readTokenizerJson(json: unknown): Vocabulary {
  const file = object(typeof json === 'string' ? parse(json) : json, 'the file')
  const model = object(file.model, 'model')
  expectNoPieces(file, model)
  const special = readAddedTokens(file.added_tokens)
  const pipeline = readPipeline(file, special)
  const { ignore_merges: wholeWords, ...options } = model
  if (wholeWords) expectLike(wholeWords, true, 'model.ignore_merges')
  for (const [key, expected] of Object.entries(modelOptions))
    if (key !== 'ignore_merges') expectLike(options[key], expected, `model.${key}`)
  const ids = readVocab(model.vocab, special)
  return {
    tokens: tokensById(ids, special),
    merges: readMerges(model.merges, ids),
    special,
    ...pipeline,
    ...(wholeWords ? { wholeWords: true as const } : {}),
  }
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
    for (const flag of ['single_word', 'lstrip', 'rstrip']) expectLike(flags[flag], false, `${key}.${flag}`)
    if (!flags.special) expectLike(flags.normalized, false, `${key}.normalized`)
    special.push({ id: integer(id, `${key}.id`), text: content, ...(flags.special ? {} : { plain: true as const }) })
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
