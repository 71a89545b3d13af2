/** A model of a few thousand weights over single bytes, and the context of a stage in a temporary folder. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createModel, initialize, type Model, type ModelConfig } from '../nn/index.ts'
import { type Checkpoint, type EventBody, latestCheckpoint, saveCheckpoint, UserError } from '../run/index.ts'
import { openFast } from '../tensor/fast.test-helper.ts'
import { Engine, openReference } from '../tensor/index.ts'
import { SPECIAL_TOKENS, Tokenizer } from '../tokenizer/index.ts'
import { saveModel, saveTokenizer } from './model-folder.ts'
import { type StageContext, Stopped } from './stage.ts'

export const tinyConfig: ModelConfig = {
  vocabSize: 259,
  dim: 32,
  layers: 1,
  heads: 2,
  kvHeads: 2,
  headDim: 16,
  ff: 64,
  ropeTheta: 1000,
  eps: 1e-6,
  tied: true,
  maxPositions: 96,
}

/** A token for each byte, and the special ones. */
export function byteTokenizer(): Tokenizer {
  const bytes = Array.from({ length: 256 }, (_, i) => Uint8Array.of(i))
  const special = SPECIAL_TOKENS.map((text, i) => ({ id: 256 + i, text }))
  return new Tokenizer({ tokens: [...bytes, ...special.map(({ text }) => Buffer.from(text))], merges: [], special })
}

export function tinyModel(engine: Engine, config: Partial<ModelConfig> = {}): Model {
  const model = createModel(engine, { ...tinyConfig, ...config })
  initialize(model, 3)
  return model
}

/** A fast engine where there is one. */
export async function anyEngine(): Promise<Engine> {
  return (await openFast('native', 2)) ?? (await openFast('wasm', 2)) ?? new Engine(openReference())
}

/** Writes tokenizer and model as a stage folder would hold them. */
export async function writeModelFolder(folder: string, model: Model): Promise<void> {
  await mkdir(folder, { recursive: true })
  await saveTokenizer(folder, byteTokenizer())
  await saveModel(folder, model, folder)
}

export interface TestContext extends StageContext {
  events: EventBody[]
}

/** The context of stage `name` in `run`, after `earlier`; asked to stop after `stopAfter` steps. */
export async function testContext(
  engine: Engine,
  run: string,
  name: string,
  earlier: StageContext['earlier'],
  { stopAfter = Infinity }: { stopAfter?: number } = {},
): Promise<TestContext> {
  const folder = join(run, name)
  await mkdir(folder, { recursive: true })
  const find = (...kinds: string[]) => earlier.findLast(({ kind }) => kinds.includes(kind))?.folder
  const checkpoints = join(folder, 'checkpoints')
  const resume: Checkpoint | undefined = (await latestCheckpoint(checkpoints)).checkpoint
  const events: EventBody[] = []
  return {
    run,
    folder,
    seed: 5,
    language: 'en',
    model: {},
    strict: false,
    engine: () => Promise.resolve(engine),
    peakFlops: () => Promise.resolve(0),
    find,
    latest(...kinds) {
      const found = find(...kinds)
      if (!found) throw new UserError(`no ${kinds.join(', ')}`, '没有')
      return found
    },
    earlier,
    events,
    emit: (body) => void events.push(body),
    resume,
    async save(step, state, files) {
      await saveCheckpoint(checkpoints, { step, seq: 0, state, files })
    },
    async border({ step, save }) {
      if (step < stopAfter) return
      await save()
      throw new Stopped()
    },
  }
}
