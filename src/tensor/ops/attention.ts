/**
 * Causal grouped-query attention with rotary positions and, as in Qwen3, normalised queries and keys: one operation from
 * the joint projection to the heads' outputs. Nothing of size T×T is stored: backward recomputes the probabilities from
 * the log-sum-exp of each row (Dao et al., "FlashAttention", 2022). Packed documents are kept apart by `starts`.
 */
import { gradientOf, record } from '../autograd.ts'
import { show, type Tensor } from '../tensor.ts'
import type { ReferenceKernels } from './reference.ts'

export interface AttentionShape {
  /** Rows of the batch and tokens in a row. */
  batch: number
  time: number
  heads: number
  kvHeads: number
  headDim: number
  eps: number
}

export interface AttentionInputs {
  /** (N, (H + 2·Hkv)·D): queries, keys, values of each token side by side; N = batch · time. */
  qkv: Tensor
  /** (D): weights of the RMSNorm over each query head and each key head; null: they are only rotated. */
  qNorm: Tensor | null
  kNorm: Tensor | null
  /** (P, D): D/2 cosines then D/2 sines for each position. */
  rope: Tensor
  /** (N) i32: the first token, in its row, that this token may look at. */
  starts: Tensor
}

/** Normalises (where there are norms) and rotates queries and keys: → qk (N, (H + Hkv)·D) and the reciprocal roots (N, H + Hkv). */
export function rotate(
  { qkv, qNorm, kNorm, rope }: Omit<AttentionInputs, 'starts'>,
  { time, heads, kvHeads, headDim, eps }: Omit<AttentionShape, 'batch'>,
  positions: Tensor | null,
): { qk: Tensor; rstd: Tensor } {
  const [n = 0, width = 0] = qkv.shape
  if (width !== (heads + 2 * kvHeads) * headDim || heads % kvHeads !== 0 || headDim % 2 !== 0)
    throw new Error(
      `attention: qkv ${show(qkv.shape)} needs (heads + 2·kvHeads)·headDim = (${heads} + 2·${kvHeads})·${headDim} columns, heads a multiple of kvHeads`,
    )
  const fits = [qNorm, kNorm].every((norm) => !norm || norm.size === headDim) && !qNorm === !kNorm
  if (!fits || rope.shape[1] !== headDim)
    throw new Error(
      `attention: norms (${headDim}) or none and a rope table (positions, ${headDim}); got ${[qNorm, kNorm, rope].map((t) => (t ? show(t.shape) : 'none')).join(', ')}`,
    )
  if (rope.shape[0]! < time)
    throw new Error(`attention: ${time} positions in a row, but the rope table has ${rope.shape[0]} positions`)
  const { engine } = qkv
  const qk = engine.empty([n, (heads + kvHeads) * headDim])
  const rstd = engine.empty([n, heads + kvHeads])
  engine.enqueue(
    'qk_forward',
    [qkv, qNorm, kNorm, rope, positions, qk, rstd],
    [n, heads, kvHeads, headDim, time],
    [eps],
  )
  return { qk, rstd }
}

/** → (N, H·D). */
export function attention(inputs: AttentionInputs, shape: AttentionShape): Tensor {
  const { qkv, qNorm, kNorm, rope, starts } = inputs
  const { batch, time, heads, kvHeads, headDim } = shape
  qkv.engine.expect('attention', [qkv, qNorm, kNorm, rope], [starts])
  const n = batch * time
  if (qkv.shape[0] !== n || starts.size !== n || starts.dtype !== 'i32')
    throw new Error(
      `attention: ${batch} rows of ${time} tokens need qkv (${n}, …) and starts (${n}) i32; got ${show(qkv.shape)} and ${starts.dtype} ${show(starts.shape)}`,
    )
  const { engine } = qkv
  const { qk, rstd } = rotate(inputs, shape, null)
  const y = engine.empty([n, heads * headDim])
  const lse = engine.empty([n, heads])
  const dims = [batch, time, heads, kvHeads, headDim]
  const scalars = [1 / Math.sqrt(headDim)]
  engine.enqueue('attention_forward', [qk, qkv, starts, y, lse], dims, scalars)
  return record('attention', qNorm && kNorm ? [qkv, qNorm, kNorm] : [qkv], y, [qk, rstd, lse], (dy) => {
    engine.scope(() => {
      const dqk = engine.empty(qk.shape)
      const into = qkv.requiresGrad ? gradientOf(qkv) : null
      const dqkv = into && !into.accumulate ? into.grad : engine.empty(qkv.shape) // the kernels overwrite
      engine.enqueue('attention_backward', [qk, qkv, starts, y, lse, dy, dqk, dqkv], dims, scalars)
      const [dqNorm, dkNorm] = [qNorm, kNorm].map((norm) => {
        if (!norm?.requiresGrad) return null
        const { grad, accumulate } = gradientOf(norm) // the kernel adds
        if (!accumulate) engine.enqueue('fill', [grad], [grad.size], [0])
        return grad
      })
      engine.enqueue(
        'qk_backward',
        [qkv, qNorm, kNorm, rope, null, rstd, dqk, dqkv, dqNorm, dkNorm],
        [n, heads, kvHeads, headDim, time],
      )
      if (into?.accumulate) engine.enqueue('axpby', [dqkv, into.grad], [dqkv.size, dqkv.size], [1, 1])
    })
  })
}

export const attentionKernels: ReferenceKernels = {
  qk_forward({ dims: [n = 0, h = 0, hkv = 0, d = 0, time = 0], scalars: [eps = 0], at, has }) {
    const [qkv, rope, qk, rstd] = [at(0), at(3), at(5), at(6)]
    const half = d / 2
    const plain = new Float64Array(d).fill(1) // without norms
    for (let i = 0; i < n; i++) {
      const given = has(4) ? at(4)[i]! : i % time
      const position = given >= 0 && given < time ? given : 0 // padding
      for (let head = 0; head < h + hkv; head++) {
        const x = qkv.subarray(i * (h + 2 * hkv) * d + head * d)
        const y = qk.subarray(i * (h + hkv) * d + head * d)
        const w = has(1) ? at(head < h ? 1 : 2) : plain
        let squares = 0
        for (let j = 0; j < d; j++) squares += x[j]! ** 2
        const r = has(1) ? 1 / Math.sqrt(squares / d + eps) : 1
        rstd[i * (h + hkv) + head] = r
        for (let j = 0; j < half; j++) {
          const a = x[j]! * r * w[j]!
          const b = x[j + half]! * r * w[j + half]!
          const cos = rope[position * d + j]!
          const sin = rope[position * d + half + j]!
          y[j] = a * cos - b * sin
          y[j + half] = b * cos + a * sin
        }
      }
    }
  },
  qk_backward({ dims: [n = 0, h = 0, hkv = 0, d = 0, time = 0], at, has }) {
    const [qkv, rope, rstd, dqk, dqkv] = [at(0), at(3), at(5), at(6), at(7)]
    const half = d / 2
    const g = new Float64Array(d)
    for (let i = 0; i < n; i++) {
      const given = has(4) ? at(4)[i]! : i % time
      const position = given >= 0 && given < time ? given : 0 // padding
      for (let head = 0; head < h + hkv; head++) {
        const x = qkv.subarray(i * (h + 2 * hkv) * d + head * d)
        const dx = dqkv.subarray(i * (h + 2 * hkv) * d + head * d)
        const dy = dqk.subarray(i * (h + hkv) * d + head * d)
        const [wAt, dwAt] = head < h ? [1, 8] : [2, 9]
        const r = rstd[i * (h + hkv) + head]!
        let dot = 0
        for (let j = 0; j < half; j++) {
          const cos = rope[position * d + j]!
          const sin = rope[position * d + half + j]!
          g[j] = dy[j]! * cos + dy[j + half]! * sin // the rotation, reversed
          g[j + half] = dy[j + half]! * cos - dy[j]! * sin
        }
        if (!has(wAt)) {
          for (let j = 0; j < d; j++) dx[j] = g[j]!
          continue
        }
        const w = at(wAt)
        for (let j = 0; j < d; j++) dot += g[j]! * w[j]! * x[j]! * r
        for (let j = 0; j < d; j++) {
          const normed = x[j]! * r
          dx[j] = r * (g[j]! * w[j]! - (normed * dot) / d)
          if (has(dwAt)) at(dwAt)[j]! += g[j]! * normed
        }
      }
    }
  },
  attention_forward({ dims: [batch = 0, time = 0, h = 0, hkv = 0, d = 0], scalars: [scale = 0], at }) {
    const [qk, qkv, starts, y, lse] = [at(0), at(1), at(2), at(3), at(4)]
    forEachQuery(batch, time, h, hkv, (i, row, head, kvHead) => {
      const q = (i * (h + hkv) + head) * d
      const out = y.subarray((i * h + head) * d, (i * h + head + 1) * d).fill(0)
      const scores: number[] = []
      for (let s = row + starts[i]!; s <= i; s++) {
        let dot = 0
        for (let j = 0; j < d; j++) dot += qk[q + j]! * qk[(s * (h + hkv) + h + kvHead) * d + j]!
        scores.push(dot * scale)
      }
      const top = Math.max(...scores)
      const total = scores.reduce((a, b) => a + Math.exp(b - top), 0)
      lse[i * h + head] = top + Math.log(total)
      scores.forEach((score, index) => {
        const s = row + starts[i]! + index
        const p = Math.exp(score - top) / total
        for (let j = 0; j < d; j++) out[j]! += p * qkv[(s * (h + 2 * hkv) + h + hkv + kvHead) * d + j]!
      })
    })
  },
  // dS = P ∘ (dP − Σ dy·y) with dP = dy·Vᵀ;  dQ = scale · dS·K;  dK = scale · dSᵀ·Q;  dV = Pᵀ·dy
  attention_backward({ dims: [batch = 0, time = 0, h = 0, hkv = 0, d = 0], scalars: [scale = 0], at }) {
    const [qk, qkv, starts, y, lse, dy, dqk, dqkv] = [at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)]
    const n = batch * time
    dqk.fill(0, 0, n * (h + hkv) * d)
    for (let i = 0; i < n; i++) dqkv.fill(0, (i * (h + 2 * hkv) + h + hkv) * d, (i + 1) * (h + 2 * hkv) * d)
    forEachQuery(batch, time, h, hkv, (i, row, head, kvHead) => {
      const q = (i * (h + hkv) + head) * d
      const o = (i * h + head) * d
      let delta = 0
      for (let j = 0; j < d; j++) delta += dy[o + j]! * y[o + j]!
      for (let s = row + starts[i]!; s <= i; s++) {
        const k = (s * (h + hkv) + h + kvHead) * d
        const v = (s * (h + 2 * hkv) + h + hkv + kvHead) * d
        let dot = 0
        let dp = 0
        for (let j = 0; j < d; j++) {
          dot += qk[q + j]! * qk[k + j]!
          dp += dy[o + j]! * qkv[v + j]!
        }
        const p = Math.exp(dot * scale - lse[i * h + head]!)
        const ds = p * (dp - delta) * scale
        for (let j = 0; j < d; j++) {
          dqk[q + j]! += ds * qk[k + j]!
          dqk[k + j]! += ds * qk[q + j]!
          dqkv[v + j]! += p * dy[o + j]!
        }
      }
    })
  },
}

function forEachQuery(
  batch: number,
  time: number,
  h: number,
  hkv: number,
  visit: (token: number, row: number, head: number, kvHead: number) => void,
): void {
  for (let b = 0; b < batch; b++)
    for (let t = 0; t < time; t++)
      for (let head = 0; head < h; head++) visit(b * time + t, b * time, head, Math.floor(head / (h / hkv)))
}
