/**
 * From what a recipe says to every number written out: steps from minutes (measured on this machine, once, before the first
 * stage) or from the size of the model. After this nothing depends on the clock.
 */
import { generateBatch } from '../generate/index.ts'
import { createModel, createTrainer, freeModel, initialize, type Model, type ModelConfig } from '../nn/index.ts'
import type { Recipe, RecipeStage } from '../run/index.ts'
import { openEngine } from '../tensor/open.node.ts'
import { optimizerOf, type TrainingOptions, trainingOptions } from './options.ts'
import { defaultSteps, modelOf, modelOptions } from './pretrain.ts'
import { rlOptions } from './rl-options.ts'

/** Stages whose steps cost time that can be chosen. */
const TRAINING = ['pretrain', 'sft', 'rl']

export interface DeriveOptions {
  /** Of all training stages together, shared out as the recipe shares its own. */
  minutes?: number
}

/** Fills in the steps of every training stage that does not pin them. */
export async function deriveRecipe(recipe: Recipe, { minutes }: DeriveOptions): Promise<Recipe> {
  const vocab = recipe.stages.find((s) => s.kind === 'tokenizer')?.config.vocab as number | undefined
  if (vocab === undefined) return recipe
  const asked = recipe.stages.reduce((total, { config }) => total + minutesOf(config), 0)
  const stages: RecipeStage[] = []
  for (const stage of recipe.stages) {
    const { minutes: own, ...config } = stage.config as RecipeStage['config'] & {
      minutes?: number
      steps?: number
      time: number
    }
    if (!TRAINING.includes(stage.kind) || config.steps !== undefined) {
      stages.push({ ...stage, config: TRAINING.includes(stage.kind) ? config : stage.config })
      continue
    }
    const model = modelOf(modelOptions.parse(recipe.model), vocab, Math.max(512, config.time))
    if (own !== undefined) {
      const seconds = own * 60 * (minutes === undefined ? 1 : minutes / asked)
      config.steps = Math.max(10, Math.floor(seconds / (await secondsPerStep(stage.kind, model, config))))
    } else if (stage.kind === 'pretrain') config.steps = defaultSteps(model, trainingOptions.parse(config))
    stages.push({ ...stage, config })
  }
  return { ...recipe, stages }
}

/** What the probe cannot see: evaluations, samples, checkpoints. */
const OVERHEAD = 1.1

const minutesOf = (config: RecipeStage['config']) =>
  config.steps === undefined && typeof config.minutes === 'number' ? config.minutes : 0

/** One step of a stage, measured with a model of random weights. */
async function secondsPerStep(kind: string, config: ModelConfig, stageConfig: object): Promise<number> {
  const engine = await openEngine()
  const model = createModel(engine, config)
  initialize(model, 1)
  try {
    if (kind !== 'rl') return OVERHEAD * (await secondsPerUpdate(model, trainingOptions.parse(stageConfig)))
    const options = rlOptions.parse(stageConfig)
    const { promptsPerStep, groupSize, maxTokens, rows, time, epochs } = options
    const answers = promptsPerStep * groupSize
    const prompts = Array.from({ length: answers }, (_, i) =>
      Array.from({ length: PROMPT }, (_unused, t) => (i * 31 + t) % 256),
    )
    const rollOut = await medianSeconds(3, () => generateBatch(model, prompts, { maxTokens, temperature: 1, seed: 1 }))
    const batches = Math.ceil((answers * (PROMPT + maxTokens)) / (rows * time))
    const update = await secondsPerUpdate(model, { ...trainingOptions.parse(stageConfig), microBatches: batches })
    return OVERHEAD * (rollOut + epochs * update)
  } finally {
    freeModel(model)
    await engine.close()
  }
}

/** Tokens of a typical exercise. */
const PROMPT = 24

async function secondsPerUpdate(model: Model, options: TrainingOptions): Promise<number> {
  const { rows, time, microBatches } = options
  const trainer = createTrainer(model, { rows, time }, optimizerOf(options))
  const ids = Int32Array.from({ length: rows * time }, (_, i) => (i * 7919) % model.config.vocabSize)
  const batch = { ids, targets: ids.toReversed(), starts: new Int32Array(rows * time) }
  let t = 0
  const seconds = await medianSeconds(11, () =>
    trainer.step(
      Array.from({ length: microBatches }, () => batch),
      ++t,
      0.1,
    ),
  )
  trainer.free()
  return seconds
}

/** The median time of a few calls, after one that does not count. */
async function medianSeconds(calls: number, body: () => Promise<unknown>): Promise<number> {
  await body()
  const seconds: number[] = []
  for (let i = 0; i < calls; i++) {
    const begin = performance.now()
    await body()
    seconds.push((performance.now() - begin) / 1000)
  }
  return seconds.sort((a, b) => a - b)[calls >> 1]!
}
