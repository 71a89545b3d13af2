/**
 * The clipped policy-gradient loss of PPO (Schulman et al., 2017) and GRPO (Shao et al., "DeepSeekMath", 2024), token by
 * token, with the k3 estimate of the KL divergence to a reference model (Schulman, "Approximating KL divergence", 2020).
 *   ratio = p_new / p_old;  loss = Σ weight · (−min(ratio·A, clip(ratio)·A) + β·(e^(ref−new) − (ref−new) − 1))
 */
import { gradientOf, record } from '../autograd.ts'
import { show, type Tensor } from '../tensor.ts'
import type { ReferenceKernels } from './reference.ts'

export interface PolicyInputs {
  /** (N): −log p of each sampled token under the model being trained, from `negativeLogProbs`. */
  nll: Tensor
  /** (N): log p of the same tokens when they were sampled. */
  oldLogProbs: Tensor
  /** (N): log p under the reference model; null leaves the KL term out. */
  referenceLogProbs: Tensor | null
  advantages: Tensor
  /** (N): 0 for tokens that are not the model's own. */
  weights: Tensor
}

/** Weighted sums of: loss, KL to the reference (k3), clipped tokens, KL to the old policy (k1), ratio. */
export const policyStatistics = ['loss', 'klReference', 'clipped', 'klOld', 'ratio'] as const

/** → {loss: scalar, statistics (8): see `policyStatistics`}. Clips the ratio to 1 − clipLow … 1 + clipHigh. */
export function policyLoss(
  inputs: PolicyInputs,
  { clipLow, clipHigh, beta }: { clipLow: number; clipHigh: number; beta: number },
): { loss: Tensor; statistics: Tensor } {
  const { nll, oldLogProbs, referenceLogProbs, advantages, weights } = inputs
  nll.engine.expect('policyLoss', [nll, oldLogProbs, referenceLogProbs, advantages, weights])
  for (const t of [oldLogProbs, referenceLogProbs, advantages, weights])
    if (t && t.size !== nll.size)
      throw new Error(`policyLoss: all inputs must have ${nll.size} elements; got ${show(t.shape)}`)
  const { engine } = nll
  const coefficients = engine.empty(nll.shape)
  const statistics = engine.empty([8])
  const loss = engine.empty([1])
  engine.enqueue(
    'policy_loss',
    [nll, oldLogProbs, referenceLogProbs, advantages, weights, coefficients, statistics, loss],
    [nll.size],
    [clipLow, clipHigh, beta],
  )
  record('policyLoss', [nll], loss, [coefficients], (dy) => {
    const { grad, accumulate } = gradientOf(nll)
    engine.enqueue('binary', [coefficients, dy, grad], [nll.size, 1, 2, accumulate])
  })
  return { loss, statistics }
}

export const policyLossKernels: ReferenceKernels = {
  policy_loss({ dims: [n = 0], scalars: [clipLow = 0, clipHigh = 0, beta = 0], at, has }) {
    const [nll, old, advantages, weights, coefficients] = [at(0), at(1), at(3), at(4), at(5)]
    const totals = new Float64Array(8)
    for (let i = 0; i < n; i++) {
      coefficients[i] = 0
      const weight = weights[i]!
      if (weight === 0) continue
      const logp = -nll[i]!
      const ratio = Math.exp(logp - old[i]!)
      const a = advantages[i]!
      const clipped = Math.min(Math.max(ratio, 1 - clipLow), 1 + clipHigh)
      const active = ratio * a <= clipped * a
      const difference = has(2) ? at(2)[i]! - logp : 0
      const kl = Math.exp(difference) - difference - 1
      totals[0]! += weight * (-Math.min(ratio * a, clipped * a) + beta * kl)
      totals[1]! += weight * kl
      totals[2]! += active ? 0 : weight
      totals[3]! += weight * (old[i]! - logp)
      totals[4]! += weight * ratio
      // d loss / d logp, negated for nll
      coefficients[i] = weight * ((active ? ratio * a : 0) - beta * (1 - Math.exp(difference)))
    }
    at(6).set(totals)
    at(7)[0] = totals[0]!
  },
}
