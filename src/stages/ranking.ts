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

/** Better and worse, by number, for every two drafts on different ranks. */
export function pairsOfRanks(ranks: readonly (readonly number[])[]): [better: number, worse: number][] {
  return ranks.flatMap((better, i) =>
    ranks
      .slice(i + 1)
      .flat()
      .flatMap((worse) => better.map((one): [number, number] => [one, worse])),
  )
}

/**
 * The choices that a ranking amounts to in Plackett and Luce's model (Plackett, "The analysis of permutations", 1975; Luce, "Individual choice
 * behavior", 1959): each draft, before all that are worse, is chosen among them and itself. The chosen one comes first. Tied drafts do not
 * compete with each other, as they give no pair either; without ties this is the likelihood of the whole order.
 */
export function choicesOf(ranks: readonly (readonly number[])[]): number[][] {
  return ranks.flatMap((tied, i) => {
    const worse = ranks.slice(i + 1).flat()
    return worse.length === 0 ? [] : tied.map((one) => [one, ...worse])
  })
}

/** A pair for every two drafts on different ranks. */
export function pairsOf({ prompt, drafts, ranks }: Ranking): Preference[] {
  const answered = (draft: number): Message[] => [
    { role: 'user', content: prompt },
    { role: 'assistant', content: drafts[draft]! },
  ]
  return pairsOfRanks(ranks).map(([better, worse]) => ({ chosen: answered(better), rejected: answered(worse) }))
}
