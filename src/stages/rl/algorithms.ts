/**
 * The published algorithms as numbers of one loss. For the tokens t of answers i of a group of G, with ratio ρ = p now / p when sampled:
 *   loss = Σ w · (−min(ρ·A, clip(ρ, 1 − clipLow, 1 + clipHigh)·A) + beta·KL)
 * They differ in A (`advantage`), in w (`lengthNorm`), in the two clips, and in where the divergence from the reference model counts
 * (`kl`): in the loss as the k3 estimate, or taken off the reward as k1, log p − log reference (Schulman, "Approximating KL divergence", 2020).
 * A recipe names an algorithm and may pin any of its numbers; the run's recipe.yaml has them all.
 */

export type AlgorithmNumbers = {
  /**
   * mean: reward minus the mean of its group. mean-std: that over the group's deviation. leave-one-out: reward minus the mean of the group's other answers.
   * gae: no groups; a critic says what each token was worth (see gae.ts).
   */
  advantage: 'mean' | 'mean-std' | 'leave-one-out' | 'gae'
  /**
   * w, with N answers learned from together: token: 1 / their tokens. sequence: 1 / (N · the answer's tokens). constant: 1 / (N · maxTokens). none: 1 / N.
   */
  lengthNorm: 'token' | 'sequence' | 'constant' | 'none'
  clipLow: number
  clipHigh: number
  beta: number
  kl: 'loss' | 'reward'
  /** Times that groups whose answers all earned the same are replaced by other exercises. */
  resample: number
  /** Taken off an answer that was cut off; grows from 0 over the last `overlongShare` of maxTokens. */
  overlongPenalty: number
  overlongShare: number
}

/** A ratio is never clipped. */
const NEVER = { clipLow: 1, clipHigh: 1e6 }

/** What holds where a recipe names no algorithm: the advantage of Dr. GRPO, the token mean and the clips of DAPO. */
const PLAIN: AlgorithmNumbers = {
  advantage: 'mean',
  lengthNorm: 'token',
  clipLow: 0.2,
  clipHigh: 0.28,
  beta: 0,
  kl: 'loss',
  resample: 0,
  overlongPenalty: 0,
  overlongShare: 0.2,
}

export const ALGORITHMS = {
  /** Shao et al., "DeepSeekMath", 2024, section 4.1: reward over deviation, each answer weighs the same, beta 0.04. */
  grpo: { ...PLAIN, advantage: 'mean-std', lengthNorm: 'sequence', clipHigh: 0.2, beta: 0.04 },
  /** Liu et al., "Understanding R1-Zero-like training", 2025: neither the deviation nor the answer's length divides. */
  'dr-grpo': { ...PLAIN, lengthNorm: 'constant', clipHigh: 0.2 },
  /**
   * Yu et al., "DAPO", 2025: clip-higher, token mean, dynamic sampling, overlong shaping. Its rewards are −1 and 1 and an answer that was cut
   * off loses up to 1; ours are 0 and 1, so it loses half. It samples until a batch is full; here `resample` times at most.
   */
  dapo: { ...PLAIN, advantage: 'mean-std', resample: 3, overlongPenalty: 0.5 },
  /** Ahmadian et al., "Back to basics", 2024: REINFORCE on whole answers against the mean of the others; beta is TRL's default. */
  rloo: { ...PLAIN, ...NEVER, advantage: 'leave-one-out', lengthNorm: 'none', beta: 0.05, kl: 'reward' },
  /** Schulman et al., "Proximal policy optimization", 2017, as in Ouyang et al., "InstructGPT", 2022: a critic, KL taken off each token's reward. */
  ppo: { ...PLAIN, clipHigh: 0.2, advantage: 'gae', beta: 0.05, kl: 'reward' },
} satisfies Record<string, AlgorithmNumbers>

export type Algorithm = keyof typeof ALGORITHMS
export const ALGORITHM_NAMES = Object.keys(ALGORITHMS) as [Algorithm, ...Algorithm[]]

/** The options with every number that they do not pin, from their algorithm. */
export function expandAlgorithm<T extends Partial<AlgorithmNumbers> & { algorithm?: Algorithm }>(
  options: T,
): T & AlgorithmNumbers {
  const pinned = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T
  return { ...(options.algorithm ? ALGORITHMS[options.algorithm] : PLAIN), ...pinned }
}
