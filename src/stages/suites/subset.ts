/** Which questions are asked where not all are: the first of a shuffle that only the seed and the task's name decide. */
import { random } from '../../tensor/random.ts'

export function subset<T>(items: readonly T[], limit: number | undefined, seed: number, name: string): readonly T[] {
  if (limit === undefined || items.length <= limit) return items
  return random(seed, `subset ${name}`).shuffle(items).slice(0, limit)
}
