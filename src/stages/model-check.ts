/** Is a folder a model that can be run here? Its config, its tokenizer, and every weight: read in pieces, without an engine. */
import { countParameters, type ModelConfig } from '../nn/index.ts'
import { UserError } from '../run/index.ts'
import { readConfig, readWeights } from './model-folder.ts'
import { loadTokenizer } from './tokenizer-folder.ts'

export interface ModelFacts {
  config: ModelConfig
  parameters: number
  /** It has a chat template, of its own or ours. */
  chats: boolean
}

/** Throws a UserError that names the file, key or weight that is wrong. `weights: false` leaves them unread. */
export async function checkModel(folder: string, { weights = true } = {}): Promise<ModelFacts> {
  const config = await readConfig(folder)
  const tokenizer = await loadTokenizer(folder)
  if (tokenizer.vocabSize > config.vocabSize)
    throw new UserError(
      `${folder}: tokenizer.json has ${tokenizer.vocabSize} tokens, config.json says vocab_size ${config.vocabSize}: they do not belong together`,
      `${folder}：tokenizer.json 有 ${tokenizer.vocabSize} 个词元，config.json 的 vocab_size 却是 ${config.vocabSize}：两者不配套`,
    )
  if (weights) await readWeights(folder, config)
  return { config, parameters: countParameters(config), chats: tokenizer.manners?.template !== null }
}
