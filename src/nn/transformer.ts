/**
 * The transformer in the layouts of Qwen3, Qwen2 and Llama: RMSNorm, rotary positions, grouped-query attention with QK-norm
 * (Qwen3), biases on queries, keys and values (Qwen2) or neither (Llama), SwiGLU, optionally tied embeddings. A model is plain
 * data; `hiddenStates` is the whole forward pass. Attention over a cache (for generation) differs in one operation and is
 * passed in.
 */
import {
  attention,
  embedding,
  type Engine,
  linear,
  random,
  recompute,
  rmsNorm,
  swiglu,
  type Tensor,
} from '../tensor/index.ts'
import { checkConfig, type ModelConfig } from './config.ts'
import type { Adapter } from './lora.ts'
import { layOut, type Slab, viewsOf } from './parameters.ts'
import { ropeTable } from './rope.ts'

export interface Layer {
  inputNorm: Tensor
  /** ((H + 2·Hkv)·D, C) */
  qkv: Tensor
  /** ((H + 2·Hkv)·D, 1); null without biases. */
  qkvBias: Tensor | null
  /** (D); null without QK-norm. */
  qNorm: Tensor | null
  kNorm: Tensor | null
  /** (C, H·D) */
  o: Tensor
  postNorm: Tensor
  /** (2F, C) */
  gateUp: Tensor
  /** (C, F) */
  down: Tensor
}

export interface Model {
  config: ModelConfig
  engine: Engine
  slab: Slab
  /** (V, C) */
  embed: Tensor
  layers: Layer[]
  norm: Tensor
  /** (V, C); the same as `embed` when tied. */
  head: Tensor
  /** (1, C): a reward model's scalar head; null for other models. */
  score: Tensor | null
  /** (maxPositions, D): cosines, then sines. */
  rope: Tensor
  /** What learns in the place of the weights, where they are frozen. */
  adapter: Adapter | null
  /** Whether layers are computed again in the backward pass and keep nothing until then. */
  recompute: boolean
}

/** A model with all weights zero: fill it with `initialize` or `loadWeights`. */
export function createModel(engine: Engine, config: ModelConfig, { trainable = true } = {}): Model {
  checkConfig(config)
  const slab = viewsOf(engine, layOut(config), trainable)
  const { dim, heads, kvHeads, headDim, ff } = config
  const layers = Array.from({ length: config.layers }, (_, i): Layer => {
    const named = (name: string, shape?: number[]) => slab.view(`model.layers.${i}.${name}`, shape)
    const at = (name: string, shape?: number[]) => named(`${name}.weight`, shape)
    const norms = config.qkNorm !== false
    const width = (heads + 2 * kvHeads) * headDim
    return {
      inputNorm: at('input_layernorm'),
      qkv: at('self_attn.q_proj', [width, dim]),
      qkvBias: config.qkvBias ? named('self_attn.q_proj.bias', [width, 1]) : null,
      qNorm: norms ? at('self_attn.q_norm') : null,
      kNorm: norms ? at('self_attn.k_norm') : null,
      o: at('self_attn.o_proj'),
      postNorm: at('post_attention_layernorm'),
      gateUp: at('mlp.gate_proj', [2 * ff, dim]),
      down: at('mlp.down_proj'),
    }
  })
  const embed = slab.view('model.embed_tokens.weight')
  return {
    config,
    engine,
    slab,
    embed,
    layers,
    norm: slab.view('model.norm.weight'),
    head: config.tied ? embed : slab.view('lm_head.weight'),
    score: config.score ? slab.view('score.weight') : null,
    rope: engine.keep(engine.tensor(ropeTable(config), [config.maxPositions, headDim])),
    adapter: null,
    recompute: false,
  }
}

/** Gives the model's memory back. */
export function freeModel(model: Model): void {
  const { slab, adapter, rope } = model
  const matrices = [...model.layers.flatMap(({ qkv, o, gateUp, down }) => [qkv, o, gateUp, down]), model.head]
  for (const t of matrices.flatMap(({ int8 }) => (int8 ? [int8.bytes, int8.factors] : []))) t.free()
  for (const t of [slab.weights, slab.grads, adapter?.slab.weights, adapter?.slab.grads, rope]) t?.free()
}

/**
 * Random weights from a seed: normal with deviation 0.02, and 0.02 / sqrt(2·layers) for the two matrices of a layer that
 * write to the residual stream (Radford et al., GPT-2, 2019); norms are 1, biases 0, and so is a reward model's head: every text is worth the same.
 */
export function initialize(model: Model, seed: number): void {
  const { config, slab } = model
  const values = new Float32Array(slab.weights.size)
  for (const { name, role, shape, offset } of slab.parameters) {
    const size = shape.reduce((a, b) => a * b)
    if (name === 'score.weight' || name.endsWith('.bias')) values.fill(0, offset, offset + size)
    else if (role === 'vector') values.fill(1, offset, offset + size)
    else {
      const draw = random(seed, `init ${name}`)
      const deviation = /o_proj|down_proj/.test(name) ? 0.02 / Math.sqrt(2 * config.layers) : 0.02
      for (let i = offset; i < offset + size; i++) values[i] = deviation * draw.normal()
    }
  }
  slab.weights.write(values)
}

/** What attention does between the joint projection and the heads' outputs: (N, (H + 2·Hkv)·D) → (N, H·D). */
export type Attend = (qkv: Tensor, layer: Layer, index: number) => Tensor

/** ids (N) i32 → normalised final hidden states (N, C). */
export function hiddenStates(model: Model, ids: Tensor, attend: Attend): Tensor {
  const { layers, config, engine } = model
  let x = embedding(ids, model.embed) // (N, C)
  const ones = config.qkvBias ? engine.full([ids.size, 1], 1) : null // times a bias: a row of it for every token
  layers.forEach((layer, index) => {
    const block = (x: Tensor): Tensor => {
      const bias = ones && layer.qkvBias ? linear(ones, layer.qkvBias) : undefined
      const qkv = linear(rmsNorm(x, layer.inputNorm, config.eps), layer.qkv, bias) // (N, (H + 2·Hkv)·D)
      const y = linear(attend(qkv, layer, index), layer.o, x) // (N, C)
      const gateUp = linear(rmsNorm(y, layer.postNorm, config.eps), layer.gateUp) // (N, 2F)
      return linear(swiglu(gateUp), layer.down, y) // (N, C)
    }
    x = model.recompute ? recompute(x, block) : engine.scope(() => block(x))
  })
  return rmsNorm(x, model.norm, config.eps)
}

/** Attention over whole rows, each document of a packed row by itself. starts (B·T) i32: see `attention`. */
export function attendRows(model: Model, starts: Tensor, batch: number, time: number): Attend {
  const { heads, kvHeads, headDim, eps } = model.config
  return (qkv, { qNorm, kNorm }) =>
    attention({ qkv, qNorm, kNorm, rope: model.rope, starts }, { batch, time, heads, kvHeads, headDim, eps })
}
