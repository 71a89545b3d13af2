/**
 * Commands of the optimizers. What changes from step to step (learning rate, bias corrections, momentum, the clipping
 * factor) lies in small tensors, so that a captured step can be replayed.
 *   AdamW: Loshchilov & Hutter, 2019.  Muon: Jordan et al., 2024 (github.com/KellerJordan/Muon): Nesterov momentum, then
 *   five Newton–Schulz steps that bring every singular value of the update near 1.
 */
import { show, type Tensor } from '../tensor.ts'
import { gemm } from './linear.ts'
import type { ReferenceKernels } from './reference.ts'

/** Newton–Schulz coefficients of the quintic, from the Muon reference implementation. */
const QUINTIC = [3.4445, -4.775, 2.0315] as const
const NEWTON_SCHULZ_STEPS = 5

function expectRoom(op: string, t: Tensor, elements: number): void {
  if (t.size < elements) throw new Error(`${op}: ${elements} elements are needed, got ${show(t.shape)}`)
}

/** out[0] = Σ x² (+ out[0]). */
export function sumSquares(x: Tensor, out: Tensor, accumulate = false): void {
  x.engine.expect('sumSquares', [x, out])
  x.engine.enqueue('sum_squares', [x, out], [x.size, accumulate ? 1 : 0])
}

/** From Σ g²: clip[0] = min(1, maxNorm / ‖g‖), clip[1] = ‖g‖. maxNorm 0 = never clip. */
export function clipScale(squares: Tensor, clip: Tensor, maxNorm: number): void {
  squares.engine.expect('clipScale', [squares, clip])
  expectRoom('clipScale', clip, 2)
  squares.engine.enqueue('clip_scale', [squares, clip], [1], [maxNorm])
}

export interface AdamWOptions {
  beta1: number
  beta2: number
  eps: number
  weightDecay: number
}

/** One AdamW step. hyper = [learning rate, 1 − β1^t, 1 − β2^t]; gradients are scaled by clip[0], and 0 afterwards. */
export function adamw(
  {
    weights,
    grads,
    m,
    v,
    hyper,
    clip,
  }: { weights: Tensor; grads: Tensor; m: Tensor; v: Tensor; hyper: Tensor; clip: Tensor },
  { beta1, beta2, eps, weightDecay }: AdamWOptions,
): void {
  weights.engine.expect('adamw', [weights, grads, m, v, hyper, clip])
  expectRoom('adamw', hyper, 3)
  expectRoom('adamw', clip, 1)
  for (const t of [grads, m, v])
    if (t.size !== weights.size)
      throw new Error(`adamw: weights ${show(weights.shape)}, but a state of ${show(t.shape)}`)
  const n = weights.size
  weights.engine.enqueue('adamw', [weights, grads, m, v, hyper, clip], [n], [beta1, beta2, eps, weightDecay])
}

/** One Muon step on a matrix. hyper = [learning rate, momentum]. The update is scaled by `scale`. Gradients are 0 afterwards. */
export function muon(
  {
    weights,
    grads,
    momentum,
    hyper,
    clip,
  }: { weights: Tensor; grads: Tensor; momentum: Tensor; hyper: Tensor; clip: Tensor },
  { scale, weightDecay }: { scale: number; weightDecay: number },
): void {
  const { engine } = weights
  const [rows = 0, columns = 0] = weights.shape
  engine.expect('muon', [weights, grads, momentum, hyper, clip])
  if (weights.shape.length !== 2) throw new Error(`muon: expected a matrix, got ${show(weights.shape)}`)
  for (const t of [grads, momentum])
    if (t.size !== weights.size)
      throw new Error(`muon: weights ${show(weights.shape)}, but a state of ${show(t.shape)}`)
  expectRoom('muon', hyper, 2)
  expectRoom('muon', clip, 1)
  engine.scope(() => {
    const [a, b, c] = QUINTIC
    const side = Math.min(rows, columns)
    let x = engine.empty([rows, columns])
    let next = engine.empty([rows, columns])
    const gram = engine.empty([side, side])
    const polynomial = engine.empty([side, side])
    engine.enqueue('muon_momentum', [grads, momentum, x, hyper, clip], [x.size])
    engine.enqueue('normalize', [x], [x.size])
    for (let i = 0; i < NEWTON_SCHULZ_STEPS; i++) {
      const wide = rows <= columns
      gemm(x, x, gram, wide ? { transposeB: true } : { transposeA: true }) // X·Xᵀ or Xᵀ·X
      gemm(gram, gram, polynomial, { alpha: c, beta: b, residual: gram }) // b·A + c·A²
      if (wide) gemm(polynomial, x, next, { beta: a, residual: x })
      else gemm(x, polynomial, next, { beta: a, residual: x })
      ;[x, next] = [next, x]
    }
    engine.enqueue('muon_apply', [weights, x, hyper], [x.size], [scale, weightDecay])
  })
}

const sumOfSquares = (x: Float64Array, n: number) => x.subarray(0, n).reduce((a, b) => a + b * b, 0)

export const optimizerKernels: ReferenceKernels = {
  sum_squares({ dims: [n = 0, accumulate = 0], at }) {
    at(1)[0] = sumOfSquares(at(0), n) + (accumulate ? at(1)[0]! : 0)
  },
  clip_scale({ scalars: [maxNorm = 0], at }) {
    const norm = Math.sqrt(at(0)[0]!)
    const clip = at(1)
    clip[0] = maxNorm > 0 && norm > maxNorm ? maxNorm / norm : 1
    clip[1] = norm
  },
  adamw({ dims: [n = 0], scalars: [beta1 = 0, beta2 = 0, eps = 0, decay = 0], at }) {
    const [p, g, m, v, hyper, clip] = [at(0), at(1), at(2), at(3), at(4), at(5)]
    const [rate = 0, correction1 = 1, correction2 = 1] = hyper
    for (let i = 0; i < n; i++) {
      const gradient = g[i]! * clip[0]!
      g[i] = 0
      m[i] = beta1 * m[i]! + (1 - beta1) * gradient
      v[i] = beta2 * v[i]! + (1 - beta2) * gradient * gradient
      const update = m[i]! / correction1 / (Math.sqrt(v[i]! / correction2) + eps)
      p[i]! -= rate * (update + decay * p[i]!)
    }
  },
  muon_momentum({ dims: [n = 0], at }) {
    const [g, momentum, x, hyper, clip] = [at(0), at(1), at(2), at(3), at(4)]
    const mu = hyper[1]!
    for (let i = 0; i < n; i++) {
      const gradient = g[i]! * clip[0]!
      g[i] = 0
      momentum[i] = mu * momentum[i]! + (1 - mu) * gradient
      x[i] = mu * momentum[i]! + (1 - mu) * gradient
    }
  },
  normalize({ dims: [n = 0], at }) {
    const x = at(0)
    const factor = 1 / (Math.sqrt(sumOfSquares(x, n)) + 1e-7)
    for (let i = 0; i < n; i++) x[i]! *= factor
  },
  muon_apply({ dims: [n = 0], scalars: [scale = 0, decay = 0], at }) {
    const [p, x, hyper] = [at(0), at(1), at(2)]
    const rate = hyper[0]!
    for (let i = 0; i < n; i++) p[i]! -= rate * (scale * x[i]! + decay * p[i]!)
  },
}
