/**
 * Is a judge as often right as it is sure? Of a pair it prefers one answer, with confidence σ(|margin|) between 0.5 and 1; pairs are sorted by it into bins of
 * equal width, and the expected calibration error is the mean distance of confidence and accuracy over the bins, weighted by their pairs (Guo et al.,
 * "On calibration of modern neural networks", 2017; there with 15 bins from 0 to 1, here with 5 from 0.5 to 1).
 */
import { accuracyOf } from './pairs.ts'
import { mean } from './statistics.ts'

export const BINS = 5
/** In a reward model's folder: the table and the histogram of its latest measurement. */
export const CALIBRATION = 'calibration.json'

/** Pairs of which the judge was about as sure. */
export interface ReliabilityBin {
  /** Bounds of the confidence. */
  from: number
  to: number
  pairs: number
  /** Mean of the confidences; null where there is no pair. */
  confidence: number | null
  accuracy: number | null
  accuracyLow: number | null
  accuracyHigh: number | null
}

export const confidenceOf = (margin: number): number => 1 / (1 + Math.exp(-Math.abs(margin)))

/** The reliability table of margins (reward of the chosen minus that of the rejected), and its expected calibration error. */
export function calibration(margins: readonly number[]): { bins: ReliabilityBin[]; error: number } {
  const width = 0.5 / BINS
  const binOf = (margin: number) => Math.min(BINS - 1, Math.floor((confidenceOf(margin) - 0.5) / width))
  const bins = Array.from({ length: BINS }, (_, b): ReliabilityBin => {
    const own = margins.filter((margin) => binOf(margin) === b)
    const bounds = { from: 0.5 + b * width, to: 0.5 + (b + 1) * width, pairs: own.length }
    if (own.length === 0) return { ...bounds, confidence: null, accuracy: null, accuracyLow: null, accuracyHigh: null }
    return { ...bounds, confidence: mean(own.map(confidenceOf)), ...accuracyOf(own) }
  })
  const error = bins.reduce(
    (sum, { pairs, confidence, accuracy }) =>
      pairs === 0 ? sum : sum + (pairs / margins.length) * Math.abs(accuracy! - confidence!),
    0,
  )
  return { bins, error }
}

/** How margins lie around nought: `counts[i]` of them are in [from + i · width, from + (i + 1) · width), the last bin closed. Nought is a border. */
export interface MarginHistogram {
  from: number
  width: number
  counts: number[]
}

/** Bins to either side of nought. */
const SIDE = 12

/** The middle of 99 % of the margins spans the bins; those beyond are counted in the outermost. */
export function marginHistogram(margins: readonly number[]): MarginHistogram {
  const sizes = margins.map(Math.abs).sort((a, b) => a - b)
  const reach = Math.max(1e-6, sizes[Math.ceil(0.99 * sizes.length) - 1] ?? 1)
  const width = reach / SIDE
  const counts = Array<number>(2 * SIDE).fill(0)
  for (const margin of margins) {
    const bin = Math.floor(margin / width) + SIDE
    counts[Math.max(0, Math.min(2 * SIDE - 1, bin))]!++
  }
  return { from: -SIDE * width, width, counts }
}
