/**
 * The critic's side of PPO: what each token of the answers was worth, by GAE over the reward at the end and the charge for divergence at every token
 * (Ouyang et al., InstructGPT, 2022), and learning to foresee it. The critic begins as the reward model where there is one, which already reads an answer's worth at
 * its end (as InstructGPT's), else as the model with a head of zeros.
 */
import { type Critic, type ValueStatistics } from '../../nn/index.ts'
import { deviation, mean } from '../statistics.ts'
import { packAnswers } from './answers.ts'
import { estimateAdvantages } from './gae.ts'
import { minibatches, type PolicyOptions } from './policy.ts'
import type { Answer, Group } from './rollout.ts'

export interface ValueOptions extends Pick<
  PolicyOptions,
  'rows' | 'time' | 'padding' | 'epochs' | 'minibatches' | 'seed'
> {
  gamma: number
  lambda: number
  valueClip: number
  beta: number
}

export interface ValueLearning extends ValueStatistics {
  updates: number
  /** 1 − variance of (return − value) over that of the returns, before learning: 1 = foreseen, 0 = no better than their mean. */
  explained: number
}

/** What a critic thought of an answer's tokens, and what they came to. */
interface Worth {
  values: Float32Array
  returns: Float32Array
}

export interface ValueLearner {
  /** Every answer that could be judged learns; advantages have mean 0 and deviation 1 over all tokens of the step. */
  giveAdvantages(groups: readonly Group[]): Promise<Group[]>
  /** Learns from the groups that got their advantages last; `updates` were done before this step. */
  step(groups: readonly Group[], step: number, updates: number, factor: number): Promise<ValueLearning | undefined>
}

export function createValueLearner(critic: Critic, options: ValueOptions): ValueLearner {
  const worths = new Map<Answer['asked'], Worth>()

  /** The values of every sampled token: what the text before it promised. */
  async function valuesOf(answers: readonly Answer[]): Promise<Float32Array[]> {
    const { batches, places } = packAnswers(
      answers.map(({ asked }) => asked),
      options,
    )
    const all: ArrayLike<number>[] = []
    for (const batch of batches) all.push(await critic.values(batch))
    return places.map(({ batch, at }, i) =>
      Float32Array.from({ length: answers[i]!.asked.ids.length }, (_, t) => all[batch]![at + t]!),
    )
  }

  return {
    async giveAdvantages(groups) {
      worths.clear()
      const judged = groups.flatMap(({ answers }) => answers.filter(isJudged))
      const values = await valuesOf(judged)
      const found = judged.map((answer, i) => {
        const { advantages, returns } = estimateAdvantages(tokenRewards(answer, options.beta), values[i]!, options)
        worths.set(answer.asked, { values: values[i]!, returns })
        return advantages
      })
      const tokens = found.flatMap((one) => [...one])
      const [center, spread] = [mean(tokens), deviation(tokens) + 1e-8]
      const whitened = new Map(judged.map((answer, i) => [answer.asked, found[i]!.map((a) => (a - center) / spread)]))
      return groups.map((group) => {
        const answers = group.answers.map((answer) => {
          const advantages = whitened.get(answer.asked)
          return advantages ? { ...answer, advantages, advantage: mean(advantages) } : { ...answer, advantage: 0 }
        })
        return { ...group, answers, kept: answers.some(({ advantages }) => advantages) }
      })
    },

    async step(groups, step, updates, factor) {
      const kept = groups.filter((group) => group.kept)
      const done: ValueStatistics[] = []
      for (let epoch = 0; epoch < options.epochs; epoch++)
        for (const part of minibatches(kept, options, step, epoch)) {
          const answers = part.flatMap((group) => group.answers.filter(({ asked }) => worths.has(asked)))
          const own = answers.map(({ asked }) => worths.get(asked)!)
          const scored = answers.reduce((sum, { asked }) => sum + asked.ids.length, 0)
          const { batches, layOut } = packAnswers(
            answers.map(({ asked }) => asked),
            options,
          )
          const [returns, oldValues] = [layOut((i, t) => own[i]!.returns[t]!), layOut((i, t) => own[i]!.values[t]!)]
          const weights = layOut(() => 1 / scored)
          const total = { loss: 0, clipped: 0 }
          for (const [b, batch] of batches.entries()) {
            const targets = { returns: returns[b]!, oldValues: oldValues[b]!, weights: weights[b]! }
            const { loss, clipped } = await critic.accumulate(batch, targets, options.valueClip)
            total.loss += loss
            total.clipped += clipped
          }
          critic.update(updates + done.length + 1, factor)
          done.push(total)
        }
      if (done.length === 0) return undefined
      const average = (of: (one: ValueStatistics) => number) => mean(done.map(of))
      return {
        loss: average(({ loss }) => loss),
        clipped: average(({ clipped }) => clipped),
        updates: done.length,
        explained: explainedVariance([...worths.values()]),
      }
    },
  }
}

/** The credit at the last token, and at every one what its distance from the reference costs. */
export function tokenRewards({ asked, credit, divergence }: Answer, beta: number): Float32Array {
  const last = asked.ids.length - 1
  return Float32Array.from(asked.ids, (_, t) => (t === last ? credit : 0) - beta * (divergence?.[t] ?? 0))
}

const isJudged = ({ asked, credit }: Answer) => asked.ids.length > 0 && Number.isFinite(credit)

function explainedVariance(worths: readonly Worth[]): number {
  const returns = worths.flatMap((worth) => [...worth.returns])
  const missed = worths.flatMap(({ returns, values }) => [...returns].map((r, t) => r - values[t]!))
  return 1 - deviation(missed) ** 2 / Math.max(1e-12, deviation(returns) ** 2)
}
