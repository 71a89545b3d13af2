/**
 * `aha.json` of an RL stage: its analysis, made from `rollouts.jsonl` when the stage ends. The verdict is not kept but judged when it is
 * asked for, beside whatever control the run has by then: the same practice with `rewardFrom: shuffled`.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readJsonl } from '../../formats/index.ts'
import { readJson, type RunStage, writeJson } from '../../run/index.ts'
import { canonical } from '../../run/files.ts'
import { type RolloutLine, ROLLOUTS } from '../rl/rollout-log.ts'
import type { Language } from '../stage.ts'
import { type Analysis, createAnalysis } from './analysis.ts'
import { type Mark, type Phrases, PHRASES } from './marks.ts'
import { judgeAha, type Verdict } from './verdict.ts'

export const AHA = 'aha.json'

/** The recipe's lists, and the language's own where it has none. */
export const phrasesOf = (language: Language, given: Partial<Record<Mark, string[]>> = {}): Phrases => ({
  ...PHRASES[language],
  ...given,
})

/** Analyses the rollouts of a stage's folder; damaged lines are passed over. Undefined where there are none. */
export async function analyse(folder: string, phrases: Phrases, seed: number): Promise<Analysis | undefined> {
  const path = join(folder, ROLLOUTS)
  if (!existsSync(path)) return undefined
  const analysis = createAnalysis(phrases, seed)
  for await (const row of readJsonl(path)) if (!('defect' in row)) analysis.add(row.value as RolloutLine)
  const found = analysis.finish()
  return found.steps.length > 0 ? found : undefined
}

/** Writes a stage's analysis, where it kept answers. */
export async function writeAha(folder: string, phrases: Phrases, seed: number): Promise<Analysis | undefined> {
  const analysis = await analyse(folder, phrases, seed)
  if (analysis) await writeJson(join(folder, AHA), analysis)
  return analysis
}

/** The analysis of a finished stage; of one that an older xueba ran, made anew. */
export async function readAha(folder: string, language: Language): Promise<Analysis | undefined> {
  const kept = (await readJson(join(folder, AHA)).catch(() => undefined)) as Analysis | undefined
  return kept?.format === 1 ? kept : analyse(folder, PHRASES[language], 1)
}

type Practised = Pick<RunStage, 'kind' | 'name' | 'folder'> & { config: Record<string, unknown> }

/** The stage that practised the same from the same model with shuffled rewards. */
export function controlFor<T extends Practised>(stage: T, others: readonly T[]): T | undefined {
  const { tasks, from } = stage.config
  return others.find(
    ({ kind, name, config }) =>
      kind === 'rl' &&
      name !== stage.name &&
      config.rewardFrom === 'shuffled' &&
      config.from === from &&
      canonical(config.tasks) === canonical(tasks),
  )
}

export interface Judged {
  stage: string
  /** Its rewards were shuffled: it is a control itself, and is judged without one. */
  isControl: boolean
  /** The name of the control that it was judged beside. */
  control: string | null
  verdict: Verdict
  analysis: Analysis
}

/** Every RL stage of a run that is done and kept answers. */
export async function judgeRun(language: Language, stages: readonly RunStage[]): Promise<Judged[]> {
  const done = stages
    .filter(({ kind, manifest }) => kind === 'rl' && manifest !== undefined)
    .map((stage) => ({ ...stage, config: stage.manifest!.config }))
  const judged: Judged[] = []
  for (const stage of done) {
    const found = await judgeStage(stage, done, language)
    if (found) judged.push(found)
  }
  return judged
}

/** One stage, beside its control where that is among the others. */
export async function judgeStage<T extends Practised>(
  stage: T,
  others: readonly T[],
  language: Language,
): Promise<Judged | undefined> {
  const analysis = await readAha(stage.folder, language)
  if (!analysis) return undefined
  const isControl = stage.config.rewardFrom === 'shuffled'
  const control = isControl ? undefined : controlFor(stage, others)
  const theirs = control && (await readAha(control.folder, language))
  const verdict = judgeAha(analysis, theirs)
  return { stage: stage.name, isControl, control: theirs ? control!.name : null, verdict, analysis }
}
