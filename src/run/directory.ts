/**
 * The run directory: where its files lie, which stages it has, and which model is the latest. Reading one needs no schema of the stages,
 * so that the terminal, the studio and the report can show runs of other versions.
 */
import { existsSync, readdirSync } from 'node:fs'
import { mkdir, readFile, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { UserError } from './errors.ts'
import { outputHash, readManifest, type Manifest } from './manifest.ts'
import { writeRecipe, type Recipe } from './recipe.ts'

/** The fixed names at the top of a run. */
export function runFiles(run: string) {
  return {
    recipe: join(run, 'recipe.yaml'),
    events: join(run, 'events.jsonl'),
    control: join(run, 'control.jsonl'),
    lock: join(run, 'trainer.pid'),
  }
}

/** `01-corpus`: sorts as the stages ran. */
export function stageFolder(index: number, name: string): string {
  return `${String(index + 1).padStart(2, '0')}-${name}`
}

export interface RunStage {
  kind: string
  name: string
  /** Absolute; it may not exist yet. */
  folder: string
  /** Present when the stage is done, from what the earlier stages hold now. */
  manifest: Manifest | undefined
}

export interface Run {
  folder: string
  name: string
  language: 'zh' | 'en'
  stages: RunStage[]
}

/** Makes the directory and writes the resolved recipe. The recipe of a run that exists is replaced: finished stages it still fits are kept. */
export async function createRun(folder: string, recipe: Recipe): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeRecipe(runFiles(folder).recipe, recipe)
}

const outline = z.object({
  name: z.string(),
  language: z.enum(['zh', 'en']),
  stages: z.array(z.object({ kind: z.string(), name: z.string() })),
})

/** Whether a folder is a run. */
export function isRun(folder: string): boolean {
  return existsSync(runFiles(folder).recipe)
}

/** What a run directory holds now. Throws a UserError when it is none. */
export async function readRun(folder: string): Promise<Run> {
  const file = runFiles(folder).recipe
  const text = await readFile(file, 'utf8').catch(() => {
    throw new UserError(`${folder} is not a run: it has no recipe.yaml`, `${folder} 不是运行目录：里面没有 recipe.yaml`)
  })
  const { data } = outline.safeParse(parseYaml(text))
  if (!data) throw new UserError(`${file} is damaged: it names no stages`, `${file} 已损坏：读不出各个阶段`)
  const stages: RunStage[] = []
  for (const [index, { kind, name }] of data.stages.entries()) {
    const at = join(resolve(folder), stageFolder(index, name))
    const manifest = await readManifest(at)
    stages.push({ kind, name, folder: at, manifest: manifest && isStale(manifest, stages) ? undefined : manifest })
  }
  return { folder: resolve(folder), name: data.name, language: data.language, stages }
}

/** Whether a stage was made from other products than the earlier stages hold now: then it is not done, it is to be done again. */
function isStale({ inputs }: Manifest, earlier: readonly RunStage[]): boolean {
  return earlier.some(({ folder, manifest }) => !manifest || inputs[basename(folder)] !== outputHash(manifest))
}

/** The last stage that is done and of one of these kinds (or names). */
export function latestStage(run: Run, ...kinds: string[]): RunStage | undefined {
  return run.stages.findLast(({ kind, name, manifest }) => manifest && (kinds.includes(kind) || kinds.includes(name)))
}

/** The runs below a folder, the one that changed last first. */
export async function listRuns(folder: string): Promise<string[]> {
  const entries = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : []
  const runs = entries.map(({ name }) => join(folder, name)).filter((path) => isRun(path))
  const dated = await Promise.all(runs.map(async (run) => ({ run, time: await changed(run) })))
  return dated.sort((a, b) => b.time - a.time || (a.run < b.run ? -1 : 1)).map(({ run }) => run)
}

/** When something last happened in a run, ms. */
async function changed(run: string): Promise<number> {
  const { events, recipe } = runFiles(run)
  const found = await stat(events).catch(() => stat(recipe))
  return found.mtimeMs
}

function parseYaml(text: string): unknown {
  try {
    return parse(text) as unknown
  } catch {
    return undefined
  }
}
