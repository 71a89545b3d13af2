/**
 * Pairs of short essays, put in order by the simulated reader of `essays.ts`: data for a reward model.
 *
 * The reader prefers a over b with probability σ(quality a − quality b) (Bradley and Terry, 1952), so it contradicts itself now and
 * then, as people do. Both drafts are a sloppy teacher's. Style is left out: nobody has shown that templates have one.
 */
import { random } from '../tensor/random.ts'
import type { Verdict } from './essays.ts'
import { essayPrompt, judgeEssay, writable, writeEssay } from './essays.ts'
import type { World } from './world.ts'

export interface Draft extends Verdict {
  text: string
}

export interface RankedPair {
  prompt: string
  chosen: Draft
  rejected: Draft
}

/** `count` pairs; the two drafts of a pair differ. */
export function makeRankedPairs(world: World, options: { seed: number; count: number }): RankedPair[] {
  const r = random(options.seed, `drafts ${world.language}`)
  const people = writable(world, false)
  if (people.length < 2) throw new RangeError('makeRankedPairs: fewer than two people have two taught facts each')
  return Array.from({ length: options.count }, () => {
    const subject = r.pick(people)
    const prompt = essayPrompt(world, subject, r)
    const draft = (): Draft => {
      const text = writeEssay(world, subject, 'sloppy', r)
      return { text, ...judgeEssay(world, subject, text) }
    }
    const a = draft()
    let b = draft()
    while (b.text === a.text) b = draft()
    const prefersA = r.uniform() < 1 / (1 + Math.exp(b.quality - a.quality))
    return prefersA ? { prompt, chosen: a, rejected: b } : { prompt, chosen: b, rejected: a }
  })
}
