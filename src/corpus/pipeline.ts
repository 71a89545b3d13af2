/**
 * Sources to a corpus. Every file is read and cleaned by itself, on all cores and, if asked, by many processes (`gatherParts`); then all of it
 * becomes `documents.jsonl`, `heldout.jsonl`, `rejected.jsonl` and the funnel (`mergeParts`). The result depends on the sources, the options and
 * the seed, not on who did what. What is half done lies in `.parts` of the folder and is gone on with, until the corpus is there.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { CorpusConfig } from './config.ts'
import type { CorpusReport } from './funnel.ts'
import { gatherParts, strictError } from './gather.ts'
import type { GatherProgress } from './gather.ts'
import { mergeParts } from './merge.ts'
import { makePlan, partsOf } from './plan.ts'
import type { Plan, Rank } from './plan.ts'

export interface BuildOptions {
  seed: number
  /** The first defect of a source is an error. */
  strict?: boolean
  /** Threads that clean: see GatherOptions. */
  workers?: number
  /** Called now and then with where the build is; waited for, and what it throws ends the work. */
  progress?: (progress: CorpusProgress) => void | Promise<void>
}

export interface CorpusProgress extends GatherProgress {
  /** `write`: duplicates have been found, and the files are being written. */
  phase: 'clean' | 'write'
}

export const PARTS = '.parts'

/** Writes the corpus into a folder. Throws a UserError when nothing is left, or, if strict, at the first defect. */
export async function buildCorpus(config: CorpusConfig, folder: string, options: BuildOptions): Promise<CorpusReport> {
  const plan = await makePlan(config)
  await gather(plan, folder, {}, options)
  return mergeCorpus(plan, folder, options)
}

/** Does the part of one rank; returns how many files of all ranks are still missing. */
export async function buildRank(
  config: CorpusConfig,
  folder: string,
  rank: Rank,
  options: BuildOptions,
): Promise<{ files: number; missing: number }> {
  const plan = await makePlan(config)
  await gather(plan, folder, rank, options)
  let missing = 0
  for (const file of plan.files) if ((await partsOf(join(folder, PARTS), file)).at(-1)?.last !== true) missing++
  return { files: plan.files.length, missing }
}

async function gather(plan: Plan, folder: string, rank: Partial<Rank>, options: BuildOptions): Promise<void> {
  const { strict, workers, progress } = options
  const unknown = plan.entries.find((entry) => 'rule' in entry)
  if (strict === true && unknown !== undefined && 'rule' in unknown) throw strictError(unknown)
  await gatherParts(plan, join(folder, PARTS), {
    ...rank,
    ...(workers === undefined ? {} : { workers }),
    ...(strict === undefined ? {} : { strict }),
    progress: (now) => progress?.({ ...now, phase: 'clean' }),
  })
}

async function mergeCorpus(plan: Plan, folder: string, { seed, progress }: BuildOptions): Promise<CorpusReport> {
  const parts = join(folder, PARTS)
  const nothing = { source: '', file: plan.files.length, files: plan.files.length, read: 0, kept: 0 }
  const report = await mergeParts(plan, folder, parts, {
    seed,
    progress: (done, all) =>
      progress?.({ ...nothing, phase: 'write', now: { documents: 0, bytes: 0 }, share: done / all }),
  })
  await rm(parts, { recursive: true, force: true })
  return report
}
