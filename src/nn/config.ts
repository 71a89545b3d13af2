/**
 * The numbers that define a model, in the Qwen3 layout, and their `config.json` form, which transformers, vLLM and
 * llama.cpp read. `configOfDepth` is the one dial: depth sets everything else.
 */
export interface ModelConfig {
  vocabSize: number
  /** Width of the residual stream, C. */
  dim: number
  layers: number
  heads: number
  kvHeads: number
  headDim: number
  /** Width of the feed-forward layer, F. */
  ff: number
  ropeTheta: number
  eps: number
  /** Output embedding = input embedding. */
  tied: boolean
  /** Longest sequence the rope table is made for. */
  maxPositions: number
  /** A reward model: a scalar head beside the language-model head. */
  score?: true
}

/** Width 64·depth, heads of 64, feed-forward 8/3 of the width rounded up to 64, tied: the layout of DESIGN §7. */
export function configOfDepth(depth: number, vocabSize: number, maxPositions: number): ModelConfig {
  if (!Number.isInteger(depth) || depth < 1) throw new Error(`depth: expected a whole number from 1, got ${depth}`)
  const dim = 64 * depth
  const ff = Math.ceil((dim * 8) / 3 / 64) * 64
  return {
    vocabSize,
    dim,
    layers: depth,
    heads: depth,
    kvHeads: depth,
    headDim: 64,
    ff,
    ropeTheta: 10_000,
    eps: 1e-6,
    tied: true,
    maxPositions,
  }
}

export function checkConfig(c: ModelConfig): void {
  for (const key of ['vocabSize', 'dim', 'layers', 'heads', 'kvHeads', 'headDim', 'ff', 'maxPositions'] as const)
    if (!Number.isInteger(c[key]) || c[key] < 1)
      throw new Error(`model ${key}: expected a whole number from 1, got ${c[key]}`)
  if (c.heads % c.kvHeads !== 0)
    throw new Error(`model heads (${c.heads}) must be a multiple of kvHeads (${c.kvHeads})`)
  if (c.headDim % 2 !== 0) throw new Error(`model headDim must be even for rotary positions, got ${c.headDim}`)
}

/** Number of weights, the tied embedding counted once. */
export function countParameters(c: ModelConfig): number {
  const attention = c.dim * c.headDim * (2 * c.heads + 2 * c.kvHeads) + 2 * c.headDim
  const layer = attention + 3 * c.dim * c.ff + 2 * c.dim
  return c.layers * layer + c.dim + c.vocabSize * c.dim * (c.tied ? 1 : 2) + (c.score ? c.dim : 0)
}

/** Floating-point operations of one training step per token: 6 per weight in a matrix product, plus causal attention. */
export function flopsPerToken(c: ModelConfig, time: number): number {
  const matrices =
    c.layers * (c.dim * c.headDim * (2 * c.heads + 2 * c.kvHeads) + 3 * c.dim * c.ff) + c.vocabSize * c.dim
  return 6 * matrices + 6 * c.layers * c.heads * c.headDim * time
}

const CLASSIFIER = 'Qwen3ForSequenceClassification'

/** As Hugging Face's Qwen3Config; a reward model is a classifier with one label. */
export function toHuggingFace(c: ModelConfig): Record<string, unknown> {
  return {
    architectures: [c.score ? CLASSIFIER : 'Qwen3ForCausalLM'],
    ...(c.score ? { num_labels: 1 } : {}),
    model_type: 'qwen3',
    vocab_size: c.vocabSize,
    hidden_size: c.dim,
    num_hidden_layers: c.layers,
    num_attention_heads: c.heads,
    num_key_value_heads: c.kvHeads,
    head_dim: c.headDim,
    intermediate_size: c.ff,
    rope_theta: c.ropeTheta,
    rms_norm_eps: c.eps,
    tie_word_embeddings: c.tied,
    max_position_embeddings: c.maxPositions,
    hidden_act: 'silu',
    attention_bias: false,
    attention_dropout: 0,
    use_cache: true,
    torch_dtype: 'float32',
  }
}

/** Whether a key says the same as if it were not there. */
function isPlain(key: string, value: unknown): boolean {
  if (key === 'layer_types') return Array.isArray(value) && value.every((type) => type === 'full_attention')
  return key === 'rope_scaling' && (value as { rope_type?: string }).rope_type === 'default'
}

/** Reads a `config.json`; throws naming the key that is missing, of the wrong type, or not supported. */
export function fromHuggingFace(json: Record<string, unknown>): ModelConfig {
  if (json.model_type !== 'qwen3')
    throw new Error(`config.json: model_type ${JSON.stringify(json.model_type)} is not supported, expected "qwen3"`)
  if (json.attention_bias === true) throw new Error('config.json: attention_bias true is not supported')
  for (const key of ['rope_scaling', 'use_sliding_window', 'layer_types'])
    if (json[key] && !isPlain(key, json[key]))
      throw new Error(`config.json: ${key} ${JSON.stringify(json[key])} is not supported`)
  if (json.hidden_act !== undefined && json.hidden_act !== 'silu')
    throw new Error(`config.json: hidden_act ${JSON.stringify(json.hidden_act)} is not supported, expected "silu"`)
  const number = (key: string, fallback?: number): number => {
    const value = json[key] ?? fallback
    if (typeof value !== 'number') throw new Error(`config.json: ${key} must be a number, got ${JSON.stringify(value)}`)
    return value
  }
  const dim = number('hidden_size')
  const heads = number('num_attention_heads')
  const config: ModelConfig = {
    vocabSize: number('vocab_size'),
    dim,
    layers: number('num_hidden_layers'),
    heads,
    kvHeads: number('num_key_value_heads', heads),
    headDim: number('head_dim', dim / heads),
    ff: number('intermediate_size'),
    ropeTheta: number(
      'rope_theta',
      (json.rope_parameters as { rope_theta?: number } | undefined)?.rope_theta ?? 10_000,
    ),
    eps: number('rms_norm_eps', 1e-6),
    tied: json.tie_word_embeddings === true,
    maxPositions: number('max_position_embeddings', 2048),
    ...((json.architectures as unknown[] | undefined)?.[0] === CLASSIFIER ? { score: true as const } : {}),
  }
  checkConfig(config)
  return config
}
