/**
 * Attention over a KV cache, for generation: a step takes any tokens, each with its sequence (a slot of the cache) and its
 * position, writes their keys and values, then lets each look at its own sequence up to itself. Decoding is one token a
 * sequence, prefill many; a step's size is its only shape. Cache layout (S, Hkv, P, D) for keys and for values.
 */
import { show, type Tensor } from '../tensor.ts'
import { type AttentionInputs, type AttentionShape, rotate } from './attention.ts'
import type { ReferenceKernels } from './reference.ts'

export interface CacheInputs extends Omit<AttentionInputs, 'starts'> {
  keys: Tensor
  values: Tensor
  /** (M) i32: slot and position of each token; slot −1 marks padding, which is neither stored nor computed (zeros). */
  slots: Tensor
  positions: Tensor
}

/** qkv (M, (H + 2·Hkv)·D) → (M, H·D). No gradient. */
export function cachedAttention(inputs: CacheInputs, shape: Omit<AttentionShape, 'batch' | 'time'>): Tensor {
  const { qkv, keys, values, slots, positions } = inputs
  const { heads, kvHeads, headDim } = shape
  qkv.engine.expect('cachedAttention', [qkv, inputs.qNorm, inputs.kNorm, inputs.rope, keys, values], [slots, positions])
  const m = qkv.shape[0]!
  const [sequences = 0, cachedHeads = 0, capacity = 0, d = 0] = keys.shape
  if (
    cachedHeads !== kvHeads ||
    d !== headDim ||
    show(keys.shape) !== show(values.shape) ||
    slots.size !== m ||
    positions.size !== m
  )
    throw new Error(
      `cachedAttention: keys and values (S, ${kvHeads}, P, ${headDim}), slots and positions (${m}); got ${show(keys.shape)}, ${show(values.shape)}, ${show(slots.shape)}, ${show(positions.shape)}`,
    )
  const { engine } = qkv
  return engine.scope(() => {
    const { qk } = rotate(inputs, { ...shape, time: capacity }, positions)
    const y = engine.empty([m, heads * headDim])
    const dims = [m, heads, kvHeads, headDim, capacity, sequences]
    engine.enqueue('cache_write', [qk, qkv, slots, positions, keys, values], dims)
    engine.enqueue('attention_cached', [qk, keys, values, slots, positions, y], dims, [1 / Math.sqrt(headDim)])
    return y
  })
}

const isPadding = (slot: number, sequences: number, position: number, capacity: number) =>
  slot < 0 || slot >= sequences || position < 0 || position >= capacity

export const cacheKernels: ReferenceKernels = {
  cache_write({ dims: [m = 0, h = 0, hkv = 0, d = 0, capacity = 0, sequences = 0], at }) {
    const [qk, qkv, slots, positions, keys, values] = [at(0), at(1), at(2), at(3), at(4), at(5)]
    for (let i = 0; i < m; i++) {
      if (isPadding(slots[i]!, sequences, positions[i]!, capacity)) continue
      for (let head = 0; head < hkv; head++) {
        const to = ((slots[i]! * hkv + head) * capacity + positions[i]!) * d
        for (let j = 0; j < d; j++) {
          keys[to + j] = qk[(i * (h + hkv) + h + head) * d + j]!
          values[to + j] = qkv[(i * (h + 2 * hkv) + h + hkv + head) * d + j]!
        }
      }
    }
  },
  attention_cached({ dims: [m = 0, h = 0, hkv = 0, d = 0, capacity = 0, sequences = 0], scalars: [scale = 0], at }) {
    const [qk, keys, values, slots, positions, y] = [at(0), at(1), at(2), at(3), at(4), at(5)]
    for (let i = 0; i < m; i++)
      for (let head = 0; head < h; head++) {
        const out = y.subarray((i * h + head) * d, (i * h + head + 1) * d).fill(0)
        if (isPadding(slots[i]!, sequences, positions[i]!, capacity)) continue
        const from = (slots[i]! * hkv + Math.floor(head / (h / hkv))) * capacity * d
        const scores: number[] = []
        for (let s = 0; s <= positions[i]!; s++) {
          let dot = 0
          for (let j = 0; j < d; j++) dot += qk[(i * (h + hkv) + head) * d + j]! * keys[from + s * d + j]!
          scores.push(dot * scale)
        }
        const top = Math.max(...scores)
        const total = scores.reduce((a, b) => a + Math.exp(b - top), 0)
        scores.forEach((score, s) => {
          const p = Math.exp(score - top) / total
          for (let j = 0; j < d; j++) out[j]! += p * values[from + s * d + j]!
        })
      }
  },
}
