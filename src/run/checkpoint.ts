/**
 * Checkpoints of a stage: `checkpoints/step-00000100/`, each whole or absent.
 *
 * A checkpoint is filled under a hidden name, hashed, flushed and renamed; only then are older ones removed, so that a full disk or a
 * `kill -9` costs at most the newest. `state.json` holds the caller's state (step counters, positions in the data) and the hash of every other file;
 * one that does not verify is passed over when resuming. What the files are (weights, optimizer) is the caller's business.
 */
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { writeFileAtomic } from '../formats/atomic.ts'
import { explainFull } from './errors.ts'
import { filesBelow, publishFolder, readJson, removeFolder, sha256OfFile, sweep, writeJson } from './files.ts'

const stateSchema = z.object({
  step: z.number().int().nonnegative(),
  /** `seq` of the event log at this moment: what `resumed {fromSeq}` goes back to. */
  seq: z.number().int().min(-1),
  /** Never removed to make room. */
  pinned: z.boolean(),
  files: z.record(z.string(), z.string()),
  state: z.unknown(),
})

export interface Checkpoint {
  folder: string
  step: number
  seq: number
  /** What the caller saved. */
  state: unknown
}

/** A file's bytes, or a function that writes the file at the path it is given. */
export type Content = Uint8Array | ((path: string) => Promise<void>)

export interface Save {
  step: number
  seq: number
  /** JSON. */
  state: unknown
  /** Name → content. */
  files: Record<string, Content>
  pinned?: boolean
}

const STATE = 'state.json'
const STEP = /^step-(\d{8,})$/

/** Writes a checkpoint below `folder` (a stage's `checkpoints/`) and keeps the newest `keep` of those that are not pinned. */
export async function saveCheckpoint(folder: string, save: Save, keep = 2): Promise<Checkpoint> {
  const name = `step-${String(save.step).padStart(8, '0')}`
  const target = join(folder, name)
  const filling = join(folder, `.${name}.tmp`)
  try {
    await mkdir(folder, { recursive: true })
    await sweep(folder)
    await mkdir(filling)
    for (const [file, content] of Object.entries(save.files)) {
      const path = join(filling, file)
      if (typeof content === 'function') await content(path)
      else await writeFileAtomic(path, content)
    }
    const files: Record<string, string> = {}
    for (const file of await filesBelow(filling)) files[file] = await sha256OfFile(join(filling, file))
    const { step, seq, state, pinned = false } = save
    await writeJson(join(filling, STATE), { step, seq, pinned, files, state })
    await publishFolder(filling, target)
  } catch (error) {
    await sweep(folder).catch(() => {})
    throw explainFull(error, `the checkpoint of step ${save.step}`, `第 ${save.step} 步的检查点`)
  }
  await prune(folder, save.step, keep)
  return { folder: target, step: save.step, seq: save.seq, state: save.state }
}

export interface Latest {
  checkpoint: Checkpoint | undefined
  /** Newer ones that were passed over, each with its reason. */
  damaged: string[]
}

/** The newest checkpoint that verifies. */
export async function latestCheckpoint(folder: string): Promise<Latest> {
  const damaged: string[] = []
  for (const step of (await steps(folder)).toReversed()) {
    const at = join(folder, step)
    const problem = await damageOf(at)
    if (problem) damaged.push(`${at}: ${problem}`)
    else return { checkpoint: await open(at), damaged }
  }
  return { checkpoint: undefined, damaged }
}

async function open(folder: string): Promise<Checkpoint> {
  const { step, seq, state } = stateSchema.parse(await readJson(join(folder, STATE)))
  return { folder, step, seq, state }
}

async function damageOf(folder: string): Promise<string | undefined> {
  const found = await readState(folder)
  if (!found) return `${STATE} is missing or damaged`
  for (const [file, hash] of Object.entries(found.files)) {
    const now = await sha256OfFile(join(folder, file)).catch(() => undefined)
    if (now !== hash) return `${file} is ${now === undefined ? 'missing' : 'not what was saved'}`
  }
  return undefined
}

async function readState(folder: string) {
  return stateSchema.safeParse(await readJson(join(folder, STATE)).catch(() => undefined)).data
}

/** Folder names, oldest first. */
async function steps(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  return names.filter((name) => STEP.test(name)).sort((a, b) => Number(STEP.exec(a)![1]) - Number(STEP.exec(b)![1]))
}

/** Later ones than the one just saved belong to a future that was given up (they were damaged). Unreadable ones do not count as kept. */
async function prune(folder: string, newest: number, keep: number): Promise<void> {
  let kept = 0
  for (const step of (await steps(folder)).toReversed()) {
    const at = join(folder, step)
    const state = await readState(at)
    if (state && (state.pinned || (state.step <= newest && kept++ < keep))) continue
    await removeFolder(at)
  }
}
