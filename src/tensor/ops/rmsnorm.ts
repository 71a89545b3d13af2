/**
 * Root-mean-square normalisation (Zhang & Sennrich, 2019): y = w · x / sqrt(mean(x²) + eps), row by row. The reciprocal
 * root of each row is kept for backward.
 */
import { gradientOf, record } from '../autograd.ts'
import { show, type Tensor } from '../tensor.ts'
import type { ReferenceKernels } from './reference.ts'

/** x (N, C), w (C) → (N, C). */
export function rmsNorm(x: Tensor, w: Tensor, eps: number): Tensor {
  x.engine.expect('rmsNorm', [x, w])
  const [n = 0, c = 0] = x.shape
  if (x.shape.length !== 2 || w.size !== c)
    throw new Error(`rmsNorm: x ${show(x.shape)} needs (N, C) and weights (C); got ${show(w.shape)}`)
  const { engine } = x
  const y = engine.empty([n, c])
  const rstd = engine.empty([n])
  engine.enqueue('rmsnorm_forward', [x, w, y, rstd], [n, c], [eps])
  return record('rmsNorm', [x, w], y, [rstd], (dy) => {
    const dx = x.requiresGrad ? gradientOf(x) : null
    const dw = w.requiresGrad ? gradientOf(w) : null
    const add = [dx?.accumulate ?? 0, dw?.accumulate ?? 0]
    engine.enqueue('rmsnorm_backward', [x, w, rstd, dy, dx?.grad, dw?.grad], [n, c, ...add])
  })
}

export const rmsNormKernels: ReferenceKernels = {
  rmsnorm_forward({ dims: [n = 0, c = 0], scalars: [eps = 0], at }) {
    const [x, w, y, rstd] = [at(0), at(1), at(2), at(3)]
    for (let i = 0; i < n; i++) {
      let squares = 0
      for (let j = 0; j < c; j++) squares += x[i * c + j]! ** 2
      rstd[i] = 1 / Math.sqrt(squares / c + eps)
      for (let j = 0; j < c; j++) y[i * c + j] = w[j]! * x[i * c + j]! * rstd[i]!
    }
  },
  // with x̂ = x · rstd and g = dy · w:  dx = rstd · (g − x̂ · mean(g · x̂)),  dw = Σ dy · x̂
  rmsnorm_backward({ dims: [n = 0, c = 0, addX = 0, addW = 0], at, has }) {
    const [x, w, rstd, dy] = [at(0), at(1), at(2), at(3)]
    const dx = has(4) ? at(4) : new Float64Array(n * c)
    const dw = has(5) ? at(5) : new Float64Array(c)
    if (!addW) dw.fill(0, 0, c)
    for (let i = 0; i < n; i++) {
      const r = rstd[i]!
      let dot = 0
      for (let j = 0; j < c; j++) dot += dy[i * c + j]! * w[j]! * x[i * c + j]! * r
      for (let j = 0; j < c; j++) {
        const k = i * c + j
        const normed = x[k]! * r
        const value = r * (dy[k]! * w[j]! - (normed * dot) / c)
        dx[k] = addX ? dx[k]! + value : value
        dw[j]! += dy[k]! * normed
      }
    }
  },
}
