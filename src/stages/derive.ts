/**
 * From what a recipe says to every number written out: steps from minutes (measured on this machine, once, before the first
 * stage) or from the size of the model. After this nothing depends on the clock.
 */
import { generateBatch } from '../generate/index.ts'
import { createModel, createTrainer, freeModel, initialize, type Model, type ModelConfig } from '../nn/index.ts'
import type { Recipe, RecipeStage } from '../run/index.ts'
import { canonical } from '../run/files.ts'
import { openEngine } from '../tensor/open.node.ts'
import { readConfig } from './model-folder.ts'
import { optimizerOf, type TrainingOptions, trainingOptions } from './options.ts'
import { defaultSteps, modelOf, modelOptions } from './pretrain.ts'
import { DEFAULT_STEPS, rlOptions } from './rl/options.ts'

/** Stages whose steps cost time that can be chosen. */
const TRAINING = ['pretrain', 'sft', 'reward-model', 'dpo', 'rl']

export interface DeriveOptions {
  /**
   * Of all training stages together. Those that the recipe gives minutes share them out; where it gives none, its steps are
   * stretched or cut to fit.
   */
  minutes?: number
  /** Told how long the timed stages will take, in minutes, where this machine needs more than the recipe gives them. */
  onSlow?(minutes: number): void
}

/** Fills in the sizes of the model, and the steps of every training stage that does not pin them. */
export async function deriveRecipe(recipe: Recipe, options: DeriveOptions = {}): Promise<Recipe> {
  const imported = recipe.stages.find((s) => s.kind === 'import')
  if (imported) {
    const sizes = await readConfig(String(imported.config.model))
    const model = { ...sizes, maxPositions: Math.min(sizes.maxPositions, longestRow(recipe)) } // to be measured: a short rope table
    const stages = recipe.stages.map((stage) => withSteps(stage, model))
    return { ...recipe, stages: await timedStages(stages, model, options) }
  }
  const vocab = recipe.stages.find((s) => s.kind === 'tokenizer')?.config.vocab as number | undefined
  if (vocab === undefined) return recipe
  const longest = longestRow(recipe)
  const { vocabSize: _vocab, eps: _eps, ...sizes } = modelOf(modelOptions.parse(recipe.model), vocab, longest)
  const model = { ...recipe.model, ...sizes }
  const small = modelOf(modelOptions.parse(model), vocab, 512)
  const stages = recipe.stages.map((stage) => withSteps(stage, small))
  const timed = await timedStages(stages, modelOf(modelOptions.parse(model), vocab, longest), options)
  return { ...recipe, model, stages: timed }
}

const longestRow = ({ stages }: Recipe) => Math.max(512, ...stages.map(({ config }) => Number(config.time ?? 0)))

/** The usual number of steps of a stage that gives neither steps nor minutes; SFT counts epochs of data it has not read yet. */
function withSteps(stage: RecipeStage, sizes: ModelConfig): RecipeStage {
  const { kind, config } = stage
  if (config.steps !== undefined || config.minutes !== undefined) return stage
  if (kind === 'rl') return { ...stage, config: { ...config, steps: DEFAULT_STEPS } }
  if (kind !== 'pretrain') return stage
  return { ...stage, config: { ...config, steps: defaultSteps(sizes, trainingOptions.parse(config)) } }
}

/** Steps of a stage however short its time. */
const LEAST = 10

/** Turns minutes into steps. */
async function timedStages(
  stages: readonly RecipeStage[],
  model: ModelConfig,
  { minutes, onSlow }: DeriveOptions,
): Promise<RecipeStage[]> {
  const trains = ({ kind }: RecipeStage) => TRAINING.includes(kind)
  const asked = stages.filter(
    (stage) => trains(stage) && stage.config.steps === undefined && stage.config.minutes !== undefined,
  )
  const stretched =
    asked.length > 0 || minutes === undefined ? [] : stages.filter((s) => trains(s) && s.config.steps !== undefined)
  const cost = new Map<RecipeStage, number>()
  for (const stage of [...asked, ...stretched]) cost.set(stage, await secondsPerStep(stage.kind, model, stage.config))
  const own = asked.reduce((sum, { config }) => sum + (config.minutes as number), 0)
  const length = stretched.reduce((sum, stage) => sum + (stage.config.steps as number) * cost.get(stage)!, 0) / 60
  const timed = stages.map((stage) => {
    if (!trains(stage)) return stage
    const { minutes: given, leastSteps, ...config } = stage.config
    if (asked.includes(stage)) {
      const seconds = (given as number) * 60 * (minutes === undefined ? 1 : minutes / own)
      const least = minutes === undefined ? Number(leastSteps ?? LEAST) : LEAST
      config.steps = Math.max(least, Math.floor(seconds / cost.get(stage)!))
    } else if (stretched.includes(stage))
      config.steps = Math.max(LEAST, Math.floor((config.steps as number) * (minutes! / length)))
    return { ...stage, config }
  })
  const whole =
    asked.reduce((sum, s) => sum + cost.get(s)! * (timed[stages.indexOf(s)]!.config.steps as number), 0) / 60
  if (minutes === undefined && whole > 1.1 * own) onSlow?.(whole)
  return timed
}

/** Whether a recipe asks for a measurement of this machine. */
export const isTimed = ({ stages }: Recipe, { minutes }: DeriveOptions): boolean =>
  minutes !== undefined || stages.some(({ config }) => config.minutes !== undefined && config.steps === undefined)

/**
 * Whether a run was made from this recipe: the same but for steps that were derived. `fresh` is the recipe as read, `known` as
 * written out by `deriveRecipe`.
 */
export function isDerivedFrom(known: Recipe, fresh: Recipe): boolean {
  const outline = ({ name, language, seed, stages }: Recipe) => ({
    name,
    language,
    seed,
    stages: stages.map(
      ({ kind, name, config: { minutes: _minutes, steps: _steps, leastSteps: _least, ...config } }) => ({
        kind,
        name,
        config,
      }),
    ),
  })
  const sameSteps = fresh.stages.every(
    ({ config }, i) => config.steps === undefined || config.steps === known.stages[i]?.config.steps,
  )
  const sameSizes = Object.entries(fresh.model).every(([key, value]) => known.model[key] === value)
  return sameSteps && sameSizes && canonical(outline(known)) === canonical(outline(fresh))
}

/** What the probe cannot see: evaluations, samples, checkpoints. */
const OVERHEAD = 1.1

/** One step of a stage, measured with a model of random weights. */
async function secondsPerStep(kind: string, config: ModelConfig, stageConfig: object): Promise<number> {
  const engine = await openEngine()
  const model = createModel(engine, config)
  initialize(model, 1)
  try {
    if (kind !== 'rl') return OVERHEAD * (await secondsPerUpdate(model, trainingOptions.parse(stageConfig)))
    const options = rlOptions.parse(stageConfig)
    const { promptsPerStep, groupSize, maxTokens, rows, time, epochs, advantage } = options
    const answers = promptsPerStep * groupSize
    const prompts = Array.from({ length: answers }, (_, i) =>
      Array.from({ length: PROMPT }, (_unused, t) => (i * 31 + t) % 256),
    )
    const rollOut = await medianSeconds(() => generateBatch(model, prompts, { maxTokens, temperature: 1, seed: 1 }))
    const batches = Math.ceil((answers * (PROMPT + maxTokens)) / (rows * time))
    const update = await secondsPerUpdate(model, { ...trainingOptions.parse(stageConfig), microBatches: batches })
    const learners = advantage === 'gae' ? 2.5 : 1 // a critic of the same size, which looks once more
    return OVERHEAD * (rollOut + epochs * learners * update)
  } finally {
    freeModel(model)
    await engine.close()
  }
}

/** Tokens of a typical exercise. */
const PROMPT = 24

async function secondsPerUpdate(model: Model, options: TrainingOptions): Promise<number> {
  const { rows, time, microBatches, precision, recompute } = options
  const trainer = createTrainer(model, { rows, time, precision, recompute }, optimizerOf(options))
  const ids = Int32Array.from({ length: rows * time }, (_, i) => (i * 7919) % model.config.vocabSize)
  const batch = { ids, targets: ids.toReversed(), starts: new Int32Array(rows * time) }
  let t = 0
  const seconds = await medianSeconds(() =>
    trainer.step(
      Array.from({ length: microBatches }, () => batch),
      ++t,
      0.1,
    ),
  )
  trainer.free()
  return seconds
}

/** How long a call is timed, and how often at least: what else the machine did for half a second must not halve a training. */
const [PROBE_SECONDS, PROBE_CALLS] = [1.5, 5]

/** The median time of a call, after one that does not count. */
async function medianSeconds(body: () => Promise<unknown>): Promise<number> {
  await body()
  const seconds: number[] = []
  const end = performance.now() + 1000 * PROBE_SECONDS
  while (seconds.length < PROBE_CALLS || performance.now() < end) {
    const begin = performance.now()
    await body()
    seconds.push((performance.now() - begin) / 1000)
  }
  return seconds.sort((a, b) => a - b)[seconds.length >> 1]!
}
