/**
 * Near-duplicates to look at: `near-duplicates.jsonl`, a seeded sample of pairs with both texts, their true Jaccard similarity, and where the
 * shingles lie that they share.
 */
import { z } from 'zod'
import type { Document } from './document.ts'
import { jaccard, rangesOf, shinglesOf } from './minhash.ts'
import type { Shape } from './minhash.ts'

export const PAIRS_FILE = 'near-duplicates.jsonl'

/** The first so many UTF-16 units of each text are shown. */
const SHOWN = 20_000

const side = z.object({
  id: z.string(),
  url: z.string().optional(),
  text: z.string(),
  /** [from, to) in UTF-16 units of the text. */
  shared: z.array(z.tuple([z.number(), z.number()])),
})
export const pairSchema = z.object({
  /** Of the whole texts. */
  jaccard: z.number(),
  /** In how many bands the second met an earlier document. */
  bands: z.number(),
  /** The earliest document that the second met, and the second, which was dropped. */
  earlier: side,
  dropped: side,
})
export type Pair = z.infer<typeof pairSchema>

export function makePair(earlier: Document, dropped: Document, bands: number, shape: Shape): Pair {
  const [a, b] = [shinglesOf(earlier.text, shape), shinglesOf(dropped.text, shape)]
  const shared = new Set([...a].filter((shingle) => b.has(shingle)))
  const show = ({ id, url, text }: Document) => {
    const shown = text.slice(0, SHOWN).toWellFormed()
    return { id, ...(url === undefined ? {} : { url }), text: shown, shared: rangesOf(shown, shared, shape) }
  }
  return { jaccard: jaccard(a, b), bands, earlier: show(earlier), dropped: show(dropped) }
}
