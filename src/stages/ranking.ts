/** A person's order of several drafts, and the pairs that follow from it (as in InstructGPT: every two drafts on different ranks). */
import type { Message } from '../tokenizer/index.ts'
import type { Preference } from './preferences.ts'

/** One line of `rankings.jsonl`. */
export interface Ranking {
  prompt: string
  drafts: string[]
  /** Drafts by number, best rank first; drafts on one rank are tied. Empty: all bad. */
  ranks: number[][]
}

/** Letters of drafts: A, B, C … */
export const letterOf = (draft: number): string => String.fromCharCode(65 + draft)

/**
 * Reads an order: `b a=c d` puts B first, then A and C tied, then D; spaces, `>` and commas part ranks, and letters may stand together
 * (`bacd`). Every draft has to be named once; what is wrong otherwise comes as its letters.
 */
export function parseOrder(text: string, count: number): { ranks: number[][] } | { missing: string; extra: string } {
  const letters = [...text.toUpperCase().matchAll(/[^\s>,，＞]/g)].map(([letter]) => letter).join('')
  const ranks = [...letters.matchAll(/[^=＝](?:[=＝][^=＝])*/g)].map(([tied]) =>
    [...tied.replace(/[=＝]/g, '')].map((letter) => letter.charCodeAt(0) - 65),
  )
  const named = ranks.flat()
  const missing = Array.from({ length: count }, (_, i) => i).filter((i) => !named.includes(i))
  const extra = named.filter((draft, i) => !(draft >= 0 && draft < count) || named.indexOf(draft) !== i)
  if (missing.length > 0 || extra.length > 0)
    return { missing: missing.map(letterOf).join(' '), extra: extra.map(letterOf).join(' ') }
  return { ranks }
}

/** A pair for every two drafts on different ranks. */
export function pairsOf({ prompt, drafts, ranks }: Ranking): Preference[] {
  const answered = (draft: number): Message[] => [
    { role: 'user', content: prompt },
    { role: 'assistant', content: drafts[draft]! },
  ]
  return ranks.flatMap((better, i) =>
    ranks
      .slice(i + 1)
      .flat()
      .flatMap((worse) => better.map((one) => ({ chosen: answered(one), rejected: answered(worse) }))),
  )
}
