/**
 * A model's numbers as `config.json`, which transformers, vLLM and llama.cpp's converter read: `model_type` qwen3, qwen2 or llama. Whatever
 * this engine does not compute (sliding windows, experts, other activations, biases elsewhere, other rope types, quantised weights) is refused
 * by the name of its key.
 */
import { checkConfig, type ModelConfig, type RopeScaling } from './config.ts'

export type ModelType = 'qwen3' | 'qwen2' | 'llama'
const MODEL_TYPES: readonly string[] = ['qwen3', 'qwen2', 'llama'] satisfies ModelType[]

const prefixes: Record<ModelType, string> = { qwen3: 'Qwen3', qwen2: 'Qwen2', llama: 'Llama' }

/** The layout that a config is: Qwen3 has QK-norm, Qwen2 has biases, Llama neither. */
export function modelType(c: Pick<ModelConfig, 'qkNorm' | 'qkvBias'>): ModelType {
  if (c.qkNorm !== false) return 'qwen3'
  return c.qkvBias ? 'qwen2' : 'llama'
}

/** As transformers' Qwen3Config, Qwen2Config or LlamaConfig; a reward model is a classifier with one label. */
export function toHuggingFace(c: ModelConfig): Record<string, unknown> {
  const type = modelType(c)
  return {
    architectures: [`${prefixes[type]}For${c.score ? 'SequenceClassification' : 'CausalLM'}`],
    ...(c.score ? { num_labels: 1 } : {}),
    model_type: type,
    vocab_size: c.vocabSize,
    hidden_size: c.dim,
    num_hidden_layers: c.layers,
    num_attention_heads: c.heads,
    num_key_value_heads: c.kvHeads,
    head_dim: c.headDim,
    intermediate_size: c.ff,
    rope_theta: c.ropeTheta,
    ...(c.ropeScaling ? { rope_scaling: ropeJson(c.ropeScaling) } : {}),
    rms_norm_eps: c.eps,
    tie_word_embeddings: c.tied,
    max_position_embeddings: c.maxPositions,
    hidden_act: 'silu',
    ...(type === 'qwen2' ? { use_sliding_window: false } : { attention_bias: false }),
    ...(type === 'llama' ? { mlp_bias: false } : {}),
    attention_dropout: 0,
    use_cache: true,
    torch_dtype: 'float32',
  }
}

const ropeJson = (s: RopeScaling) => ({
  rope_type: 'llama3',
  factor: s.factor,
  low_freq_factor: s.lowFreqFactor,
  high_freq_factor: s.highFreqFactor,
  original_max_position_embeddings: s.originalMaxPositions,
})

type Json = Record<string, unknown>

/** What a key must say, where it is there at all: anything else changes what the model computes. */
const plain: Record<string, (value: unknown) => boolean> = {
  attention_bias: (value) => value === false,
  mlp_bias: (value) => value === false,
  use_sliding_window: (value) => value === false,
  layer_types: (value) => Array.isArray(value) && value.every((type) => type === 'full_attention'),
  hidden_act: (value) => value === 'silu',
  partial_rotary_factor: (value) => value === 1,
  quantization_config: () => false,
  num_experts: () => false,
  num_local_experts: () => false,
}

/** Reads a `config.json`; throws naming the key that is missing, of the wrong type, or not supported. */
export function fromHuggingFace(json: Json): ModelConfig {
  const type = json.model_type as ModelType
  if (!MODEL_TYPES.includes(type))
    throw new Error(
      `config.json: model_type ${JSON.stringify(type)} is not supported, expected "qwen3", "qwen2" or "llama"`,
    )
  for (const [key, isPlain] of Object.entries(plain))
    if (json[key] != null && !isPlain(json[key])) throw unsupported(key, json[key])
  const rope = ropeOf(json)
  const dim = numberAt(json, 'hidden_size')
  const heads = numberAt(json, 'num_attention_heads')
  const config: ModelConfig = {
    vocabSize: numberAt(json, 'vocab_size'),
    dim,
    layers: numberAt(json, 'num_hidden_layers'),
    heads,
    kvHeads: numberAt(json, 'num_key_value_heads', heads),
    headDim: numberAt(json, 'head_dim', dim / heads),
    ff: numberAt(json, 'intermediate_size'),
    ropeTheta: rope.theta,
    eps: numberAt(json, 'rms_norm_eps', 1e-6),
    tied: json.tie_word_embeddings === true,
    maxPositions: numberAt(json, 'max_position_embeddings', 2048),
    ...(type === 'qwen3' ? {} : { qkNorm: false as const }),
    ...(type === 'qwen2' ? { qkvBias: true as const } : {}),
    ...(rope.scaling ? { ropeScaling: rope.scaling } : {}),
    ...(isClassifier(json) ? { score: true as const } : {}),
  }
  checkConfig(config)
  return config
}

const isClassifier = ({ architectures }: Json) =>
  Array.isArray(architectures) && String(architectures[0]).endsWith('ForSequenceClassification')

/** `rope_theta` and `rope_scaling`, or `rope_parameters`, which holds both since transformers 5. */
function ropeOf(json: Json): { theta: number; scaling: RopeScaling | null } {
  const key = json.rope_parameters == null ? 'rope_scaling' : 'rope_parameters'
  const given = json[key] ?? {}
  if (typeof given !== 'object' || Array.isArray(given)) throw unsupported(key, given)
  const rope = given as Json
  const theta = numberAt(json, 'rope_theta', numberAt(rope, 'rope_theta', 10_000, `${key}.`))
  const type = rope.rope_type ?? rope.type ?? 'default'
  if (rope.partial_rotary_factor != null && rope.partial_rotary_factor !== 1) throw unsupported(key, given)
  if (type === 'default') return { theta, scaling: null }
  if (type !== 'llama3') throw unsupported(`${key}.rope_type`, type)
  const number = (name: string, fallback?: number) => numberAt(rope, name, fallback, `${key}.`)
  return {
    theta,
    scaling: {
      factor: number('factor'),
      lowFreqFactor: number('low_freq_factor'),
      highFreqFactor: number('high_freq_factor'),
      originalMaxPositions: number('original_max_position_embeddings'),
    },
  }
}

/** `where`: what stands before the key in an error. */
function numberAt(json: Json, key: string, fallback?: number, where = ''): number {
  const value = json[key] ?? fallback
  if (typeof value !== 'number')
    throw new Error(`config.json: ${where}${key} must be a number, got ${JSON.stringify(value)}`)
  return value
}

const unsupported = (key: string, value: unknown) =>
  new Error(`config.json: ${key} ${JSON.stringify(value)} is not supported`)
