/** What lies in a run's folders, as screens ask for it: models, the corpus, rollouts through their index, the tokenizer. Reads, never writes. */
import { existsSync, readdirSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { hasWeights } from '../../formats/index.ts'
import { latestStage, readJson, readRun, type Run, type RunStage } from '../../run/index.ts'
import { MODEL_KINDS } from '../../stages/model-folder.ts'
import { NotThere } from './form.ts'
import { ROLLOUT_INDEX, type RolloutLine, ROLLOUTS } from '../../stages/rl/rollout-log.ts'

export interface StudioModel {
  /** `04-sft`, or `03-pretrain/checkpoints/step-00000500` while a stage is at work. */
  id: string
  stage: string
  kind: string
  /** Of a checkpoint. */
  step: number | null
}

/** Every model of a run that can be asked: finished stages, and the latest checkpoint of the one at work. */
export function modelsOf(run: Run): StudioModel[] {
  return run.stages.flatMap(({ kind, name, folder, manifest }): StudioModel[] => {
    if (!(MODEL_KINDS as readonly string[]).includes(kind)) return []
    const stage = basename(folder)
    if (manifest && hasWeights(folder)) return [{ id: stage, stage: name, kind, step: null }]
    const checkpoints = join(folder, 'checkpoints')
    const steps = existsSync(checkpoints) ? readdirSync(checkpoints).filter((file) => /^step-\d+$/.test(file)) : []
    const last = steps.sort().at(-1)
    if (!last || !hasWeights(join(checkpoints, last))) return []
    return [{ id: `${stage}/checkpoints/${last}`, stage: name, kind, step: Number(last.slice(5)) }]
  })
}

/** The folder of one of them. */
export function modelFolder(run: Run, id: string): StudioModel & { folder: string } {
  const found = modelsOf(run).find((model) => model.id === id)
  if (found) return { ...found, folder: join(run.folder, ...found.id.split('/')) }
  throw new NotThere(`this run has no model "${id.slice(0, 100)}"`, `这个运行里没有“${id.slice(0, 100)}”这个模型`)
}

const folderOf = (run: Run, ...kinds: string[]) => {
  const stage = latestStage(run, ...kinds)
  if (stage) return stage.folder
  throw new NotThere(`no ${kinds[0]} stage is done yet`, `${kinds[0]} 阶段还没有完成`)
}

export const tokenizerFile = (run: Run): string => join(folderOf(run, 'tokenizer', 'import'), 'tokenizer.json')

/** Bytes of a file of documents that are looked at: enough for any screen, whatever the corpus. */
const LOOKED_AT = 32 << 20

export interface Documents {
  rows: Record<string, unknown>[]
  /** How many there are in the part that was looked at. */
  found: number
  /** The file is longer than what was looked at. */
  partial: boolean
}

/** Documents that were kept (`rule` undefined), or dropped by a rule: `count` of them from the `skip`th on. */
export async function documentsOf(
  run: Run,
  { rule, skip, count }: { rule: string | undefined; skip: number; count: number },
): Promise<Documents> {
  const folder = folderOf(run, 'corpus')
  const path = join(folder, rule === undefined ? 'documents.jsonl' : 'rejected.jsonl')
  const { size } = await stat(path)
  const text = await readPart(path, 0, Math.min(size, LOOKED_AT))
  const rows: Record<string, unknown>[] = []
  let found = 0
  // Only the rows asked for are parsed; the others are told apart by a look at their text.
  const mark = rule === undefined ? undefined : `"rule":${JSON.stringify(rule)}`
  for (const line of text.split('\n').slice(0, -1)) {
    if (mark !== undefined && !line.includes(mark)) continue
    if (found >= skip && rows.length < count) rows.push(JSON.parse(line) as Record<string, unknown>)
    found++
  }
  return { rows, found, partial: size > LOOKED_AT }
}

/** A document by its id, kept or dropped: the twin of a near-duplicate. */
export async function documentById(run: Run, id: string): Promise<Record<string, unknown>> {
  const folder = folderOf(run, 'corpus')
  for (const file of ['documents.jsonl', 'rejected.jsonl', 'heldout.jsonl']) {
    const path = join(folder, file)
    if (!existsSync(path)) continue
    const text = await readPart(path, 0, Math.min((await stat(path)).size, LOOKED_AT))
    const at = text.indexOf(`"id":${JSON.stringify(id)}`)
    if (at < 0) continue
    const start = text.lastIndexOf('\n', at) + 1
    const end = text.indexOf('\n', at)
    return JSON.parse(text.slice(start, end < 0 ? undefined : end)) as Record<string, unknown>
  }
  throw new NotThere(`there is no document ${id.slice(0, 100)}`, `没有 ${id.slice(0, 100)} 这篇读物`)
}

export interface Rollouts {
  stage: string
  /** Steps that have rollouts, rising. */
  steps: number[]
  step: number
  groups: RolloutLine[]
}

/** The latest stage that has rollouts, or the one in this folder. */
export function rolloutStage(run: Run, stage?: string): RunStage {
  const found = run.stages.findLast(
    ({ folder }) => existsSync(join(folder, ROLLOUTS)) && (stage === undefined || basename(folder) === stage),
  )
  if (found) return found
  throw new NotThere('this run has no exercises yet', '这个运行还没有做过习题')
}

/** The groups of a step, or of the step next to it. `stage` is a folder's name; default: the latest with rollouts. */
export async function rolloutsOf(
  run: Run,
  { stage, step }: { stage: string | undefined; step: number | undefined },
): Promise<Rollouts> {
  const found = rolloutStage(run, stage)
  const path = join(found.folder, ROLLOUTS)
  const index = await offsetsOf(found.folder, path)
  const steps = Object.keys(index).map(Number)
  if (steps.length === 0) throw new NotThere('this run has no exercises yet', '这个运行还没有做过习题')
  const wanted = step ?? steps.at(-1)!
  const nearest = steps.reduce((best, one) => (Math.abs(one - wanted) < Math.abs(best - wanted) ? one : best))
  const begin = index[nearest]!
  const next = steps.find((one) => one > nearest)
  const text = await readPart(path, begin, next === undefined ? (await stat(path)).size : index[next]!)
  const groups = text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as RolloutLine)
    .filter((group) => group.step === nearest)
  return { stage: basename(found.folder), steps, step: nearest, groups }
}

/** Steps and their first bytes; while the stage is at work the index lags behind, and the rest is found by reading on. */
async function offsetsOf(folder: string, path: string): Promise<Record<string, number>> {
  const index = { ...((await readJson(join(folder, ROLLOUT_INDEX))) as Record<string, number> | undefined) }
  let at = Math.max(0, ...Object.values(index))
  const text = await readPart(path, at, Math.min((await stat(path)).size, at + LOOKED_AT))
  for (const line of text.split('\n').slice(0, -1)) {
    const step = /^\{"step":(\d+),/.exec(line)?.[1]
    if (step !== undefined) index[step] ??= at
    at += Buffer.byteLength(line) + 1
  }
  return index
}

async function readPart(path: string, from: number, to: number): Promise<string> {
  const file = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.max(0, to - from)), 0, Math.max(0, to - from), from)
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}

export interface RunCard {
  id: string
  name: string
  language: 'zh' | 'en'
  recorded: boolean
  running: boolean
  stages: {
    kind: string
    name: string
    folder: string
    done: boolean
    seconds: number | null
    /** The run beside this one that made it (`stages/take-over.ts`). */
    takenFrom: string | null
  }[]
  models: StudioModel[]
  /** When something last happened, ms since 1970. */
  changed: number
}

/** What the list of runs says of one. */
export async function cardOf(
  place: { id: string; folder: string; recorded: boolean },
  running: boolean,
): Promise<RunCard> {
  const run = await readRun(place.folder)
  const found = await stat(join(place.folder, 'events.jsonl')).catch(() => stat(join(place.folder, 'recipe.yaml')))
  return {
    id: place.id,
    name: run.name,
    language: run.language,
    recorded: place.recorded,
    running,
    stages: run.stages.map(({ kind, name, folder, manifest }) => ({
      kind,
      name,
      folder: basename(folder),
      done: manifest !== undefined,
      seconds: manifest?.seconds ?? null,
      takenFrom: manifest?.takenFrom ?? null,
    })),
    models: modelsOf(run),
    changed: found.mtimeMs,
  }
}
