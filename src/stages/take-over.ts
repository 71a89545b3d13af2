/**
 * Stages that a run beside this one has made already, from the same options and inputs: they are taken over instead of made again, so that
 * recipes which begin alike (`gpt4-order`, `r1-order`, `r1-zero`) train one base. Only runs in the same folder are looked at, only stages of
 * the same version of xueba, and only where every file still has the hash of its manifest.
 *
 * The files are hard links where the disk has them, copies elsewhere: a finished stage is never written to, and either run can be removed.
 */
import { copyFile, link, mkdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import {
  dropSuperseded,
  type EventBody,
  listRuns,
  type Manifest,
  readEvents,
  readRun,
  type RunEvent,
  runFiles,
  verifyManifest,
  version,
  writeManifest,
} from '../run/index.ts'
import { canonical, publishFolder, removeFolder } from '../run/files.ts'

export interface Made {
  /** The other run's folder, the stage's folder in it, and its manifest. */
  run: string
  folder: string
  manifest: Manifest
  /** What the other run said of the stage, in order: its curves and samples, without marks of the log. */
  said: EventBody[]
}

/** A report is about its own run, and lies at the top of it. */
const NEVER = ['report']

type Wanted = Pick<Manifest, 'kind' | 'config' | 'inputs'>

/** The stage as another run made it, or undefined. Damaged runs and stages are passed over. */
export async function findMade(run: string, wanted: Wanted): Promise<Made | undefined> {
  const [config, inputs] = [canonical(wanted.config), canonical(wanted.inputs)]
  if (NEVER.includes(wanted.kind)) return undefined
  const own = resolve(run)
  for (const other of await listRuns(dirname(own))) {
    if (other === own) continue
    const stages = await readRun(other).then(
      (found) => found.stages,
      () => [],
    )
    for (const { kind, folder, manifest } of stages) {
      if (kind !== wanted.kind || !manifest) continue
      if (canonical(manifest.config) !== config || canonical(manifest.inputs) !== inputs) continue
      const events = dropSuperseded(readEvents(runFiles(other).events).events)
      if (!events.some((event) => event.type === 'started' && event.version === version())) continue
      if ((await verifyManifest(folder, manifest)).length > 0) continue
      return { run: other, folder, manifest, said: saidOf(events, basename(folder)) }
    }
  }
  return undefined
}

/** Puts the stage in place, whole or not at all; its manifest says where it came from. */
export async function takeOver(made: Made, folder: string, name: string): Promise<Manifest> {
  const filled = join(dirname(folder), `.${basename(folder)}.taken.tmp`) // swept up when a crash leaves it behind
  await removeFolder(filled)
  for (const path of Object.keys(made.manifest.files)) {
    await mkdir(dirname(join(filled, path)), { recursive: true })
    const [from, to] = [join(made.folder, path), join(filled, path)]
    await link(from, to).catch(() => copyFile(from, to))
  }
  await mkdir(filled, { recursive: true })
  const { files: _files, ...known } = made.manifest
  const takenFrom = made.manifest.takenFrom ?? nameOf(made.run)
  const manifest = await writeManifest(filled, { ...known, name, takenFrom })
  await publishFolder(filled, folder)
  return manifest
}

/** A run as one speaks of it: `runs/quickstart`. */
export const nameOf = (run: string): string => `${basename(dirname(run))}/${basename(run)}`

const TOLD = ['progress', 'metric', 'sample', 'warning', 'rollout', 'verdict'] as const

function saidOf(events: readonly RunEvent[], stage: string): EventBody[] {
  return events
    .filter((event) => event.stage === stage && (TOLD as readonly string[]).includes(event.type))
    .map(({ seq: _seq, attempt: _attempt, time: _time, stage: _stage, ...body }) => body as EventBody)
}
