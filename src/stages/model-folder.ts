/** A model on disk: the Hugging Face folder that every stage from pre-training on writes, and that everything else reads. */
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { openWeights, type StoredWeights, writeFileAtomic } from '../formats/index.ts'
import {
  attachAdapter,
  checkWeights,
  createModel,
  expectFilling,
  fillWeights,
  freeModel,
  fromHuggingFace,
  type LoraOptions,
  type Model,
  type ModelConfig,
  roundModel,
  saveWeights,
  toHuggingFace,
  weightsOf,
} from '../nn/index.ts'
import { readJson, UserError } from '../run/index.ts'
import type { Engine } from '../tensor/index.ts'
import { stopIds, textStart, type Tokenizer } from '../tokenizer/index.ts'
import { ADAPTER_FOLDER, saveAdapter } from './adapter-folder.ts'
import type { StageContext } from './stage.ts'
import { keptFiles, loadTokenizer } from './tokenizer-folder.ts'

/** Stages that make a model. */
export const MODEL_KINDS: readonly string[] = ['import', 'pretrain', 'sft', 'dpo', 'rl']

export { goesOn, loadTokenizer, saveTokenizer, TOKENIZER_FILES } from './tokenizer-folder.ts'

/**
 * Config, weights and tokenizer files (those of `tokenizerFolder`), by name: what makes a folder a model. `shots`: it has practised, but
 * knows no dialogue, and is to be asked as a base model is, with so many worked examples.
 */
export async function modelFiles(
  model: Model,
  tokenizerFolder: string,
  { shots }: { shots?: number } = {},
): Promise<Record<string, Uint8Array>> {
  const tokenizer = await loadTokenizer(tokenizerFolder)
  const [start, stops] = [textStart(tokenizer), stopIds(tokenizer)]
  const config = { ...toHuggingFace(model.config), bos_token_id: start, eos_token_id: stops[0] }
  const generation = tokenizer.manners
    ? { ...((await readJson(join(tokenizerFolder, 'generation_config.json'))) as object), eos_token_id: stops }
    : {
        eos_token_id: stops,
        pad_token_id: start,
        do_sample: true,
        ...(shots === undefined ? {} : { xueba_shots: shots }),
      }
  const json = (value: unknown) => Buffer.from(`${JSON.stringify(value, null, 2)}\n`)
  return {
    'model.safetensors': await saveWeights(model),
    'config.json': json(config),
    'generation_config.json': json(generation),
    ...(await keptFiles(tokenizerFolder)),
  }
}

/** The model, and its adapter in a folder of its own where it has learnt through one; `before` is the model it went on from. */
export async function saveModel(
  folder: string,
  model: Model,
  before: string,
  how: { shots?: number } = {},
): Promise<void> {
  for (const [file, bytes] of Object.entries(await modelFiles(model, before, how)))
    await writeFileAtomic(join(folder, file), bytes)
  if (model.adapter) await saveAdapter(join(folder, ADAPTER_FOLDER), model, basename(before))
}

/** The folder of the earlier reward model with this name, or of the latest. */
export function rewardModelBefore({ earlier }: Pick<StageContext, 'earlier'>, name: string): string {
  const judges = earlier.filter(({ kind }) => kind === 'reward-model')
  const found = name === 'latest' ? judges.at(-1) : judges.find((judge) => judge.name === name)
  if (found) return found.folder
  const names = judges.map((judge) => judge.name).join(', ')
  throw new UserError(
    `rewardModel: no earlier reward model called "${name}"; there are: ${names || 'none'}`,
    `rewardModel：前面没有叫“${name}”的奖励模型；现有：${names || '无'}`,
  )
}

/** The folder of the model that a stage goes on from: `latest`, or that of the earlier stage with this name. */
export function modelBefore(context: Pick<StageContext, 'latest' | 'earlier'>, from: string): string {
  if (from === 'latest') return context.latest(...MODEL_KINDS) // passes over controls
  const models = context.earlier.filter(({ kind }) => MODEL_KINDS.includes(kind))
  const found = models.find(({ name }) => name === from)
  if (found) return found.folder
  const names = models.map(({ name }) => name).join(', ')
  throw new UserError(
    `from: no earlier stage called "${from}" makes a model; there are: ${names}`,
    `from：前面没有叫“${from}”的模型阶段；现有：${names}`,
  )
}

/** A folder's content without an engine: for programs that copy a model and do not run it. */
export interface StoredModel {
  folder: string
  config: ModelConfig
  /** In f32, by their Hugging Face names, in the order of the slab. */
  weights: Awaited<ReturnType<typeof weightsOf>>
  tokenizer: Tokenizer
}

export const readConfig = (folder: string): Promise<ModelConfig> => explain(folder, 'config.json', configOf)

/** Reads every weight and keeps none. Throws a UserError that names the one that is missing, superfluous, of another kind or no number. */
export const readWeights = (folder: string, config: ModelConfig): Promise<void> =>
  fromWeights(folder, (source) => checkWeights(config, source))

/** Throws a UserError that names the file that is missing or wrong. */
export async function readModel(folder: string): Promise<StoredModel> {
  const config = await readConfig(folder)
  const weights = await fromWeights(folder, (source) => weightsOf(config, source))
  return { folder, config, weights, tokenizer: await loadTokenizer(folder) }
}

/** An adapter to learn through, and the seed of its first values. */
type Lora = LoraOptions & { seed: number }

/**
 * Reads a folder's config and weights into a new model; `score` adds a reward head where there is none, `weights` rounds a model that
 * does not learn. Throws a UserError that names the file that is missing or wrong.
 */
export async function loadModel(
  engine: Engine,
  folder: string,
  {
    trainable = true,
    score = false,
    lora,
    weights = 'f32',
  }: { trainable?: boolean; score?: boolean; lora?: Lora; weights?: 'f32' | 'int8' } = {},
): Promise<Model> {
  const config = await readConfig(folder)
  const wanted = score ? { ...config, score: true as const } : config
  // A config that lies about sizes is found out before they are allocated.
  await fromWeights(folder, async ({ tensors }) => expectFilling(wanted, tensors))
  const model = createModel(engine, wanted, { trainable: trainable && !lora })
  try {
    await fromWeights(folder, (source) => fillWeights(model, source))
    if (lora) attachAdapter(model, lora, lora.seed)
    if (weights === 'int8') await roundModel(model)
  } catch (error) {
    freeModel(model)
    throw error
  }
  return model
}

/** Reads a folder's weights, in one file or in several; errors name the folder. */
function fromWeights<T>(folder: string, read: (source: StoredWeights) => Promise<T>): Promise<T> {
  return naming(join(folder, 'model.safetensors'), async () => {
    const source = await openWeights(folder)
    try {
      return await read(source)
    } finally {
      await source.close()
    }
  })
}

const configOf = (text: Buffer) => fromHuggingFace(JSON.parse(text.toString('utf8')) as Record<string, unknown>)

const explain = <T>(folder: string, file: string, parse: (bytes: Buffer) => T): Promise<T> =>
  naming(join(folder, file), async (path) => parse(await readFile(path)))

async function naming<T>(path: string, read: (path: string) => Promise<T>): Promise<T> {
  try {
    return await read(path)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new UserError(`${path} cannot be read as part of a model: ${reason}`, `${path} 不是可用的模型文件：${reason}`)
  }
}
