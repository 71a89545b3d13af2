/**
 * A run's events, folded into what screens show: series of numbers, and everything else in order. The server folds a log once and keeps it;
 * a page gets the fold, thinned, and goes on folding the events that come. Pure, no Node: the page imports this very file.
 *
 * A `resumed` event takes back what earlier attempts wrote after its `fromSeq` (as `dropSuperseded` in src/run/events.ts does).
 */
import type { RunEvent } from '../../run/event.ts'

export interface Series {
  stage: string
  /** Of the metric; `progress.loss` and the like for what progress events carry. */
  name: string
  split: string | null
  seqs: number[]
  steps: number[]
  values: (number | null)[]
  /** Bounds of the 95 % interval, where there are some. */
  lows?: (number | null)[]
  highs?: (number | null)[]
}

export type Progress = Extract<RunEvent, { type: 'progress' }>
/** Events that are no numbers of a series. */
export type Plain = Exclude<RunEvent, { type: 'progress' } | { type: 'metric' }>

export interface Fold {
  /** Of the last event; -1 before the first. */
  lastSeq: number
  /** Events that happened. */
  total: number
  series: Series[]
  plain: Plain[]
  /** The latest of each stage, by its folder; none between a resume that took it back and the next. */
  progress: Record<string, Progress>
  /** Points that were left out, over all series, and plain events. 0: this is everything. */
  leftOut: number
}

export const emptyFold = (): Fold => ({ lastSeq: -1, total: 0, series: [], plain: [], progress: {}, leftOut: 0 })

const CARRIED = ['loss', 'tokensPerSecond', 'peakShare'] as const

/** Takes an event in. Events that are not newer than the last are ignored, so that overlap does no harm. */
export function fold(state: Fold, event: RunEvent): void {
  if (event.seq <= state.lastSeq) return
  state.lastSeq = event.seq
  if (event.type === 'resumed') takeBack(state, event.fromSeq)
  state.total++
  const { seq } = event
  const stage = event.stage ?? ''
  if (event.type === 'metric') {
    const series = seriesOf(state, stage, event.name, event.split ?? null)
    push(series, seq, event.step ?? 0, event.value)
    if (event.low !== undefined || event.high !== undefined) {
      const rows = series.values.length
      series.lows ??= Array<null>(rows - 1).fill(null)
      series.highs ??= Array<null>(rows - 1).fill(null)
    }
    series.lows?.push(event.low ?? null)
    series.highs?.push(event.high ?? null)
  } else if (event.type === 'progress') {
    state.progress[stage] = event
    for (const name of CARRIED) {
      const value = event[name]
      if (value !== undefined) push(seriesOf(state, stage, `progress.${name}`, null), seq, event.step, value)
    }
  } else state.plain.push(event)
}

function push(series: Series, seq: number, step: number, value: number | null): void {
  series.seqs.push(seq)
  series.steps.push(step)
  series.values.push(value)
}

function seriesOf(state: Fold, stage: string, name: string, split: string | null): Series {
  // From the end: a stage's series are the latest.
  const known = state.series.findLast((s) => s.name === name && s.stage === stage && s.split === split)
  if (known) return known
  const fresh: Series = { stage, name, split, seqs: [], steps: [], values: [] }
  state.series.push(fresh)
  return fresh
}

function takeBack(state: Fold, fromSeq: number): void {
  for (const series of state.series) {
    let keep = series.seqs.length
    while (keep > 0 && series.seqs[keep - 1]! > fromSeq) keep--
    for (const column of [series.seqs, series.steps, series.values, series.lows, series.highs])
      if (column) column.length = keep
  }
  state.series = state.series.filter(({ seqs }) => seqs.length > 0)
  state.plain = state.plain.filter(({ seq }) => seq <= fromSeq)
  state.progress = Object.fromEntries(Object.entries(state.progress).filter(([, event]) => event.seq <= fromSeq))
}
