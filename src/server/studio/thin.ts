/**
 * Fewer points that look the same: of each bucket of neighbouring points the lowest and the highest stay, so that no spike is lost, and so do the
 * first and the last of all. What is not a number (null: NaN or infinite) stays, too: it is what somebody looks for.
 */
import type { Fold, Plain, Series } from './fold.ts'

/** Of one series; a chart is a thousand pixels wide. */
export const MOST_POINTS = 1200
/** Of plain events, by type. */
const MOST_PLAIN = 1500

/** A copy with at most about `most` points a series; says by how much it is less. */
export function thinned(state: Fold, most = MOST_POINTS): Fold {
  const series = state.series.map((one) => thinSeries(one, most))
  const plain = thinPlain(state.plain)
  const size = (all: readonly Series[]) => all.reduce((sum, { seqs }) => sum + seqs.length, 0)
  const leftOut = size(state.series) - size(series) + state.plain.length - plain.length
  return { ...state, series, plain, leftOut: state.leftOut + leftOut }
}

export function thinSeries(series: Series, most: number): Series {
  if (series.values.length <= most) return series
  const keep = keptPoints(series.values, most)
  const pick = <T>(column: readonly T[]): T[] => keep.map((i) => column[i]!)
  return {
    ...series,
    seqs: pick(series.seqs),
    steps: pick(series.steps),
    values: pick(series.values),
    ...(series.lows ? { lows: pick(series.lows) } : {}),
    ...(series.highs ? { highs: pick(series.highs) } : {}),
  }
}

/** Indices, rising: at most `most`, and as many more as there are nulls at the edges of runs. */
export function keptPoints(values: readonly (number | null)[], most: number): number[] {
  const n = values.length
  if (n <= most) return [...values.keys()]
  const kept = new Set([0, n - 1])
  const buckets = Math.max(1, (most - 2) >> 1)
  for (let bucket = 0; bucket < buckets; bucket++) {
    const [from, to] = [Math.floor((bucket * n) / buckets), Math.floor(((bucket + 1) * n) / buckets)]
    let [low, high, missing] = [-1, -1, -1]
    for (let i = from; i < to; i++) {
      const value = values[i] ?? null
      if (value === null) missing = i
      else {
        if (low < 0 || value < values[low]!) low = i
        if (high < 0 || value > values[high]!) high = i
      }
    }
    for (const i of [low, high, missing]) if (i >= 0) kept.add(i)
  }
  return [...kept].sort((a, b) => a - b)
}

/** The first and the last always stay; of a type that is there too often, an even choice of the rest. */
function thinPlain(plain: readonly Plain[]): Plain[] {
  const counts = new Map<string, number>()
  for (const { type } of plain) counts.set(type, (counts.get(type) ?? 0) + 1)
  if ([...counts.values()].every((count) => count <= MOST_PLAIN)) return [...plain]
  const seen = new Map<string, number>()
  return plain.filter(({ type }) => {
    const [at, count] = [seen.get(type) ?? 0, counts.get(type)!]
    seen.set(type, at + 1)
    const share = MOST_PLAIN / count
    return share >= 1 || at === count - 1 || Math.floor(at * share) !== Math.floor((at - 1) * share)
  })
}
