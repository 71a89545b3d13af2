/**
 * What training is told about each answer: the reward of the task or of a judge (shuffled in a control), less what a long answer and a
 * distance from the reference model cost; and what that is worth beside the rest of its group.
 */
import { random } from '../../tensor/index.ts'
import { deviation, mean } from '../statistics.ts'
import type { AlgorithmNumbers } from './algorithms.ts'
import type { Answer, Group } from './rollout.ts'

/** The control: every credit of the step goes to an answer picked at random. */
export function shuffleCredit(groups: readonly Group[], { seed, step }: { seed: number; step: number }): Group[] {
  const credits = groups.flatMap(({ answers }) => answers.map(({ credit }) => credit))
  const shuffled = random(seed, 'shuffled rewards', step).shuffle(credits)
  let next = 0
  return changeAnswers(groups, (answer) => ({ ...answer, credit: shuffled[next++]! }))
}

/**
 * Takes off what answers near the limit cost: nothing up to (1 − overlongShare)·maxTokens, then in proportion, and all of `overlongPenalty` where
 * an answer was cut off (the soft overlong punishment of Yu et al., "DAPO", 2025, equation 13).
 */
export function shapeLength(
  groups: readonly Group[],
  {
    overlongPenalty,
    overlongShare,
    maxTokens,
  }: Pick<AlgorithmNumbers, 'overlongPenalty' | 'overlongShare'> & { maxTokens: number },
): Group[] {
  if (overlongPenalty === 0) return [...groups]
  return changeAnswers(groups, (answer) => {
    const { ids, finish } = answer.asked
    const over = finish === 'length' ? 1 : 1 - (maxTokens - ids.length) / (overlongShare * maxTokens)
    const overlong = over > 0 ? -overlongPenalty * Math.min(1, over) : 0
    return { ...answer, overlong, credit: answer.credit + overlong }
  })
}

/** Keeps what each token costs for being likelier than under the reference model: beta · (log p − log reference), the k1 estimate of the divergence. */
export function chargeDivergence(
  groups: readonly Group[],
  referenceLogProbs: readonly ArrayLike<number>[],
  beta: number,
): Group[] {
  let next = 0
  return changeAnswers(groups, (answer) => {
    const reference = referenceLogProbs[next++]!
    const divergence = Float32Array.from(answer.asked.logProbs, (p, t) => p - reference[t]!)
    return { ...answer, divergence, charge: beta * divergence.reduce((a, b) => a + b, 0) }
  })
}

/** Whether answers earned different credit: only then is there something to learn from comparing them. */
export function isTelling({ answers }: Group): boolean {
  const credits = creditsOf(answers)
  return credits.some((credit) => credit !== credits[0])
}

/**
 * What an answer earned against its group (GRPO: Shao et al., "DeepSeekMath", 2024; without the deviation: Liu et al., "Understanding R1-Zero-like training",
 * 2025; against the mean of the others: Ahmadian et al., "Back to basics", 2024). Answers that nobody could judge (NaN) earn nothing and do
 * not count.
 */
export function giveAdvantages(
  groups: readonly Group[],
  advantage: Exclude<AlgorithmNumbers['advantage'], 'gae'>,
): Group[] {
  return groups.map((group) => {
    const credits = creditsOf(group.answers)
    const kept = isTelling(group)
    const center = mean(credits)
    const n = credits.length
    // Minus the mean of the others: r − (S − r)/(n − 1) = (r − S/n) · n/(n − 1).
    const factor = !kept ? 0 : { mean: 1, 'mean-std': 1 / deviation(credits), 'leave-one-out': n / (n - 1) }[advantage]
    const of = (a: Answer) => (kept && Number.isFinite(a.credit) ? (a.credit - (a.charge ?? 0) - center) * factor : 0)
    return { ...group, kept, answers: group.answers.map((a) => ({ ...a, advantage: of(a) })) }
  })
}

/** Credits that are numbers, less the charge for divergence. */
function creditsOf(answers: readonly Answer[]): number[] {
  return answers.map(({ credit, charge = 0 }) => credit - charge).filter(Number.isFinite)
}

function changeAnswers(groups: readonly Group[], change: (answer: Answer) => Answer): Group[] {
  return groups.map((group) => ({ ...group, answers: group.answers.map(change) }))
}
