/**
 * The update of RL: a clipped policy-gradient step on the answers of a rollout, whichever algorithm gave them their advantages (see algorithms.ts).
 * One program for the forward and backward pass of a micro-batch of fixed shape is captured once; an update runs it as often as its
 * tokens need, and gradients add up. With one epoch and one minibatch every update is on-policy and nothing is clipped.
 */
import {
  type Batch,
  createBatch,
  createOptimizer,
  type Model,
  type Optimizer,
  type OptimizerOptions,
  tokenLosses,
} from '../../nn/index.ts'
import { backward, copy, policyLoss, policyStatistics, random } from '../../tensor/index.ts'
import type { AlgorithmNumbers } from './algorithms.ts'
import { packAnswers, tokenWeights } from './answers.ts'
import type { Group } from './rollout.ts'

export interface PolicyOptions extends Pick<AlgorithmNumbers, 'lengthNorm' | 'clipLow' | 'clipHigh' | 'kl'> {
  rows: number
  time: number
  /** The token that fills rows. */
  padding: number
  epochs: number
  minibatches: number
  /** Longest answer: see `tokenWeights`. */
  maxTokens: number
  /** Weight of the KL divergence to the reference model, where that counts in the loss. */
  beta: number
  /** Of the distribution that answers were sampled from. */
  temperature: number
  seed: number
}

/** The loss, and means over the sampled tokens of one pass, weighed as in the loss. */
export interface PassStatistics {
  loss: number
  /** KL to the reference (k3) and to the policy that sampled (k1), nats a token. */
  klReference: number
  klOld: number
  /** Share of tokens whose ratio was clipped. */
  clipped: number
  entropy: number
  /** Largest |log p now − log p kept from sampling|. */
  mismatch: number
}

/** Means over the updates of a step; `mismatch` is that before the first, when the weights are still those that sampled. */
export interface PolicyStatistics extends PassStatistics {
  updates: number
  /** Norm of all gradients, before clipping. */
  gradNorm: number
  /** Nats a token of the corpus, where it is read again. */
  replayLoss?: number
}

export interface PolicyTrainer {
  model: Model
  optimizer: Optimizer
  /** Adds the gradient of the loss of these groups to the model's gradients. */
  accumulate(groups: readonly Group[]): Promise<PassStatistics>
  /** Learns from the groups that are kept; `updates` were done before this step. Undefined when none is kept. */
  step(groups: readonly Group[], step: number, updates: number, factor: number): Promise<PolicyStatistics | undefined>
  free(): void
}

/** `reference` is the frozen model of the loss's KL term; null where there is none. `replay` adds gradients of its own to an update (from 1). */
export function createPolicyTrainer(
  model: Model,
  reference: Model | null,
  options: PolicyOptions,
  optimizerOptions: OptimizerOptions,
  replay?: (update: number) => Promise<number>,
): PolicyTrainer {
  const optimizer = createOptimizer(model, optimizerOptions)
  const pass = createPass(model, reference, options)
  const update = model.engine.capture(() => optimizer.update())

  async function accumulate(groups: readonly Group[]): Promise<PassStatistics> {
    const answers = groups.flatMap((group) => group.answers).filter(({ asked }) => asked.ids.length > 0)
    const asked = answers.map((answer) => answer.asked)
    const lengths = asked.map(({ ids }) => ids.length)
    const perToken = tokenWeights(lengths, options.lengthNorm, options.maxTokens)
    const { batches, layOut } = packAnswers(asked, options)
    const oldLogProbs = layOut((i, t) => asked[i]!.logProbs[t]!)
    const advantages = layOut((i, t) => answers[i]!.advantages?.[t] ?? answers[i]!.advantage)
    const weights = layOut((i) => perToken[i]!)
    const total = { loss: 0, klReference: 0, klOld: 0, clipped: 0, entropy: 0, mismatch: 0 }
    for (const [b, batch] of batches.entries()) {
      const given = { oldLogProbs: oldLogProbs[b]!, advantages: advantages[b]!, weights: weights[b]! }
      const part = await pass.run({ ...batch, ...given })
      total.mismatch = Math.max(total.mismatch, part.mismatch)
      for (const name of SUMMED) total[name] += part[name]
    }
    const weight = perToken.reduce((sum, one, i) => sum + one * lengths[i]!, 0)
    for (const name of SUMMED) if (name !== 'loss') total[name] /= weight
    return total
  }

  return {
    model,
    optimizer,
    accumulate,
    async step(groups, step, updates, factor) {
      const kept = groups.filter((group) => group.kept)
      const done: (PassStatistics & { gradNorm: number })[] = []
      const losses: number[] = []
      for (let epoch = 0; epoch < options.epochs; epoch++) {
        for (const part of minibatches(kept, options, step, epoch)) {
          const at = updates + done.length + 1
          optimizer.prepare(at, factor)
          const statistics = await accumulate(part)
          if (replay) losses.push(await replay(at))
          update.run()
          done.push({ ...statistics, gradNorm: (await optimizer.clip.read())[1]! })
        }
      }
      const [first] = done
      if (!first) return undefined
      const result: PolicyStatistics = { ...first, updates: done.length }
      if (replay) result.replayLoss = losses.reduce((sum, one) => sum + one, 0) / losses.length
      for (const name of [...SUMMED, 'gradNorm'] as const)
        result[name] = done.reduce((sum, one) => sum + one[name], 0) / done.length
      return result
    },
    free() {
      pass.free()
      update.free()
      optimizer.free()
    },
  }
}

const SUMMED = ['loss', 'klReference', 'klOld', 'clipped', 'entropy'] as const

/** A micro-batch; per sampled token, what the loss needs. */
interface AnswerBatch extends Batch {
  oldLogProbs: Float32Array
  advantages: Float32Array
  /** 0 where there is no sampled token. */
  weights: Float32Array
}

/** Forward and backward of one micro-batch, captured. */
function createPass(model: Model, reference: Model | null, options: PolicyOptions) {
  const { rows, time, clipLow, clipHigh, temperature } = options
  const beta = reference ? options.beta : 0
  const { engine } = model
  const tensors = createBatch(engine, rows, time)
  const floats = () => engine.keep(engine.zeros([rows * time]))
  const [oldLogProbs, advantages, referenceLogProbs, entropies, losses] = [
    floats(),
    floats(),
    floats(),
    floats(),
    floats(),
  ]
  const judge =
    reference && engine.capture(() => engine.noGrad(() => tokenLosses(reference, tensors, null, temperature)))
  const program = engine.capture(() => {
    const nll = tokenLosses(model, tensors, entropies, temperature)
    copy(nll, losses) // what backward frees
    const { weights } = tensors
    const inputs = { nll, oldLogProbs, referenceLogProbs: reference && referenceLogProbs, advantages, weights }
    const { loss, statistics } = policyLoss(inputs, { clipLow, clipHigh, beta })
    backward(loss)
    return statistics
  })
  return {
    async run(batch: AnswerBatch): Promise<PassStatistics> {
      tensors.ids.write(batch.ids)
      tensors.targets.write(batch.targets)
      tensors.starts.write(batch.starts)
      tensors.weights.write(batch.weights)
      oldLogProbs.write(batch.oldLogProbs)
      advantages.write(batch.advantages)
      if (judge) {
        judge.run()
        referenceLogProbs.write((await judge.outputs.read()).map((nll) => -nll))
      }
      program.run()
      const sums = await program.outputs.read()
      const [nll, entropy] = [await losses.read(), await entropies.read()]
      const result = { loss: 0, klReference: 0, klOld: 0, clipped: 0, entropy: 0, mismatch: 0 }
      policyStatistics.forEach((name, i) => {
        if (name !== 'ratio') result[name] = sums[i]!
      })
      batch.weights.forEach((weight, i) => {
        if (weight === 0) return
        result.entropy += weight * entropy[i]!
        result.mismatch = Math.max(result.mismatch, Math.abs(nll[i]! + batch.oldLogProbs[i]!))
      })
      return result
    },
    free() {
      judge?.free()
      program.free()
      const { ids, targets, starts, weights } = tensors
      for (const t of [ids, targets, starts, weights, oldLogProbs, advantages, referenceLogProbs, entropies, losses])
        t.free()
    },
  }
}

/** The groups of a step in a random order, in as many parts as even as can be; fewer when there are fewer groups. */
export function minibatches(
  groups: readonly Group[],
  { seed, minibatches: count }: Pick<PolicyOptions, 'seed' | 'minibatches'>,
  step: number,
  epoch: number,
): Group[][] {
  const order = random(seed, `minibatches ${epoch}`, step).shuffle([...groups])
  const parts = Math.min(count, order.length)
  const border = (i: number) => Math.floor((i * order.length) / parts)
  return Array.from({ length: parts }, (_, i) => order.slice(border(i), border(i + 1)))
}
