/**
 * Elementwise arithmetic: add, subtract, multiply (two tensors of one shape, or a tensor and a scalar tensor), scale, and
 * sums. General broadcasting is left out: the transformer's own operations are fused, and lessons need no more.
 */
import { gradientOf, passGradient, record } from '../autograd.ts'
import { show, type Tensor } from '../tensor.ts'
import type { ReferenceKernels } from './reference.ts'

const kinds = { add: 0, subtract: 1, multiply: 2 }

function binary(kind: keyof typeof kinds, a: Tensor, b: Tensor, into?: Tensor, accumulate = 0): Tensor {
  a.engine.expect(kind, [a, b, into])
  if (b.size !== 1 && show(a.shape) !== show(b.shape))
    throw new Error(
      `${kind}: expected equal shapes, or one element on the right; got ${show(a.shape)} and ${show(b.shape)}`,
    )
  const y = into ?? a.engine.empty(a.shape)
  a.engine.enqueue('binary', [a, b, y], [a.size, b.size, kinds[kind], accumulate])
  return y
}

/** The gradient of the right operand: `dy` (times `factor`, elementwise), summed when that operand is one element. */
function passRight(b: Tensor, dy: Tensor, factor: Tensor | null, sign: number): void {
  if (!b.requiresGrad) return
  const { engine } = b
  engine.scope(() => {
    const terms = factor ? binary('multiply', dy, factor) : dy
    const { grad, accumulate } = gradientOf(b)
    if (b.size === 1) engine.enqueue('sum', [terms, grad], [terms.size, accumulate], [sign])
    else engine.enqueue('axpby', [terms, grad], [b.size, b.size], [sign, accumulate])
  })
}

/** a + b. */
export function add(a: Tensor, b: Tensor): Tensor {
  return record('add', [a, b], binary('add', a, b), [], (dy) => {
    passRight(b, dy, null, 1)
    passGradient(a, dy)
  })
}

/** a − b. */
export function subtract(a: Tensor, b: Tensor): Tensor {
  return record('subtract', [a, b], binary('subtract', a, b), [], (dy) => {
    passRight(b, dy, null, -1)
    passGradient(a, dy)
  })
}

/** a · b, element by element. */
export function multiply(a: Tensor, b: Tensor): Tensor {
  return record('multiply', [a, b], binary('multiply', a, b), [], (dy) => {
    passRight(b, dy, a, 1)
    if (!a.requiresGrad) return
    const { grad, accumulate } = gradientOf(a)
    binary('multiply', dy, b, grad, accumulate)
  })
}

/** factor · x. */
export function scale(x: Tensor, factor: number): Tensor {
  x.engine.expect('scale', [x])
  const y = x.engine.empty(x.shape)
  x.engine.enqueue('axpby', [x, y], [x.size, x.size], [factor, 0])
  return record('scale', [x], y, [], (dy) => {
    const { grad, accumulate } = gradientOf(x)
    x.engine.enqueue('axpby', [dy, grad], [x.size, x.size], [factor, accumulate])
  })
}

/** factor · Σ x, a scalar. */
export function sum(x: Tensor, factor = 1): Tensor {
  x.engine.expect('sum', [x])
  const y = x.engine.empty([1])
  x.engine.enqueue('sum', [x, y], [x.size, 0], [factor])
  return record('sum', [x], y, [], (dy) => {
    const { grad, accumulate } = gradientOf(x)
    x.engine.enqueue('axpby', [dy, grad], [x.size, 1], [factor, accumulate])
  })
}

/** The mean of all elements, a scalar. */
export function mean(x: Tensor): Tensor {
  return sum(x, 1 / x.size)
}

/** Overwrites `target` with `source` (no gradient). */
export function copy(source: Tensor, target: Tensor): void {
  if (source.dtype === 'i32') source.engine.expect('copy', [], [source, target])
  else source.engine.expect('copy', [source, target])
  if (source.size !== target.size) throw new Error(`copy: ${show(source.shape)} into ${show(target.shape)}`)
  source.engine.enqueue('copy', [source, target], [source.size])
}

export const elementwiseKernels: ReferenceKernels = {
  fill({ dims: [n = 0], scalars: [value = 0], at }) {
    at(0).fill(value, 0, n)
  },
  copy({ dims: [n = 0], at }) {
    at(1).set(at(0).subarray(0, n))
  },
  // y = alpha · x[i mod nx] + beta · y
  axpby({ dims: [n = 0, nx = 0], scalars: [alpha = 0, beta = 0], at }) {
    const [x, y] = [at(0), at(1)]
    for (let i = 0; i < n; i++) y[i] = alpha * x[nx === 1 ? 0 : i]! + (beta === 0 ? 0 : beta * y[i]!)
  },
  binary({ dims: [n = 0, nb = 0, kind = 0, accumulate = 0], at }) {
    const [a, b, y] = [at(0), at(1), at(2)]
    for (let i = 0; i < n; i++) {
      const u = a[i]!
      const v = b[nb === 1 ? 0 : i]!
      const value = kind === kinds.add ? u + v : kind === kinds.subtract ? u - v : u * v
      y[i] = accumulate ? y[i]! + value : value
    }
  },
  sum({ dims: [n = 0, accumulate = 0], scalars: [factor = 0], at }) {
    const [x, y] = [at(0), at(1)]
    let total = 0
    for (let i = 0; i < n; i++) total += x[i]!
    y[0] = factor * total + (accumulate ? y[0]! : 0)
  },
}
