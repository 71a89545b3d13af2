/**
 * All that learns in RL, and what it learns by: the policy's trainer, the frozen reference where KL counts, the critic where one is the
 * baseline, the corpus where it is read again. Takes groups of answers with their credit, gives them advantages, and updates the weights.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readSafetensors, writeSafetensors } from '../../formats/index.ts'
import { createCritic, type Critic, freeModel, type Model } from '../../nn/index.ts'
import type { Content } from '../../run/index.ts'
import { loadModel, rewardModelBefore } from '../model-folder.ts'
import { optimizerOf } from '../options.ts'
import type { StageContext } from '../stage.ts'
import { chargeDivergence, giveAdvantages } from './credit.ts'
import type { RlOptions } from './options.ts'
import { createPolicyTrainer, type PolicyStatistics, type PolicyTrainer } from './policy.ts'
import { openReplay } from './replay.ts'
import type { Group } from './rollout.ts'
import { createTokenScorer } from './token-scorer.ts'
import { createValueLearner, type ValueLearning } from './values.ts'

export interface Lesson {
  /** With their advantages. */
  groups: Group[]
  /** Undefined when nothing was left to learn from. */
  policy: PolicyStatistics | undefined
  values: ValueLearning | undefined
}

export interface Learner {
  trainer: PolicyTrainer
  learn(groups: readonly Group[], step: number, updates: number, factor: number): Promise<Lesson>
  /** What a checkpoint needs besides the policy. */
  files(): Promise<Record<string, Content>>
  restore(folder: string): Promise<void>
  free(): void
}

/** `before` is the folder of the model that `model` was read from. */
export async function openLearner(
  context: StageContext,
  options: RlOptions,
  before: string,
  model: Model,
  padding: number,
): Promise<Learner> {
  const engine = await context.engine()
  const reference = options.beta > 0 ? await loadModel(engine, before, { trainable: false }) : null
  const shape = { ...options, padding, seed: context.seed }
  const replay = options.replay > 0 ? await openReplay(context, model, before, options) : null
  const frozen = options.kl === 'loss' ? reference : null
  const trainer = createPolicyTrainer(model, frozen, shape, optimizerOf(options), replay?.accumulate)
  const scorer = reference && options.kl === 'reward' ? createTokenScorer(reference, shape) : null
  const critic = options.advantage === 'gae' ? await openCritic(context, options, before) : null
  const values = critic && createValueLearner(critic, shape)

  return {
    trainer,
    async learn(sampled, step, updates, factor) {
      let groups: Group[] = [...sampled]
      if (scorer) {
        const asked = groups.flatMap(({ answers }) => answers.map((answer) => answer.asked))
        groups = chargeDivergence(groups, await scorer.of(asked), options.beta)
      }
      if (values) groups = await values.giveAdvantages(groups)
      else if (options.advantage !== 'gae') groups = giveAdvantages(groups, options.advantage)
      const policy = await trainer.step(groups, step, updates, factor)
      return { groups, policy, values: await values?.step(groups, step, updates, factor) }
    },
    files: async (): Promise<Record<string, Content>> => (critic ? { [CRITIC]: await criticBytes(critic) } : {}),
    async restore(folder) {
      if (!critic) return
      const { tensors } = readSafetensors(await readFile(join(folder, CRITIC)))
      for (const [name, tensor] of Object.entries(criticState(critic))) tensor.write(tensors.get(name)!.data)
    },
    free() {
      trainer.free()
      replay?.free()
      scorer?.free()
      critic?.free()
      for (const one of [reference, critic?.model]) if (one) freeModel(one)
    },
  }
}

/** Of a checkpoint. */
const CRITIC = 'critic.safetensors'

/** From the reward model whose judgement is learned, or from the policy with a head of zeros. */
async function openCritic(context: StageContext, options: RlOptions, before: string): Promise<Critic> {
  const { rewardModel, criticRates } = options
  const folder = rewardModel === undefined ? before : rewardModelBefore(context, rewardModel)
  const model = await loadModel(await context.engine(), folder, { score: true })
  const { matrixRate, embeddingRate, vectorRate, ...rest } = optimizerOf({ ...options, lora: undefined })
  return createCritic(model, options, {
    ...rest,
    matrixRate: criticRates * matrixRate,
    embeddingRate: criticRates * embeddingRate,
    vectorRate: criticRates * vectorRate,
  })
}

const criticState = ({ model, optimizer }: Critic) => ({
  weights: model.slab.weights,
  m: optimizer.m,
  v: optimizer.v,
})

async function criticBytes(critic: Critic): Promise<Uint8Array> {
  const tensors = await Promise.all(
    Object.entries(criticState(critic)).map(async ([name, tensor]) => {
      const data = Float32Array.from(await tensor.read())
      return [name, { dtype: 'F32' as const, shape: [data.length] as number[], data }] as const
    }),
  )
  return writeSafetensors(new Map(tensors))
}
