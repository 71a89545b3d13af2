/**
 * manifest.json of a stage's folder, written last: with it the stage is done, without it the stage never was.
 *
 * It holds what the stage was made from (config and the hashes of its inputs) and what it made (the sha256 of every file, checkpoints aside).
 * Running a recipe again skips a stage whose manifest is current; a change in one stage changes its `outputHash`, and so what follows.
 */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { canonical, filesBelow, readJson, sha256OfFile, sha256OfJson, writeJson } from './files.ts'

const manifestSchema = z.object({
  kind: z.string(),
  name: z.string(),
  /** The stage's options as resolved, with whatever else of the recipe the result depends on. */
  config: z.record(z.string(), z.unknown()),
  /** Folder of an earlier stage → its `outputHash`; data file → its sha256. */
  inputs: z.record(z.string(), z.string()),
  seconds: z.number(),
  /** The run that made it, where it was taken over: `runs/quickstart`. */
  takenFrom: z.string().optional(),
  metrics: z.record(z.string(), z.number().nullable()),
  /** Path in the folder → sha256. */
  files: z.record(z.string(), z.string()),
})
export type Manifest = z.infer<typeof manifestSchema>

const NAME = 'manifest.json'
/** Working state of a stage, not its product. */
const NOT_PRODUCTS = [NAME, 'checkpoints']

/** Hashes the stage's files and declares it done. */
export async function writeManifest(folder: string, made: Omit<Manifest, 'files'>): Promise<Manifest> {
  const files: Record<string, string> = {}
  for (const path of await filesBelow(folder, NOT_PRODUCTS)) files[path] = await sha256OfFile(join(folder, path))
  const metrics = Object.fromEntries(Object.entries(made.metrics).map(([k, v]) => [k, Number.isFinite(v) ? v : null])) // as events
  const manifest = manifestSchema.parse({ ...made, metrics, config: JSON.parse(canonical(made.config)), files })
  await writeJson(join(folder, NAME), manifest)
  return manifest
}

/** The manifest of a folder; `undefined` when the stage is not done or its manifest is damaged (then it is not done either). */
export async function readManifest(folder: string): Promise<Manifest | undefined> {
  const value = await readJson(join(folder, NAME)).catch(() => undefined)
  return manifestSchema.safeParse(value).data
}

/** What later stages record as their input: the same products, the same hash. */
export function outputHash(manifest: Manifest): string {
  return sha256OfJson({ kind: manifest.kind, files: manifest.files })
}

/** The files of the manifest that are missing or changed. */
export async function verifyManifest(folder: string, manifest: Manifest): Promise<string[]> {
  const problems: string[] = []
  for (const [path, hash] of Object.entries(manifest.files)) {
    const found = await sha256OfFile(join(folder, path)).catch(() => undefined)
    if (found === undefined) problems.push(`${path} is missing`)
    else if (found !== hash) problems.push(`${path} has changed`)
  }
  return problems
}

/** Whether the stage can be skipped: done, from this config and these inputs, and its files are all there (by name, not by content). */
export async function isCurrent(
  folder: string,
  wanted: Pick<Manifest, 'kind' | 'config' | 'inputs'>,
): Promise<boolean> {
  const found = await readManifest(folder)
  if (!found || found.kind !== wanted.kind) return false
  if (canonical(found.config) !== canonical(wanted.config) || canonical(found.inputs) !== canonical(wanted.inputs))
    return false
  const present = await Promise.all(
    Object.keys(found.files).map((path) => stat(join(folder, path)).catch(() => undefined)),
  )
  return present.every((file) => file?.isFile())
}
