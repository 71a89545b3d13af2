/** The statistics behind the numbers of evaluations: intervals, and pass@k. */

export interface Interval {
  low: number
  high: number
}

/** The 97.5 % quantile of the standard normal distribution. */
const Z = 1.959963984540054

/**
 * The 95 % score interval of a share (Wilson, "Probable inference", 1927), `sum` successes of `count`. For a sum of values
 * between 0 and 1 it is conservative: no such value varies more than a yes or no with the same mean.
 */
export function wilson(sum: number, count: number): Interval {
  if (count === 0) return { low: 0, high: 1 }
  const p = sum / count
  const center = p + Z ** 2 / (2 * count)
  const spread = Z * Math.sqrt((p * (1 - p)) / count + Z ** 2 / (4 * count ** 2))
  const scale = 1 + Z ** 2 / count
  // rounding must not push the share out of its own interval
  return {
    low: Math.min(p, Math.max(0, (center - spread) / scale)),
    high: Math.max(p, Math.min(1, (center + spread) / scale)),
  }
}

/**
 * The chance that at least one of k answers is right, when c of n are: 1 − C(n−c, k) / C(n, k), the unbiased estimate of
 * Chen et al. ("Evaluating large language models trained on code", 2021). Throws unless 0 ≤ c ≤ n and 1 ≤ k ≤ n.
 */
export function passAtK(n: number, c: number, k: number): number {
  if (!(k >= 1 && k <= n && c >= 0 && c <= n)) throw new RangeError(`pass@${k} of ${c} right answers among ${n}`)
  let noneRight = 1
  for (let i = 0; i < k; i++) noneRight *= Math.max(0, n - c - i) / (n - i)
  return 1 - noneRight
}

export function mean(values: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]!
  return sum / values.length
}

/** The mean and its 95 % interval, by the normal approximation. */
export function meanInterval(values: readonly number[]): Interval & { value: number } {
  const value = mean(values)
  const variance = values.reduce((sum, x) => sum + (x - value) ** 2, 0) / Math.max(1, values.length - 1)
  const spread = Z * Math.sqrt(variance / values.length)
  return { value, low: value - spread, high: value + spread }
}

/** 97.5 % quantiles of Student's t for 1 … 10 degrees of freedom. */
const T = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228]

/** The mean and its 95 % interval by Student's t: of a few values, such as those of three seeds. Of one value nothing is known. */
export function smallInterval(values: readonly number[]): Interval & { value: number } {
  const value = mean(values)
  const degrees = values.length - 1
  if (degrees < 1) return { value, low: -Infinity, high: Infinity }
  const variance = values.reduce((sum, x) => sum + (x - value) ** 2, 0) / degrees
  // Beyond the table: the first term of the expansion at infinity (Abramowitz and Stegun, 26.7.5).
  const t = T[degrees - 1] ?? Z + (Z ** 3 + Z) / (4 * degrees)
  const spread = t * Math.sqrt(variance / values.length)
  return { value, low: value - spread, high: value + spread }
}

/** Standard deviation of the values themselves (not of a population they are drawn from). */
export function deviation(values: ArrayLike<number>): number {
  const center = mean(values)
  return Math.sqrt(mean(Array.from(values, (x) => (x - center) ** 2)))
}

/**
 * How much larger the share of right answers is in `after` than in `before`, the same questions in the same order, with the
 * 95 % interval of matched pairs (Agresti and Min, "Simple improved confidence intervals for comparing matched
 * proportions", 2005: half a question is added to each cell).
 */
export function pairedGain(before: readonly boolean[], after: readonly boolean[]): Interval & { gain: number } {
  if (before.length !== after.length) throw new RangeError(`pairs of ${before.length} and ${after.length} answers`)
  const count = before.length
  const won = after.filter((right, i) => right && !before[i]).length
  const lost = before.filter((right, i) => right && !after[i]).length
  const n = count + 2
  const center = (won - lost) / n
  const spread = (Z * Math.sqrt(won + lost + 1 - (won - lost) ** 2 / n)) / n
  return { gain: (won - lost) / count, low: Math.max(-1, center - spread), high: Math.min(1, center + spread) }
}

/**
 * a / n − b / m, two independent shares, with its 95 % interval from the score intervals of both (Newcombe, "Interval estimation for the
 * difference between independent proportions", 1998, method 10). Throws when there is nothing to count.
 */
export function differenceOfShares(a: number, n: number, b: number, m: number): Interval & { value: number } {
  if (n <= 0 || m <= 0) throw new RangeError(`shares of ${n} and ${m} answers`)
  const [p, q] = [a / n, b / m]
  const [x, y] = [wilson(a, n), wilson(b, m)]
  const value = p - q
  return {
    value,
    low: value - Math.hypot(p - x.low, y.high - q),
    high: value + Math.hypot(x.high - p, q - y.low),
  }
}
