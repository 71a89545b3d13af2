/** What the lessons about a model need: the model of a run, its corpus, and the engine for as long as the lesson lasts. */
import { join } from 'node:path'
import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import type { Model } from '../../nn/index.ts'
import { latestStage, readRun, runFiles, UserError } from '../../run/index.ts'
import { loadModel, loadTokenizer } from '../../stages/model-folder.ts'
import { textsOf } from '../../stages/tokenizer.ts'
import { type TaskSpec, taskSchema } from '../../tasks/index.ts'
import { openEngine } from '../../tensor/open.node.ts'
import type { Tokenizer } from '../../tokenizer/index.ts'
import { findModel, type StageName } from '../../library/find-model.ts'

export interface Studied {
  model: Model
  tokenizer: Tokenizer
  /** The stage that made it. */
  kind: string | undefined
  folder: string
}

/** Opens the model of a run's stage, hands it over, and closes everything. */
export async function withModel<T>(
  target: string,
  stage: StageName | undefined,
  use: (studied: Studied) => Promise<T>,
): Promise<T> {
  const { folder, kind } = await findModel(target, stage)
  const engine = await openEngine()
  try {
    const tokenizer = await loadTokenizer(folder)
    const model = await loadModel(engine, folder, { trainable: false })
    return await use({ model, tokenizer, kind, folder })
  } finally {
    await engine.close()
  }
}

export interface Background {
  language: 'zh' | 'en'
  seed: number
  /** The texts it read. */
  texts: string[]
  /** Whether it read the embedded world's web. */
  readTown: boolean
  /** Tokens in a row of its pre-training: the positions it knows. */
  rowLength: number | undefined
  /** What it practised, or was examined on. */
  task: TaskSpec | undefined
}

/** What the model of a run has read. */
export async function backgroundOf(target: string): Promise<Background> {
  const run = await readRun(target)
  const corpus = latestStage(run, 'corpus')
  if (!corpus) throw new UserError(`${target} has no finished corpus stage`, `${target} 的 corpus 阶段还没有做完`)
  const recipe = parse(await readFile(runFiles(run.folder).recipe, 'utf8')) as {
    seed?: number
    stages: { kind: string; time?: number; sources?: { world?: string }[]; tasks?: { task: unknown }[] }[]
  }
  const texts: string[] = []
  for await (const text of textsOf(join(corpus.folder, 'documents.jsonl'))) texts.push(text)
  const readTown = recipe.stages.some(({ sources }) => sources?.some(({ world }) => world !== undefined) ?? false)
  const specs = recipe.stages.flatMap(({ tasks }) => (Array.isArray(tasks) ? tasks.map(({ task }) => task) : []))
  const task = specs.map((spec) => taskSchema.safeParse(spec).data).find((spec) => spec !== undefined)
  const rowLength = recipe.stages.find(({ kind }) => kind === 'pretrain')?.time
  return { language: run.language, seed: recipe.seed ?? 1, texts, readTown, rowLength, task }
}
