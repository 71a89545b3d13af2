/**
 * The language-model head and its loss in one operation, in blocks of rows, so that the logits never exist as a whole:
 * memory does not grow with tokens × vocabulary. The gradient needs the same blocks again; `crossEntropy` takes it in the
 * forward pass (the weight of each token is known), `negativeLogProbs` recomputes (it is not known yet).
 */
import { gradientOf, record } from '../autograd.ts'
import { show, type Tensor } from '../tensor.ts'
import { sum } from './elementwise.ts'
import { isHalf, same, toBf16 } from './precision.ts'
import type { ReferenceKernels } from './reference.ts'

/**
 * Rows of logits held at once: 4 MB of them, so that a block stays near the cores, within these bounds. The weights of a large vocabulary are
 * read again for every block, so that few rows would be all reading; with bfloat16 the products are so fast that packing counts, too.
 */
const BLOCK_FLOATS = 1 << 20
const LEAST_ROWS = { f32: 128, bf16: 256 }
const MOST_ROWS = { f32: 256, bf16: 1024 }

export interface HeadInputs {
  /** (N, C): final hidden states. */
  x: Tensor
  /** (V, C): the output embedding. */
  w: Tensor
  /** (N) i32: the next token; negative = not scored. */
  targets: Tensor
}

function check(op: string, { x, w, targets }: HeadInputs): { n: number; c: number; v: number; block: number } {
  x.engine.expect(op, [x, w], [targets])
  const [n = 0, c = 0] = x.shape
  const [v = 0] = w.shape
  if (x.shape.length !== 2 || w.shape.length !== 2 || w.shape[1] !== c || targets.size !== n)
    throw new Error(
      `${op}: x (N, C), w (V, C), targets (N) i32; got ${show(x.shape)}, ${show(w.shape)}, ${targets.dtype} ${show(targets.shape)}`,
    )
  const { precision } = x.engine
  const rows = Math.min(MOST_ROWS[precision], Math.floor(BLOCK_FLOATS / v))
  return { n, c, v, block: Math.min(n, Math.max(LEAST_ROWS[precision], rows)) }
}

interface Pass extends HeadInputs {
  coefficients: Tensor | null
  nll: Tensor | null
  dx: { grad: Tensor; accumulate: number } | null
  dw: { grad: Tensor; accumulate: number } | null
  entropy: Tensor | null
}

/** One pass over the blocks: nll and entropy where asked for, and the gradient of Σ coefficients · nll. */
function pass(op: string, p: Pass): void {
  const { n, c, v, block } = check(op, p)
  p.x.engine.enqueue(
    'cross_entropy',
    [p.x, p.w, p.targets, p.coefficients, p.nll, p.dx?.grad, p.dw?.grad, p.entropy],
    [n, c, v, block, p.dx?.accumulate ?? 0, p.dw?.accumulate ?? 0, isHalf(p.x.engine)],
  )
}

/**
 * Σ weights · −log p(target), a scalar; `weights` (N) usually 1 / number of scored tokens. `nll` receives each token's
 * loss. The result must be the root that `backward` is called on: its gradient is taken to be 1.
 */
export function crossEntropy(inputs: HeadInputs, weights: Tensor, nll: Tensor): Tensor {
  const { x, w } = inputs
  const { n } = check('crossEntropy', inputs)
  x.engine.expect('crossEntropy', [weights, nll])
  if (weights.size !== n || nll.size !== n)
    throw new Error(`crossEntropy: weights and nll (${n}); got ${show(weights.shape)} and ${show(nll.shape)}`)
  const { engine } = x
  const recording = engine.recording && (x.requiresGrad || w.requiresGrad)
  const dx = recording && x.requiresGrad ? gradientOf(x) : null
  const dw = recording && w.requiresGrad ? gradientOf(w) : null
  pass('crossEntropy', { ...inputs, coefficients: recording ? weights : null, nll, dx, dw, entropy: null })
  const loss = engine.noGrad(() => dot(nll, weights))
  record('crossEntropy', [x, w], loss, [], () => {})
  if (loss.node) loss.node.mustBeRoot = true
  return loss
}

/** −log p(target) of each token (N), 0 where the target is negative; `entropy` (N) receives that of each distribution. */
export function negativeLogProbs(inputs: HeadInputs, entropy: Tensor | null = null): Tensor {
  const { x, w } = inputs
  const { n } = check('negativeLogProbs', inputs)
  x.engine.expect('negativeLogProbs', [entropy])
  if (entropy && entropy.size !== n)
    throw new Error(`negativeLogProbs: the entropy of ${n} tokens does not fit ${show(entropy.shape)}`)
  const nll = x.engine.empty([n])
  pass('negativeLogProbs', { ...inputs, coefficients: null, nll, dx: null, dw: null, entropy })
  return record('negativeLogProbs', [x, w], nll, [], (dy) => {
    const dx = x.requiresGrad ? gradientOf(x) : null
    const dw = w.requiresGrad ? gradientOf(w) : null
    pass('negativeLogProbs', { ...inputs, coefficients: dy, nll: null, dx, dw, entropy: null })
  })
}

function dot(a: Tensor, b: Tensor): Tensor {
  const { engine } = a
  return engine.scope(() => {
    const products = engine.empty(a.shape)
    engine.enqueue('binary', [a, b, products], [a.size, b.size, 2, 0])
    return sum(products)
  })
}

export const crossEntropyKernels: ReferenceKernels = {
  // logits z = x·Wᵀ; nll = logsumexp(z) − z[target]; d nll / dz = softmax(z) − onehot(target)
  cross_entropy({ dims: [n = 0, c = 0, v = 0, , addX = 0, addW = 0, half = 0], at, has }) {
    const q = half ? toBf16 : same
    const [x, w, targets] = [at(0), at(1), at(2)]
    if (has(5) && !addX) at(5).fill(0, 0, n * c)
    if (has(6) && !addW) at(6).fill(0, 0, v * c)
    const z = new Float64Array(v)
    for (let i = 0; i < n; i++) {
      const target = targets[i]!
      if (target < 0 || target >= v) {
        if (has(4)) at(4)[i] = 0
        if (has(7)) at(7)[i] = 0
        continue
      }
      let top = -Infinity
      for (let t = 0; t < v; t++) {
        let dotProduct = 0
        for (let j = 0; j < c; j++) dotProduct += q(x[i * c + j]!) * q(w[t * c + j]!)
        z[t] = dotProduct
        top = Math.max(top, dotProduct)
      }
      let total = 0
      for (let t = 0; t < v; t++) total += Math.exp(z[t]! - top)
      const lse = top + Math.log(total)
      if (has(4)) at(4)[i] = lse - z[target]!
      if (has(7)) at(7)[i] = z.reduce((h, zt) => h - Math.exp(zt - lse) * (zt - lse), 0)
      if (!has(3)) continue
      const coefficient = at(3)[i]!
      for (let t = 0; t < v; t++) {
        const dz = q(coefficient * (Math.exp(z[t]! - lse) - (t === target ? 1 : 0)))
        for (let j = 0; j < c; j++) {
          if (has(5)) at(5)[i * c + j]! += dz * q(w[t * c + j]!)
          if (has(6)) at(6)[t * c + j]! += dz * q(x[i * c + j]!)
        }
      }
    }
  },
}
