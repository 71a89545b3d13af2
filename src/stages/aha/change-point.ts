/**
 * Whether, and where, the mean of a series changes: one change point, by the largest standardised difference of means before and after
 * (the weighted CUSUM; Csörgő and Horváth, "Limit theorems in change-point analysis", 1997), with a p-value by permuting blocks of
 * neighbouring steps (Kirch, "Block permutation principles for the change analysis of dependent data", 2007): steps that follow each
 * other are alike, and permuting them one by one would call that a change. Exact where steps are independent.
 *
 * It tells a change from none. A slow rise is a change, too; several changes show as the largest.
 */
import { random } from '../../tensor/random.ts'
import { mean } from '../statistics.ts'

export interface ChangePoint {
  /** Index of the first value after the change. */
  at: number
  before: number
  after: number
  /** Chance of a difference this large without a change. */
  p: number
}

/** Shorter series are not tested: of twelve blocks, one half before the other, chance makes as much in 2 of 924 orders. */
export const SHORTEST = 50
const PERMUTATIONS = 999
/** So many differences as large as the one found settle that it is nothing: the p-value stays exact (Besag and Clifford, 1991). */
const ENOUGH = 20

/** The likeliest change point; undefined for a series that is too short, or always the same. */
export function changePoint(values: readonly number[], seed: number): ChangePoint | undefined {
  if (values.length < SHORTEST || values.every((value) => value === values[0])) return undefined
  const found = largest(values)
  const size = Math.ceil(Math.cbrt(values.length))
  const blocks = Array.from({ length: Math.ceil(values.length / size) }, (_, i) =>
    values.slice(i * size, (i + 1) * size),
  )
  const r = random(seed, 'change point')
  const { at } = found
  const point = { at, before: mean(values.slice(0, at)), after: mean(values.slice(at)) }
  let asLarge = 0
  for (let i = 1; i <= PERMUTATIONS; i++) {
    if (largest(r.shuffle(blocks).flat()).size >= found.size * (1 - 1e-12)) asLarge++
    if (asLarge === ENOUGH) return { ...point, p: ENOUGH / i }
  }
  return { ...point, p: (1 + asLarge) / (1 + PERMUTATIONS) }
}

/** At least this share of the steps lies on either side: a difference of one or two steps is noise of its own. */
const EDGE = 0.05

/** |mean after − mean before| · √(t (T − t) / T), up to the deviation of the whole, which no permutation changes. */
function largest(values: readonly number[]): { at: number; size: number } {
  const length = values.length
  const edge = Math.max(2, Math.ceil(EDGE * length))
  const total = values.reduce((a, b) => a + b, 0)
  let [sum, at, size] = [0, 0, -1]
  for (let t = 1; t <= length - edge; t++) {
    sum += values[t - 1]!
    if (t < edge) continue
    const difference = Math.abs((total - sum) / (length - t) - sum / t) * Math.sqrt((t * (length - t)) / length)
    if (difference > size) [at, size] = [t, difference]
  }
  return { at, size }
}

/** p-values of several tests so that the chance of any false one is kept (Holm, 1979), in the order given. */
export function holm(ps: readonly number[]): number[] {
  const order = ps.map((_, i) => i).sort((a, b) => ps[a]! - ps[b]!)
  const corrected = Array<number>(ps.length)
  let most = 0
  order.forEach((i, rank) => {
    most = Math.max(most, Math.min(1, ps[i]! * (ps.length - rank)))
    corrected[i] = most
  })
  return corrected
}
