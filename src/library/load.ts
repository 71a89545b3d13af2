/** A trained model in memory, with its tokenizer, ready to write. */
import type { Model } from '../nn/index.ts'
import { goesOn, loadModel, loadTokenizer } from '../stages/model-folder.ts'
import { type BackendName, openEngine } from '../tensor/open.node.ts'
import type { Tokenizer } from '../tokenizer/index.ts'
import { findModel, type StageName } from './find-model.ts'

export interface LoadOptions {
  /** Of a run: the model of which stage; default: the latest. */
  stage?: StageName
  backend?: BackendName
  threads?: number
}

export interface LoadedModel {
  model: Model
  tokenizer: Tokenizer
  /** A base model: it goes on with a text, and knows no dialogue. */
  isBase: boolean
  folder: string
  /** Gives the memory back. */
  close(): Promise<void>
}

/** Loads a run's model, or a model folder (Hugging Face layout). Throws a UserError that says what there is instead. */
export async function load(target: string, { stage, backend, threads }: LoadOptions = {}): Promise<LoadedModel> {
  const { folder, kind } = await findModel(target, stage)
  const tokenizer = await loadTokenizer(folder)
  const engine = await openEngine({ backend, threads })
  try {
    const model = await loadModel(engine, folder, { trainable: false })
    return { model, tokenizer, isBase: goesOn(kind, tokenizer), folder, close: () => engine.close() }
  } catch (error) {
    await engine.close()
    throw error
  }
}
