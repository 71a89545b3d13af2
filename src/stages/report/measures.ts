/**
 * Metrics made ready to be shown: of eval stages per model (their metrics are `STAGE.MEASURE`, and `STAGE.MEASUREGain` against the
 * model that the stage went on from), of controls beside what they control, of stages without what is shown elsewhere.
 */
import { BASELINES } from '../baselines.ts'
import type { ControlCard, Exam, ReportCard, StageCard } from './card.ts'

export type Measured = Pick<StageCard, 'metrics' | 'intervals'>

/** One for each eval stage that examined a model of the run. */
export function examsOf(stages: readonly StageCard[]): Exam[] {
  const names = [...stages.map(({ name }) => name), ...BASELINES].sort((a, b) => b.length - a.length)
  return stages.flatMap(({ name, kind, metrics, intervals }): Exam[] => {
    if (kind !== 'eval') return []
    const models = new Map<string, Exam['models'][number]>()
    for (const [key, value] of Object.entries(metrics)) {
      const stage = names.find((one) => key.startsWith(`${one}.`))
      if (stage === undefined) continue
      if (!models.has(stage)) models.set(stage, { stage, metrics: {}, intervals: {} })
      const model = models.get(stage)!
      const measure = key.slice(stage.length + 1)
      model.metrics[measure] = value
      if (intervals[key]) model.intervals[measure] = intervals[key]
    }
    return models.size === 0 ? [] : [{ stage: name, models: [...models.values()] }]
  })
}

/** Whether models that only count are among the examined. */
export const hasCounters = (exams: readonly Exam[]): boolean =>
  exams.some(({ models }) => models.some(({ stage }) => (BASELINES as readonly string[]).includes(stage)))

/** What was measured, in order, without gains and bounds. */
export function measuresOf({ models }: Exam): string[] {
  const all = new Set(models.flatMap(({ metrics }) => Object.keys(metrics)))
  return [...all].filter(
    (name) =>
      !/(Gain|GainLow|GainHigh)$/.test(name) && !(/(Low|High)$/.test(name) && all.has(name.replace(/(Low|High)$/, ''))),
  )
}

/** Metrics for a table: what the funnel shows, and the bounds of intervals, are left out. */
export function tableMetrics({
  metrics,
  intervals,
}: Pick<StageCard, 'metrics' | 'intervals'>): [string, number | null][] {
  const bound = /(Low|High)(Before)?$/
  const isBound = (key: string) => bound.test(key) && key.replace(bound, '$2') in intervals
  const elsewhere = /^(funnel|rejected|language|masked)\.|^problemsBefore$/
  return Object.entries(metrics).filter(([key]) => !elsewhere.test(key) && !isBound(key))
}

/** A stage's metrics and intervals with what its model scored in the last examination, as `exam.MEASURE`. */
export function withExam({ name, metrics, intervals }: StageCard, exams: readonly Exam[]): Measured {
  const scored = exams.at(-1)?.models.find(({ stage }) => stage === name)
  const prefixed = <T>(values: Record<string, T>) =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [`exam.${key}`, value]))
  return {
    metrics: { ...metrics, ...prefixed(scored?.metrics ?? {}) },
    intervals: { ...intervals, ...prefixed(scored?.intervals ?? {}) },
  }
}

/** What a control is compared with, and the metrics in which the two differ, speed aside. */
export function controlRows(
  { stages, exams }: ReportCard,
  control: ControlCard,
): { peer: Measured | undefined; keys: string[] } {
  const found = stages.find((stage) => stage.name === control.of)
  const peer = found && withExam(found, exams)
  const keys = tableMetrics(control).map(([key]) => key)
  return {
    peer,
    keys: keys.filter((key) => !/Gain$|^tokensPerSecond$/.test(key) && peer?.metrics[key] !== control.metrics[key]),
  }
}
