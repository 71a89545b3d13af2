/** Finding the model that a command means: a model folder, or a run and a stage of it. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { originOf } from '../export/index.ts'
import { hasWeights } from '../formats/index.ts'
import { isRun, latestStage, readRun, UserError } from '../run/index.ts'
import { MODEL_KINDS } from '../stages/model-folder.ts'

const kinds = { base: ['pretrain', 'import'], sft: ['sft'], dpo: ['dpo'], rl: ['rl'] } as const
export type StageName = keyof typeof kinds
/** What `--stage` may say. */
export const STAGES = Object.keys(kinds) as [StageName, ...StageName[]]

export interface FoundModel {
  folder: string
  /** The stage that made it, where it lies in a run. */
  kind: string | undefined
}

/** Throws a UserError that says what there is instead. */
export async function findModel(target: string, stage?: StageName): Promise<FoundModel> {
  const places = [resolve(target), resolve('runs', target), resolve('models', target)]
  const folder = places.find((place) => existsSync(place)) ?? places[1]!
  if (existsSync(join(folder, 'config.json')) && hasWeights(folder))
    return { folder, kind: (await originOf(folder)).kind }
  if (!isRun(folder))
    throw new UserError(
      `${target} is neither a model folder (config.json, model.safetensors) nor a run`,
      `${target} 既不是模型文件夹（config.json、model.safetensors），也不是运行目录`,
    )
  const run = await readRun(folder)
  const found = latestStage(run, ...(stage ? kinds[stage] : MODEL_KINDS))
  if (found) return { folder: found.folder, kind: found.kind }
  const done = run.stages.filter((s) => s.manifest).map((s) => s.name)
  throw new UserError(
    `${target} has no finished ${stage ?? 'model'} stage yet (finished: ${done.join(', ') || 'none'})`,
    `${target} 还没有完成的${stage ?? '模型'}阶段（已完成：${done.join('、') || '无'}）`,
  )
}
