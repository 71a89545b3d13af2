/**
 * The report card of a run: the same questions to the model of every stage, and all that the run measured, as `report.md`,
 * `report.html` and `report.json` at the top of the run (its keys: report/card.ts), with copies in the stage's folder. It can
 * be made again at any time, also of an unfinished run (`xueba report`).
 */
import { basename, join } from 'node:path'
import { readJson } from '../run/index.ts'
import type { Engine } from '../tensor/index.ts'
import type { Comparison, ReportCard } from './report/card.ts'
import { MODEL_KINDS } from './model-folder.ts'
import { writeReport } from './report/files.ts'
import { gather, REPORT, stageOptions } from './report/gather.ts'
import { interview, interviewOptions, type InterviewOptions } from './report/interview.ts'
import { questionsOf } from './report/questions.ts'
import type { Stage } from './stage.ts'

export const report: Stage<InterviewOptions> = {
  kind: REPORT,
  config: interviewOptions,
  async run({ run, folder, engine }, options) {
    const begin = performance.now()
    const comparisons = await askModels(run, await gather(run), engine, options)
    const metrics = { questions: comparisons.length, models: modelsIn(comparisons) }
    const seconds = (performance.now() - begin) / 1000
    const card = await gather(run, { comparisons, self: { folder: basename(folder), seconds, metrics } })
    await writeReport(run, card, [folder])
    return metrics
  },
}

export interface RenewOptions {
  /** Opened only if there is a model to ask. */
  engine: () => Promise<Engine>
  /** Do not ask the models again: keep the answers of the last report. */
  keepAnswers?: boolean
}

/** Makes the report of a run anew from what is there now; returns the path of the page. */
export async function renewReport(run: string, { engine, keepAnswers = false }: RenewOptions): Promise<string> {
  const card = await gather(run)
  const options = card.stages.find(({ kind }) => kind === REPORT)
  const own = interviewOptions.safeParse(stageOptions(card.recipe).get(options?.name ?? '') ?? {}).data
  const comparisons = keepAnswers
    ? await lastAnswers(run)
    : await askModels(run, card, engine, own ?? interviewOptions.parse({}))
  return writeReport(run, { ...card, comparisons })
}

async function askModels(
  run: string,
  { stages, recipe, language }: ReportCard,
  engine: () => Promise<Engine>,
  options: InterviewOptions,
): Promise<Comparison[]> {
  const models = stages.filter(({ kind, model }) => model && MODEL_KINDS.includes(kind)) // a reward model judges, it does not answer
  if (models.length === 0) return []
  const seed = typeof recipe.seed === 'number' ? recipe.seed : 1
  const questions = await questionsOf(recipe, { language, seed }, options.questions)
  const candidates = models.map(({ name, kind, folder }) => ({ name, kind, folder: join(run, folder) }))
  return interview(await engine(), candidates, questions, { ...options, seed })
}

/** The answers in a run's report.json, if it has these keys' version. */
export async function lastAnswers(run: string): Promise<Comparison[]> {
  const last = (await readJson(join(run, 'report.json'))) as Partial<ReportCard> | undefined
  return last?.format === 1 && Array.isArray(last.comparisons) ? last.comparisons : []
}

const modelsIn = (comparisons: readonly Comparison[]) =>
  new Set(comparisons.flatMap(({ answers }) => answers.map(({ stage }) => stage))).size
