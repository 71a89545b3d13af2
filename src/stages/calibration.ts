/**
 * Is a judge as often right as it is sure? Of a pair it prefers one answer, with confidence σ(|margin|) between 0.5 and 1; pairs are sorted by it into bins of
 * equal width, and the expected calibration error is the mean distance of confidence and accuracy over the bins, weighted by their pairs (Guo et al.,
 * "On calibration of modern neural networks", 2017; there with 15 bins from 0 to 1, here with 5 from 0.5 to 1).
 */
import { accuracyOf } from './pairs.ts'
import { mean } from './statistics.ts'

export const BINS = 5

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
