/**
 * The numbers that define a model, in the layouts of Qwen3, Qwen2 and Llama (config-json.ts has their `config.json` form).
 * `configOfDepth` is the one dial: depth sets everything else.
 */

/** Llama 3's rope scaling, for contexts longer than the first one: see `ropeDivisors`. */
export interface RopeScaling {
  factor: number
  lowFreqFactor: number
  highFreqFactor: number
  /** Tokens of the context that the model was first trained on. */
  originalMaxPositions: number
}

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
  /** false: queries and keys are not normalised (Qwen2, Llama). */
  qkNorm?: false
  /** Biases on queries, keys and values (Qwen2). */
  qkvBias?: true
  ropeScaling?: RopeScaling
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

/** No model is larger: a number above is a damaged file, and must not be allocated for. */
const MOST = {
  vocabSize: 1 << 24,
  dim: 1 << 18,
  layers: 1 << 12,
  heads: 1 << 12,
  kvHeads: 1 << 12,
  headDim: 1 << 12,
  ff: 1 << 20,
  maxPositions: 1 << 22, // the table of rotary positions is made for all of them
} as const

export function checkConfig(c: ModelConfig): void {
  for (const key of Object.keys(MOST) as (keyof typeof MOST)[])
    if (!Number.isInteger(c[key]) || c[key] < 1 || c[key] > MOST[key])
      throw new Error(`model ${key}: expected a whole number from 1 to ${MOST[key]}, got ${c[key]}`)
  if (c.heads % c.kvHeads !== 0)
    throw new Error(`model heads (${c.heads}) must be a multiple of kvHeads (${c.kvHeads})`)
  if (c.headDim % 2 !== 0) throw new Error(`model headDim must be even for rotary positions, got ${c.headDim}`)
  if (c.qkvBias && c.qkNorm !== false)
    throw new Error('model qkvBias: no layout has biases as well as QK-norm; set qkNorm: false')
  const s = c.ropeScaling
  if (!s) return
  for (const key of ['factor', 'lowFreqFactor', 'highFreqFactor', 'originalMaxPositions'] as const)
    if (!(s[key] > 0 && s[key] < Infinity))
      throw new Error(`model ropeScaling.${key}: expected a number above 0, got ${s[key]}`)
  if (!(s.lowFreqFactor < s.highFreqFactor))
    throw new Error(
      `model ropeScaling: lowFreqFactor ${s.lowFreqFactor} must be below highFreqFactor ${s.highFreqFactor}`,
    )
}

/** Number of weights, the tied embedding counted once. */
export function countParameters(c: ModelConfig): number {
  const attention =
    c.dim * c.headDim * (2 * c.heads + 2 * c.kvHeads) +
    (c.qkNorm === false ? 0 : 2 * c.headDim) +
    (c.qkvBias ? c.headDim * (c.heads + 2 * c.kvHeads) : 0)
  const layer = attention + 3 * c.dim * c.ff + 2 * c.dim
  return c.layers * layer + c.dim + c.vocabSize * c.dim * (c.tied ? 1 : 2) + (c.score ? c.dim : 0)
}

/** Floating-point operations of one training step per token: 6 per weight in a matrix product, plus causal attention. */
export function flopsPerToken(c: ModelConfig, time: number): number {
  const matrices =
    c.layers * (c.dim * c.headDim * (2 * c.heads + 2 * c.kvHeads) + 3 * c.dim * c.ff) + c.vocabSize * c.dim
  return 6 * matrices + 6 * c.layers * c.heads * c.headDim * time
}
