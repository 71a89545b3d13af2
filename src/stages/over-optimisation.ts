/**
 * Over-optimisation of a reward model: it likes the answers ever better while what they are truly worth falls (Gao et al., "Scaling laws for reward
 * model overoptimization", 2023). Needs the true reward, so it can be seen where that is known.
 */
import { deviation, mean } from './statistics.ts'

/** Steps that are averaged, and how far (in deviations of the true reward from step to step) it has to fall from its best. */
const HACKED = { steps: 10, deviations: 1 }

export interface OverOptimisation {
  /** Index of the last of the steps at which the true reward was best. */
  best: number
  /** Means over some steps, then and now. */
  worthBest: number
  worthNow: number
  likedBest: number
  likedNow: number
}

/** From both rewards of every step; undefined where there is none, or where it is too early to say. */
export function overOptimised(liked: readonly number[], worth: readonly number[]): OverOptimisation | undefined {
  const { steps, deviations } = HACKED
  if (liked.length < 3 * steps || worth.length !== liked.length) return undefined
  const smooth = (series: readonly number[]) => series.slice(steps - 1).map((_, i) => mean(series.slice(i, i + steps)))
  const [likes, worths] = [smooth(liked), smooth(worth)]
  const best = worths.indexOf(Math.max(...worths))
  const [worthBest, worthNow] = [worths[best]!, worths.at(-1)!]
  const [likedBest, likedNow] = [likes[best]!, likes.at(-1)!]
  if (worthBest - worthNow <= deviations * deviation(worth.slice(-steps)) || likedNow <= likedBest) return undefined
  return { best: best + steps - 1, worthBest, worthNow, likedBest, likedNow }
}
