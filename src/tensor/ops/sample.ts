/**
 * Drawing the next token of each row from its logits, as a command: a decoding step ends where the next one starts, and
 * nothing is read in between. The order is that of Hugging Face transformers: repetition penalty (Keskar et al., CTRL, 2019),
 * temperature, top-k, top-p (Holtzman et al., 2020), min-p (Nguyen et al., 2024); then inverse transform in the order of ids.
 * Each filter is a least logit to keep, so that equal logits stay or go together. The random number of a token depends on
 * (seed, stream, number of the token) only, never on the row or the batch.
 */
import { philox } from '../random.ts'
import { show, type Tensor } from '../tensor.ts'
import type { ReferenceKernels } from './reference.ts'

/**
 * Columns of `settings`, f32: temperature 0 = the best logit (lowest id of equals); topK 0, topP 1, minP 0, penalty 1 = off. Three more stop ids
 * than `state` has room for stand there as id + 1, 0 for none: exact below 2^24.
 */
export const sampleSettings = { temperature: 0, topK: 1, topP: 2, minP: 3, repetitionPenalty: 4, stop3: 5 } as const

/** Columns of `state`, i32. `generated` counts up to `limit`; stop ids of −1 are none; `finish` is one of `sampleFinish`. */
export const sampleState = {
  seed: 0,
  stream: 1,
  generated: 2,
  active: 3,
  limit: 4,
  stop1: 5,
  stop2: 6,
  finish: 7,
} as const

/** Why a row ended: a stop id, its limit (or the end of the cache), or logits that are no numbers. */
export const sampleFinish = ['running', 'stop', 'length', 'not finite'] as const

export interface SampleInputs {
  /** (B, V); left as they are. */
  logits: Tensor
  /** (B, 8) f32 and (B, 8) i32: see `sampleSettings` and `sampleState`. Rows that are not active are passed over. */
  settings: Tensor
  state: Tensor
  /** (B) i32: the token, its position and its slot that gave these logits → those of the next step. A row that ends gets slot −1. */
  ids: Tensor
  positions: Tensor
  slots: Tensor
  /** (S, P) i32: the sequence of each slot by position; read for the penalty, and the new token is added. */
  tokens: Tensor
  /** (S, P) f32: log p of each new token in nats, under the whole distribution at temperature 1. */
  logProbs: Tensor
}

/** One token for each active row. No gradient. */
export function sample(inputs: SampleInputs): void {
  const { logits, settings, state, ids, positions, slots, tokens, logProbs } = inputs
  logits.engine.expect('sample', [logits, settings, logProbs], [state, ids, positions, slots, tokens])
  const [b = 0, v = 0] = logits.shape
  const [s = 0, p = 0] = tokens.shape
  const fits =
    logits.shape.length === 2 &&
    tokens.shape.length === 2 &&
    show(logProbs.shape) === show(tokens.shape) &&
    [settings, state].every((t) => show(t.shape) === show([b, 8])) &&
    [ids, positions, slots].every((t) => t.size === b) &&
    [state, ids, positions, slots, tokens].every((t) => t.dtype === 'i32')
  if (!fits)
    throw new Error(
      `sample: logits (B, V), settings (B, 8), and in i32 state (B, 8), ids, positions, slots (B), tokens (S, P) as logProbs; got ${Object.entries(
        inputs,
      )
        .map(([name, t]: [string, Tensor]) => `${name} ${t.dtype} ${show(t.shape)}`)
        .join(', ')}`,
    )
  const operands = [logits, settings, state, ids, positions, slots, tokens, logProbs]
  logits.engine.enqueue('sample', operands, [b, v, p, s])
}

const sum = (x: Float64Array) => x.reduce((a, b) => a + b, 0)

/** The distance that keeps the nearest candidates whose weights add up to `target`. */
function reach(distance: Float64Array, kept: number[], weight: (id: number) => number, target: number): number {
  let total = 0
  for (const id of kept.toSorted((a, b) => distance[a]! - distance[b]!))
    if ((total += weight(id)) >= target) return distance[id]!
  return Infinity
}

/** One token by its logits after the penalty; `u` uniform in [0, 1). */
function choose(z: Float64Array, settings: Float64Array, u: number): number {
  const [temperature = 0, topK = 0, topP = 1, minP = 0] = settings
  const top = z.reduce((a, b) => Math.max(a, b), -Infinity)
  if (temperature === 0) return z.indexOf(top)
  const distance = z.map((zt) => (top - zt) / temperature)
  const e = distance.map((d) => Math.exp(-d))
  let kept = [...z.keys()]
  const within = (limit: number) => kept.filter((id) => distance[id]! <= limit)
  if (topK > 0) kept = within(reach(distance, kept, () => 1, topK))
  if (topP < 1) kept = within(reach(distance, kept, (id) => e[id]!, topP * kept.reduce((a, id) => a + e[id]!, 0)))
  if (minP > 0) kept = within(-Math.log(minP))
  const target = u * kept.reduce((a, id) => a + e[id]!, 0)
  let total = 0
  return kept.find((id) => (total += e[id]!) > target) ?? kept.findLast((id) => e[id]! > 0)!
}

export const sampleKernels: ReferenceKernels = {
  sample({ dims: [b = 0, v = 0, p = 0, s = 0], at }) {
    const [ids, positions, slots, tokens, logProbs] = [at(3), at(4), at(5), at(6), at(7)]
    for (let i = 0; i < b; i++) {
      const settings = at(1).subarray(i * 8, i * 8 + 8)
      const state = at(2).subarray(i * 8, i * 8 + 8)
      const slot = slots[i]!
      if (!state[sampleState.active] || slot < 0 || slot >= s) continue
      const end = (finish: (typeof sampleFinish)[number]) => {
        state[sampleState.active] = 0
        state[sampleState.finish] = sampleFinish.indexOf(finish)
        slots[i] = -1
      }
      const logits = at(0).subarray(i * v, (i + 1) * v)
      const top = logits.reduce((a, z) => Math.max(a, z), -Infinity)
      const total = sum(logits.map((z) => Math.exp(z - top)))
      const position = positions[i]! + 1
      if (!(total > 0 && total < Infinity)) end('not finite')
      else if (position >= p) end('length')
      else {
        const z = logits.slice()
        const penalty = settings[sampleSettings.repetitionPenalty]!
        const past = penalty === 1 ? [] : tokens.subarray(slot * p, slot * p + position)
        for (const id of past)
          if (id >= 0 && id < v) z[id] = logits[id]! > 0 ? logits[id]! / penalty : logits[id]! * penalty
        const generated = state[sampleState.generated]++
        const [bits = 0] = philox([generated, 0, 0, 0], [state[sampleState.seed]!, state[sampleState.stream]!])
        const id = choose(z, settings, bits / 2 ** 32)
        tokens[slot * p + position] = id
        logProbs[slot * p + position] = logits[id]! - top - Math.log(total)
        ids[i] = id
        const more = settings.subarray(sampleSettings.stop3)
        if (id === state[sampleState.stop1] || id === state[sampleState.stop2] || more.includes(id + 1)) end('stop')
        else if (generated + 1 >= state[sampleState.limit]! || position + 1 >= p) end('length')
        else positions[i] = position
      }
    }
  },
}
