/**
 * Several runs side by side, as data: the stages of each, what they cost, what the last model of each scored, before and after of every RL
 * stage, the verdicts on “aha”, and which options differ. Differences between runs are paired where two models sat the same paper, question by
 * question; where they did not, there is no difference to state, whatever the two numbers are.
 */
import { basename, join } from 'node:path'
import { readJson, UserError } from '../../run/index.ts'
import { canonical } from '../../run/files.ts'
import type { ModelScore } from '../eval.ts'
import { MODEL_KINDS } from '../model-folder.ts'
import type { AhaCard, Interval, ReportCard, StageCard } from '../report/card.ts'
import { gather } from '../report/gather.ts'
import { measuresOf } from '../report/measures.ts'
import { pairedGain } from '../statistics.ts'
import { optionsThatDiffer, type OptionRow } from './options.ts'

export interface Measured extends Partial<Interval> {
  value: number | null
}

export interface Difference extends Interval {
  value: number
  /** Questions that both answered. */
  count: number
}

export interface PractisedStage {
  stage: string
  isControl: boolean
  /** Of the held-out exercises of the stage: before the first step, and after the last. By task where there are several. */
  rows: { measure: string; before: Measured; after: Measured }[]
  /** What the examination says the stage added, the same questions before and after. */
  gains: { measure: string; gain: Measured }[]
  aha: AhaCard | null
}

export interface ComparedRun {
  /** As one would say it: the folder's name. */
  name: string
  folder: string
  recipe: string
  language: ReportCard['language']
  seed: number
  /** Stages that are no controls, in order; `takenFrom` another run. */
  stages: Pick<StageCard, 'name' | 'kind' | 'seconds' | 'takenFrom'>[]
  /** Of all stages, controls included; of those that were not taken over. */
  seconds: number
  ownSeconds: number
  /** Trained on, in the stages that count them. */
  tokens: number
  /** The last model that is no control; null without an examination. */
  model: string | null
  scores: Record<string, Measured>
  practice: PractisedStage[]
}

export interface Compared {
  format: 1
  runs: ComparedRun[]
  /** In the order in which they are to be shown. */
  measures: string[]
  /** By measure: of each run but the first, its last model less that of the first run; null where they sat other papers. */
  differences: Record<string, (Difference | null)[]>
  /** What the recipes say otherwise, a value for each run. */
  options: OptionRow[]
}

/** Throws a UserError for a folder that is no run, or is not finished, and for fewer than two. */
export async function compareRuns(folders: readonly string[]): Promise<Compared> {
  if (folders.length < 2) throw new UserError('a comparison takes two runs or more', '比较至少要两个运行')
  if (new Set(folders).size < folders.length) throw new UserError('the same run is named twice', '同一个运行写了两次')
  const cards = []
  for (const folder of folders) cards.push(await finishedCard(folder))
  const runs = cards.map((card, i) => comparedRun(card, folders[i]!))
  const papers: Papers[] = []
  for (const [i, card] of cards.entries()) papers.push(await papersOf(folders[i]!, card, runs[i]!.model))
  const measures = [...new Set(runs.flatMap(({ scores }) => Object.keys(scores)))]
  const differences = Object.fromEntries(
    Object.keys(papers[0]!).map((measure) => [
      measure,
      papers.slice(1).map((other) => difference(papers[0]![measure]!, other[measure])),
    ]),
  )
  return { format: 1, runs, measures, differences, options: optionsThatDiffer(cards.map(({ recipe }) => recipe)) }
}

async function finishedCard(folder: string): Promise<ReportCard> {
  const card = await gather(folder)
  const open = card.stages.filter(({ state, kind }) => state !== 'done' && kind !== 'report').map(({ name }) => name)
  if (open.length === 0) return card
  const command = `xueba run --resume --out ${folder}`
  throw new UserError(
    `${folder} is not finished: ${open.join(', ')} still to be done (${command})`,
    `${folder} 还没跑完：还差 ${open.join('、')}（${command}）`,
  )
}

function comparedRun(card: ReportCard, folder: string): ComparedRun {
  const { stages, controls, exams, language, seconds, recipe } = card
  const isControl = (name: string) => controls.some((control) => control.name === name)
  const real = stages.filter(({ name }) => !isControl(name))
  const exam = exams.at(-1)
  const examined = exam?.models.filter(({ stage }) =>
    real.some(({ name, kind }) => name === stage && MODEL_KINDS.includes(kind)),
  )
  const last = examined?.at(-1)
  const scores: Record<string, Measured> = {}
  for (const measure of last && exam ? measuresOf({ ...exam, models: [last] }) : [])
    scores[measure] = { value: last!.metrics[measure] ?? null, ...last!.intervals[measure] }
  return {
    name: basename(folder),
    folder,
    recipe: card.name,
    language,
    seed: Number(recipe.seed ?? 1),
    stages: real
      .filter(({ kind }) => !['eval', 'report'].includes(kind))
      .map(({ name, kind, seconds, takenFrom }) => ({ name, kind, seconds, takenFrom })),
    seconds,
    ownSeconds: stages.reduce((sum, one) => sum + (one.takenFrom === null ? (one.seconds ?? 0) : 0), 0),
    tokens: real.reduce((sum, { metrics, kind }) => sum + (MODEL_KINDS.includes(kind) ? (metrics.tokens ?? 0) : 0), 0),
    model: last?.stage ?? null,
    scores,
    practice: stages.filter(({ kind }) => kind === 'rl').map((stage) => practised(stage, card, isControl(stage.name))),
  }
}

function practised(stage: StageCard, { exams, aha }: ReportCard, isControl: boolean): PractisedStage {
  const { metrics, intervals, name } = stage
  const rows = Object.keys(metrics)
    .filter((key) => /(^|\.)(accuracy|reward|pass@\d+)$/.test(key) && metrics[`${key}Before`] !== undefined)
    .map((measure) => ({
      measure,
      before: { value: metrics[`${measure}Before`] ?? null, ...intervals[`${measure}Before`] },
      after: { value: metrics[measure] ?? null, ...intervals[measure] },
    }))
  const model = exams.at(-1)?.models.find((one) => one.stage === name)
  const gains = Object.keys(model?.metrics ?? {})
    .filter((key) => key.endsWith('Gain'))
    .map((key) => ({
      measure: key.slice(0, -4),
      gain: { value: model!.metrics[key] ?? null, ...model!.intervals[key] },
    }))
  return { stage: name, isControl, rows, gains, aha: aha.find((one) => one.stage === name) ?? null }
}

/** What a model answered, by the name of the measure: each question, and whether it was right. */
type Papers = Record<string, { question: string; correct: boolean }[]>

async function papersOf(run: string, { stages }: ReportCard, model: string | null): Promise<Papers> {
  const exam = stages.findLast(({ kind }) => kind === 'eval')
  const file = exam && ((await readJson(join(run, exam.folder, 'eval.json'))) as { stages?: ModelScore[] } | undefined)
  const score = file?.stages?.find(({ name }) => name === model)
  if (!score) return {}
  const tasks = Object.entries(score.exercises)
  const papers: Papers = {}
  for (const [task, { answers }] of tasks) {
    const measure = tasks.length > 1 ? `${task}.accuracy` : 'accuracy'
    papers[measure] = answers.map(({ prompt, correct }) => ({ question: `${task}: ${prompt}`, correct }))
  }
  for (const half of ['taught', 'untaught'] as const) {
    const answers = score.world?.[half].answers
    if (answers) papers[`world.${half}`] = answers.map(({ question, correct }) => ({ question, correct }))
  }
  return papers
}

/** Null unless both answered the same questions. */
function difference(first: Papers[string], other: Papers[string] | undefined): Difference | null {
  if (!other || first.length === 0 || first.length !== other.length) return null
  if (canonical(first.map(({ question }) => question)) !== canonical(other.map(({ question }) => question))) return null
  const rights = (paper: Papers[string]) => paper.map(({ correct }) => correct)
  const { gain, low, high } = pairedGain(rights(first), rights(other))
  return { value: gain, low, high, count: first.length }
}
