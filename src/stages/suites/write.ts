/**
 * Answers that a model writes, greedily or sampled, as many at a time as the cache has room for. An answer ends at a stop id, before a stop
 * string, at its limit, or as soon as `over` says that nothing more is of use.
 */
import { breathe } from '../../generate/breathe.ts'
import { createSession, type Sequence } from '../../generate/index.ts'
import type { Model } from '../../nn/index.ts'
import { slotsFor } from './scorer.ts'

export interface Wanted {
  prompt: readonly number[]
  maxTokens: number
  stopIds: readonly number[]
  /** May the answer end here? Asked every few tokens. */
  over(ids: Int32Array): boolean
}

/** Steps between two looks. */
const STEPS = 8

/** The ids of each answer, in order; what was drawn after `over` may be among them. `seed` and the place in the list decide the draws. */
export async function writeAnswers(
  model: Model,
  wanted: readonly Wanted[],
  { temperature = 0, seed = 0 }: { temperature?: number; seed?: number } = {},
): Promise<Int32Array[]> {
  if (wanted.length === 0) return []
  const { maxPositions } = model.config
  const capacity = Math.min(maxPositions, Math.max(...wanted.map((w) => w.prompt.length + w.maxTokens)))
  const session = createSession(model, Math.min(wanted.length, slotsFor(model.config, capacity, 1)), capacity)
  const answers: Int32Array[] = []
  const running = new Map<Sequence, number>()
  const drawn = new Map<Sequence, number>()
  try {
    for (let next = 0; next < wanted.length || running.size > 0;) {
      const batch = wanted.slice(next, next + session.room)
      const requests = batch.map(({ prompt, maxTokens, stopIds }, i) => ({
        prompt,
        stream: next + i,
        options: { maxTokens, stopIds: stopIds.slice(0, 5), temperature, seed },
      }))
      session.add(requests).forEach((sequence, i) => {
        running.set(sequence, next + i)
        drawn.set(sequence, 0)
      })
      next += batch.length
      for (const sequence of await session.advance(STEPS)) {
        answers[running.get(sequence)!] = sequence.ids
        running.delete(sequence)
      }
      for (const [sequence, place] of running) {
        const count = drawn.get(sequence)! + STEPS
        drawn.set(sequence, count)
        const { ids } = await session.read(sequence, 0, count)
        if (!wanted[place]!.over(ids)) continue
        answers[place] = ids
        session.drop(sequence)
        running.delete(sequence)
      }
      await breathe()
    }
    return answers
  } finally {
    session.free()
  }
}
