/**
 * Search traces with mistakes and recovery: a teacher who tries something, sees that it misses the target, says so, goes back, and gets
 * it right in the end (“Stream of search”, Gandhi et al., 2024). What a model learns from them is seeded, not invented: a report
 * has to say so.
 *
 *   7+5=12, 12-2=10: not 24. Wait, go back. ⏎ 7+5=12, 12*2=24: check, that is 24. ⏎ Answer: (7+5)*2
 *
 * The wrong tries are right sums that lead elsewhere: what is seen over and over must be true. At most three, so that the trace fits.
 */
import type { Random } from '../tensor/random.ts'
import type { Language } from './task.ts'

/** Joins all numbers in some way: what it comes to, and the steps of it (`7+5=12`). */
export interface Try {
  value: number
  steps: readonly string[]
}

const MOST_WRONG = 3

const WORDS = {
  en: {
    comma: ', ',
    wrong: (target: number) => `: not ${target}. Wait, go back.`,
    right: (target: number) => `: check, that is ${target}.`,
  },
  zh: {
    comma: '，',
    wrong: (target: number) => `：不是${target}。不对，重来。`,
    right: (target: number) => `：检查，正好是${target}。`,
  },
} as const

/** The lines of a trace: up to three wrong tries, each different, then the right one. `draw` makes a try. */
export function searchTrace(right: Try, draw: () => Try, language: Language, r: Random): string[] {
  const { comma, wrong, right: found } = WORDS[language]
  const target = right.value
  const wanted = 1 + r.below(MOST_WRONG)
  const tries = new Map<string, Try>()
  for (let drawn = 0; drawn < 20 * wanted && tries.size < wanted; drawn++) {
    const one = draw()
    if (one.value !== target) tries.set(one.steps.join(comma), one)
  }
  return [...Array.from(tries.keys(), (steps) => steps + wrong(target)), right.steps.join(comma) + found(target)]
}
