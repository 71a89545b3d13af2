/**
 * Pairs of short essays, put in order by the simulated reader of `essays.ts`: data for a reward model.
 *
 * The reader prefers a over b with probability σ((quality a − quality b) / noise) (Bradley and Terry, 1952), so it contradicts itself now and
 * then, as people do; of several drafts it picks the best, then the best of the rest (Plackett, 1975; Luce, 1959). Drafts are a sloppy teacher's.
 * Style is left out: nobody has shown that templates have one.
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

export interface Reader {
  seed: number
  count: number
  /** What a logit of taste is divided by: 1 as stated in `TASTE`, 0 for a reader who never errs. */
  noise?: number
}

/** `count` pairs; the two drafts of a pair differ. */
export function makeRankedPairs(world: World, options: Reader): RankedPair[] {
  const { noise = 1 } = options
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
    const gap = b.quality - a.quality
    // A reader who never errs takes the first of two that are worth the same.
    const prefersA = r.uniform() < 1 / (1 + Math.exp(noise === 0 ? (gap > 0 ? Infinity : -Infinity) : gap / noise))
    return prefersA ? { prompt, chosen: a, rejected: b } : { prompt, chosen: b, rejected: a }
  })
}

export interface RankedDrafts {
  prompt: string
  /** Best first. */
  drafts: Draft[]
}

/** `count` rankings of `drafts` different drafts each. */
export function makeRankedDrafts(world: World, options: Reader & { drafts: number }): RankedDrafts[] {
  const { seed, count, noise = 1, drafts: wanted } = options
  const r = random(seed, `rankings ${world.language}`)
  const people = writable(world, false)
  return Array.from({ length: count }, () => {
    const subject = r.pick(people)
    const prompt = essayPrompt(world, subject, r)
    const found = new Map<string, { draft: Draft; liked: number }>()
    for (let tries = 0; found.size < wanted && tries < 50 * wanted; tries++) {
      const text = writeEssay(world, subject, 'sloppy', r)
      const verdict = judgeEssay(world, subject, text)
      // Quality plus Gumbel noise, sorted, is a draw from Plackett and Luce's model (Yellott, 1977).
      const gumbel = -Math.log(-Math.log((r.uniform() + 2 ** -25) / (1 + 2 ** -24)))
      if (!found.has(text)) found.set(text, { draft: { text, ...verdict }, liked: verdict.quality + noise * gumbel })
    }
    const ranked = [...found.values()].sort((a, b) => b.liked - a.liked)
    return { prompt, drafts: ranked.map(({ draft }) => draft) }
  })
}
