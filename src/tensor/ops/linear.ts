/**
 * Matrix products. `linear` is a layer's y = x·Wᵀ (+ residual) with weights stored (out, in) as the Hugging Face formats
 * do; `gemm` is the raw C = alpha·op(A)·op(B) + beta·R that everything else is made of.
 */
import { gradientOf, passGradient, record } from '../autograd.ts'
import { type LowRank, show, type Tensor } from '../tensor.ts'
import { INT8_ROWS, linearInt8 } from './int8.ts'
import { isHalf, same, toBf16 } from './precision.ts'
import type { ReferenceKernels } from './reference.ts'

export interface GemmOptions {
  /** Read A as stored (K, M), B as stored (N, K). */
  transposeA?: boolean
  transposeB?: boolean
  alpha?: number
  beta?: number
  /** Added with factor beta; defaults to C itself. */
  residual?: Tensor
}

/** C (M, N) = alpha · op(A) (M, K) · op(B) (K, N) + beta · residual, on 2-D tensors. No gradient. */
export function gemm(a: Tensor, b: Tensor, c: Tensor, options: GemmOptions = {}): void {
  const { transposeA = false, transposeB = false, alpha = 1, beta = 0, residual = c } = options
  a.engine.expect('gemm', [a, b, c, residual])
  const [m = 0, k = 0] = transposeA ? [a.shape[1], a.shape[0]] : a.shape
  const [k2 = 0, n = 0] = transposeB ? [b.shape[1], b.shape[0]] : b.shape
  if (a.shape.length !== 2 || b.shape.length !== 2 || k !== k2 || c.size !== m * n || residual.size !== c.size)
    throw new Error(
      `gemm: (${m}, ${k})·(${k2}, ${n}) into ${show(c.shape)}: inner sizes must agree and C must have ${m}×${n} elements`,
    )
  const leading = [transposeA ? m : k, transposeB ? k : n, n]
  const dims = [m, n, k, ...leading, transposeA ? 1 : 0, transposeB ? 1 : 0, isHalf(a.engine)]
  a.engine.enqueue('gemm', [a, b, c, beta === 0 ? null : residual], dims, [alpha, beta])
}

/** x (N, K) · wᵀ (K, M) + residual (N, M) → (N, M). */
export function linear(x: Tensor, w: Tensor, residual?: Tensor): Tensor {
  x.engine.expect('linear', [x, w, residual])
  const [n = 0, k = 0] = x.shape
  const [m = 0] = w.shape
  if (x.shape.length !== 2 || w.shape.length !== 2 || w.shape[1] !== k)
    throw new Error(`linear: x ${show(x.shape)} needs weights (out, ${k}); got ${show(w.shape)}`)
  if (residual && show(residual.shape) !== show([n, m]))
    throw new Error(`linear: the residual is ${show(residual.shape)}, the output ${show([n, m])}`)
  const y = x.engine.empty([n, m])
  if (w.int8 && n <= INT8_ROWS) linearInt8(x, w.int8, y, residual)
  else gemm(x, w, y, { transposeB: true, beta: residual ? 1 : 0, residual })
  const { adapter } = w
  const inputs = [x, w, ...(residual ? [residual] : []), ...(adapter ? [adapter.a, adapter.b] : [])]
  return record('linear', inputs, y, [], (dy) => {
    if (w.requiresGrad) {
      const { grad, accumulate } = gradientOf(w)
      gemm(dy, x, grad, { transposeA: true, beta: accumulate }) // (M, N)·(N, K)
    }
    if (adapter) adapterGradients(x, dy, adapter)
    if (x.requiresGrad) {
      const { grad, accumulate } = gradientOf(x)
      gemm(dy, w, grad, { beta: accumulate }) // (N, M)·(M, K)
    }
    if (residual) passGradient(residual, dy)
  })
}

/** Of y = x·(… + scale·b·a)ᵀ: db = scale · dyᵀ·(x·aᵀ), da = scale · (dy·b)ᵀ·x. The gradient of the whole weight is never made. */
function adapterGradients(x: Tensor, dy: Tensor, { a, b, scale }: LowRank): void {
  const { engine } = x
  const [rank = 0] = a.shape
  const thin = [x.shape[0]!, rank]
  engine.scope(() => {
    const [u, v] = [engine.empty(thin), engine.empty(thin)]
    const [da, db] = [gradientOf(a), gradientOf(b)]
    gemm(x, a, u, { transposeB: true }) // (N, R)
    gemm(dy, u, db.grad, { transposeA: true, alpha: scale, beta: db.accumulate })
    gemm(dy, b, v) // (N, R)
    gemm(v, x, da.grad, { transposeA: true, alpha: scale, beta: da.accumulate })
  })
}

/** w (M, N) · x (N) → (M, 1): sums of the elements of x with constant weights, which get no gradient. */
export function combine(w: Tensor, x: Tensor): Tensor {
  x.engine.expect('combine', [w, x])
  const [m = 0, n = 0] = w.shape
  if (w.shape.length !== 2 || x.size !== n)
    throw new Error(`combine: weights (M, N) and x (N); got ${show(w.shape)} and ${show(x.shape)}`)
  const y = x.engine.empty([m, 1])
  gemm(w, x.view([n, 1]), y)
  return record('combine', [x], y, [], (dy) => {
    const { grad, accumulate } = gradientOf(x)
    gemm(w, dy, grad.view([n, 1]), { transposeA: true, beta: accumulate })
  })
}

export const linearKernels: ReferenceKernels = {
  gemm({ dims, scalars: [alpha = 0, beta = 0], at, has }) {
    const [m = 0, n = 0, k = 0, lda = 0, ldb = 0, ldc = 0, ta = 0, tb = 0, half = 0] = dims
    const [a, b, c] = [at(0), at(1), at(2)]
    const q = half ? toBf16 : same
    const r = has(3) ? at(3) : c
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        let total = 0
        for (let p = 0; p < k; p++)
          total += q(a[ta ? p * lda + i : i * lda + p]!) * q(b[tb ? j * ldb + p : p * ldb + j]!)
        c[i * ldc + j] = alpha * total + (beta === 0 ? 0 : beta * r[i * ldc + j]!)
      }
  },
}
