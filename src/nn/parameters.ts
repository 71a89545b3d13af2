/**
 * All weights in one flat tensor (a slab), gradients in a second of the same layout: one command clears or measures all
 * of them. q, k, v and gate, up are neighbours, so that one matrix product serves them; each is still known by its
 * Hugging Face name, as a view.
 */
import type { Engine, Shape, Tensor } from '../tensor/index.ts'
import type { ModelConfig } from './config.ts'

/** What an optimizer may do with it: hidden matrices, embeddings (input and output), vectors (norm weights, biases). */
export type ParameterRole = 'matrix' | 'embedding' | 'vector'

export interface Parameter {
  /** As in Hugging Face checkpoints, with the `model.` prefix. */
  name: string
  role: ParameterRole
  shape: Shape
  /** Elements from the start of the slab. */
  offset: number
}

const ALIGNMENT = 16 // floats: 64 bytes

export interface Layout {
  parameters: Parameter[]
  /** Elements of the slab. */
  size: number
}

/** Places for groups of weights; those of a group are neighbours. */
export function allot(groups: readonly (readonly Omit<Parameter, 'offset'>[])[]): Layout {
  const parameters: Parameter[] = []
  let size = 0
  for (const group of groups) {
    size = Math.ceil(size / ALIGNMENT) * ALIGNMENT
    for (const parameter of group) {
      parameters.push({ ...parameter, offset: size })
      size += parameter.shape.reduce((a, b) => a * b)
    }
  }
  return { parameters, size }
}

/** Every weight's name, shape and place, and the size of the slab. */
export function layOut(c: ModelConfig): Layout {
  const groups: Omit<Parameter, 'offset'>[][] = []
  const place = (role: ParameterRole, group: [name: string, ...shape: number[]][]) =>
    groups.push(group.map(([name, ...shape]) => ({ name, role, shape })))
  const [q, kv] = [c.heads * c.headDim, c.kvHeads * c.headDim]
  place('embedding', [['model.embed_tokens.weight', c.vocabSize, c.dim]])
  for (let i = 0; i < c.layers; i++) {
    const at = (name: string, kind = 'weight') => `model.layers.${i}.${name}.${kind}`
    place('vector', [[at('input_layernorm'), c.dim]])
    place('matrix', [
      [at('self_attn.q_proj'), q, c.dim],
      [at('self_attn.k_proj'), kv, c.dim],
      [at('self_attn.v_proj'), kv, c.dim],
    ])
    if (c.qkvBias)
      place('vector', [
        [at('self_attn.q_proj', 'bias'), q],
        [at('self_attn.k_proj', 'bias'), kv],
        [at('self_attn.v_proj', 'bias'), kv],
      ])
    if (c.qkNorm !== false) {
      place('vector', [[at('self_attn.q_norm'), c.headDim]])
      place('vector', [[at('self_attn.k_norm'), c.headDim]])
    }
    place('matrix', [[at('self_attn.o_proj'), c.dim, q]])
    place('vector', [[at('post_attention_layernorm'), c.dim]])
    place('matrix', [
      [at('mlp.gate_proj'), c.ff, c.dim],
      [at('mlp.up_proj'), c.ff, c.dim],
    ])
    place('matrix', [[at('mlp.down_proj'), c.dim, c.ff]])
  }
  place('vector', [['model.norm.weight', c.dim]])
  if (!c.tied) place('embedding', [['lm_head.weight', c.vocabSize, c.dim]])
  if (c.score) place('vector', [['score.weight', 1, c.dim]])
  return allot(groups)
}

export interface Slab {
  parameters: Parameter[]
  weights: Tensor
  /** null for a model that is only used, not trained. */
  grads: Tensor | null
  /** Views of a weight (or of neighbours: `rows` of the first one's name on), with the gradient attached. */
  view(name: string, shape?: Shape): Tensor
}

/** Memory for a layout, zero. */
export function viewsOf(engine: Engine, { parameters, size }: Layout, trainable: boolean): Slab {
  const zeros = () => engine.keep(engine.zeros([size]))
  const weights = zeros()
  const grads = trainable ? zeros() : null
  const byName = new Map(parameters.map((p) => [p.name, p]))
  return {
    parameters,
    weights,
    grads,
    view(name, shape) {
      const p = byName.get(name)
      if (!p) throw new Error(`no weight named ${name}`)
      const t = weights.view(shape ?? p.shape, p.offset)
      if (grads) {
        t.requiresGrad = true
        t.grad = grads.view(t.shape, p.offset)
      }
      return t
    },
  }
}
