/**
 * A model as one GGUF file for llama.cpp, Ollama and LM Studio. Keys and tensor names are those of llama.cpp's architectures `qwen3`, `qwen2`
 * and `llama` (src/models/, src/llama-vocab.cpp, gguf-py/gguf/constants.py, convert_hf_to_gguf.py). The Qwens rotate the halves of a head
 * (NEOX), as Hugging Face does and as we do; `llama` rotates neighbours, so the rows of its queries and keys change places. A tied
 * embedding is written once; llama.cpp takes it for the output as well. Llama 3's rope scaling is a tensor of divisors.
 *
 * The pre-splits are called `qwen2` and `llama-bpe` there: the same regular expressions, letter for letter but for how contractions fold case.
 * llama.cpp does not normalise texts: NFC is left out.
 */
import { FLOAT16_MAX, fitsGgml, type GgmlType, type GgufTensor, type GgufValue } from '../formats/index.ts'
import { countParameters, type ModelConfig, modelType, ropeDivisors } from '../nn/index.ts'
import { UserError, version } from '../run/index.ts'
import type { StoredModel } from '../stages/model-folder.ts'
import { CHAT_TEMPLATE, stopIds, textStart, textStops, type Tokenizer, type TokenizerJson } from '../tokenizer/index.ts'

export interface GgufModel {
  metadata: Map<string, GgufValue>
  tensors: Map<string, GgufTensor>
  /** Matrices that could not have the type asked for, and so have f16. */
  notQuantised: string[]
}

/** What marks a file as an export of ours. */
export const XUEBA_KEY = 'xueba.version'

/** llama.cpp's name of a whole file's type (enum llama_ftype). */
const fileTypes: Record<GgmlType, number> = { f32: 0, f16: 1, q4_0: 2, q8_0: 7, bf16: 32 }

/** `base`: it goes on writing, so texts begin with end-of-text and there is no chat template. */
export function ggufOf(
  { config, weights, tokenizer }: Pick<StoredModel, 'config' | 'weights' | 'tokenizer'>,
  { type, name, base }: { type: GgmlType; name: string; base: boolean },
): GgufModel {
  if (config.score)
    throw new UserError(
      'a reward model judges and does not write: GGUF has no place for it; export it with --format hf',
      '奖励模型只打分、不写字，GGUF 里放不下它：请用 --format hf 导出',
    )
  const tensors = new Map<string, GgufTensor>()
  const notQuantised: string[] = []
  const pairs = modelType(config) === 'llama'
  for (const [from, { shape, data: given }] of weights) {
    const data = pairs && /\.[qk]_proj\./.test(from) ? interleaved(given, shape, config.headDim) : given
    const to = ggufName(from)
    const wanted = typeOf(from, shape, type)
    const stored = fitsGgml(wanted, shape.at(-1)!) ? wanted : 'f16'
    if (stored !== wanted) notQuantised.push(to)
    expectStorable(from, data, stored)
    tensors.set(to, { type: stored, shape, data })
  }
  if (config.ropeScaling) {
    if (!pairs) throw noScaling(config)
    const data = Float32Array.from(ropeDivisors(config))
    tensors.set('rope_freqs.weight', { type: 'f32', shape: [data.length], data })
  }
  const metadata = new Map<string, GgufValue>([
    ...generalKeys(config, name, type),
    ...modelKeys(config),
    ...tokenizerKeys(tokenizer, config.vocabSize, base),
  ])
  return { metadata, tensors, notQuantised }
}

/** The rows of each head, first half and second half in turns: what rotated halves then rotates neighbours. */
function interleaved(data: Float32Array, shape: readonly number[], headDim: number): Float32Array {
  const [rows = 0, columns = 1] = shape
  const [half, out] = [headDim / 2, new Float32Array(data.length)]
  for (let row = 0; row < rows; row++) {
    const [head, j] = [Math.floor(row / headDim) * headDim, row % headDim]
    const to = head + (j < half ? 2 * j : 2 * (j - half) + 1)
    out.set(data.subarray(row * columns, (row + 1) * columns), to * columns)
  }
  return out
}

const noScaling = (config: ModelConfig) =>
  new UserError(
    `llama.cpp reads Llama 3's rope scaling only in models of the architecture llama; this one is ${modelType(config)}`,
    `llama.cpp 只在 llama 架构里支持 Llama 3 的 rope 缩放；这个模型是 ${modelType(config)}`,
  )

/**
 * Norms stay as they are. In a q4_0 file the embedding and the output are q8_0: that undoes a third to a half of what q4_0
 * costs in bits per byte (docs/log.md), as llama.cpp's own quantiser gives these two more bits than the rest.
 */
function typeOf(name: string, shape: readonly number[], type: GgmlType): GgmlType {
  if (shape.length === 1) return 'f32'
  return type === 'q4_0' && /embed_tokens|lm_head/.test(name) ? 'q8_0' : type
}

/** Throws a UserError where a weight is no number, or too large for the type. */
export function expectStorable(name: string, data: Float32Array, type: GgmlType): void {
  const most = type === 'f32' || type === 'bf16' ? Number.MAX_VALUE : FLOAT16_MAX // the scales of blocks are f16 too
  const wrong = data.findIndex((value) => !(Math.abs(value) <= most))
  if (wrong < 0) return
  const value = data[wrong]!
  if (Number.isFinite(value))
    throw new UserError(
      `${name} holds ${value}, too large for ${type} (at most ${FLOAT16_MAX}): export as bf16 or f32`,
      `${name} 里有 ${value}，超出了 ${type} 的范围（最大 ${FLOAT16_MAX}）：请导出成 bf16 或 f32`,
    )
  throw new UserError(
    `${name} holds ${value}: the model is broken and is not exported`,
    `${name} 里有 ${value}：这个模型已经坏了，不导出`,
  )
}

const string = (value: string): GgufValue => ({ type: 'string', value })
const u32 = (value: number): GgufValue => ({ type: 'u32', value })
const f32 = (value: number): GgufValue => ({ type: 'f32', value })
const bool = (value: boolean): GgufValue => ({ type: 'bool', value })
const strings = (value: string[]): GgufValue => ({ type: 'array', of: 'string', value })

function generalKeys(config: ModelConfig, name: string, type: GgmlType): [string, GgufValue][] {
  return [
    ['general.architecture', string(modelType(config))],
    ['general.type', string('model')],
    ['general.name', string(name)],
    ['general.size_label', string(sizeLabel(countParameters(config)))],
    ['general.file_type', u32(fileTypes[type])],
    ['general.quantization_version', u32(2)],
    [XUEBA_KEY, string(version())],
  ]
}

/** 558K, 2.1M, 14M, 1.2B. */
export function sizeLabel(parameters: number): string {
  const [unit, letter] = parameters < 1e6 ? [1e3, 'K'] : parameters < 1e9 ? [1e6, 'M'] : [1e9, 'B']
  const size = parameters / unit
  return `${size < 10 && unit > 1e3 ? size.toFixed(1) : size.toFixed(0)}${letter}`
}

function modelKeys(c: ModelConfig): [string, GgufValue][] {
  const at = (key: string, value: GgufValue): [string, GgufValue] => [`${modelType(c)}.${key}`, value]
  return [
    at('block_count', u32(c.layers)),
    at('context_length', u32(c.maxPositions)),
    at('embedding_length', u32(c.dim)),
    at('feed_forward_length', u32(c.ff)),
    at('attention.head_count', u32(c.heads)),
    at('attention.head_count_kv', u32(c.kvHeads)),
    at('attention.key_length', u32(c.headDim)),
    at('attention.value_length', u32(c.headDim)),
    at('attention.layer_norm_rms_epsilon', f32(c.eps)),
    at('rope.dimension_count', u32(c.headDim)),
    at('rope.freq_base', f32(c.ropeTheta)),
    ...(modelType(c) === 'llama' ? [at('vocab_size', u32(c.vocabSize))] : []),
  ]
}

const TOKEN_TYPES = { normal: 1, control: 3, plain: 4, unused: 5 }

function tokenizerKeys(tokenizer: Tokenizer, vocabSize: number, base: boolean): [string, GgufValue][] {
  const json = tokenizer.toJson()
  const { tokens, types } = tokenTable(json, vocabSize)
  const start = textStart(tokenizer)
  const template = tokenizer.manners ? tokenizer.manners.template?.source : CHAT_TEMPLATE
  const silent = base || template === undefined
  const end = silent ? textStops(tokenizer)[0]! : stopIds(tokenizer)[0]!
  return [
    ['tokenizer.ggml.model', string('gpt2')],
    ['tokenizer.ggml.pre', string(tokenizer.vocabulary.split === 'llama3' ? 'llama-bpe' : 'qwen2')],
    ['tokenizer.ggml.tokens', strings(tokens)],
    ['tokenizer.ggml.token_type', { type: 'array', of: 'i32', value: types }],
    ['tokenizer.ggml.merges', strings(json.model.merges)],
    ['tokenizer.ggml.bos_token_id', u32(start)],
    ['tokenizer.ggml.eos_token_id', u32(end)],
    ['tokenizer.ggml.eot_token_id', u32(stopIds(tokenizer)[0]!)],
    ['tokenizer.ggml.padding_token_id', u32(start)],
    ['tokenizer.ggml.add_bos_token', bool(silent)],
    ['tokenizer.ggml.add_eos_token', bool(false)],
    ...(silent ? [] : [['tokenizer.chat_template', string(template)] as [string, GgufValue]]),
  ]
}

/** A text and a type for each row of the embedding: rows without a token are padding. Throws a UserError where texts collide. */
function tokenTable({ model, added_tokens: added }: TokenizerJson, vocabSize: number) {
  const ordinary = Object.entries(model.vocab)
  const size = ordinary.length + added.length
  if (size > vocabSize)
    throw new UserError(
      `tokenizer.json has ${size} tokens, config.json says vocab_size ${vocabSize}: they do not belong together`,
      `tokenizer.json 有 ${size} 个词元，config.json 的 vocab_size 却是 ${vocabSize}：两者不配套`,
    )
  const tokens = Array.from({ length: vocabSize }, (_, id) => `[PAD${id}]`)
  const types = Array.from({ length: vocabSize }, () => TOKEN_TYPES.unused)
  const put = (id: number, text: string, type: number) => {
    tokens[id] = text
    types[id] = type
  }
  for (const [text, id] of ordinary) put(id, text, TOKEN_TYPES.normal)
  for (const { id, content, special } of added) put(id, content, special ? TOKEN_TYPES.control : TOKEN_TYPES.plain)
  const seen = new Set<string>()
  const twice = tokens.find((text) => seen.size === seen.add(text).size)
  if (twice !== undefined)
    throw new UserError(
      `two tokens are written ${JSON.stringify(twice)}, which a GGUF file cannot hold`,
      `有两个词元都写作 ${JSON.stringify(twice)}，GGUF 文件存不下`,
    )
  return { tokens, types }
}

/** The parts of a layer: ours (Hugging Face's) and llama.cpp's. */
const layerParts: Record<string, string> = {
  input_layernorm: 'attn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  'self_attn.q_norm': 'attn_q_norm',
  'self_attn.k_norm': 'attn_k_norm',
  post_attention_layernorm: 'ffn_norm',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
}
const outerParts: Record<string, string> = {
  'model.embed_tokens.weight': 'token_embd.weight',
  'model.norm.weight': 'output_norm.weight',
  'lm_head.weight': 'output.weight',
}

/** llama.cpp's name of one of our weights. */
export function ggufName(name: string): string {
  const [, layer, part, kind] = /^model\.layers\.(\d+)\.(.+)\.(weight|bias)$/.exec(name) ?? []
  const found =
    layer === undefined ? outerParts[name] : layerParts[part!] && `blk.${layer}.${layerParts[part!]}.${kind}`
  if (found === undefined) throw new Error(`gguf: no name for ${name}`)
  return found
}
