/**
 * An n-gram model: it predicts a token by counting what followed the last n − 1 tokens. It is what a neural model has to beat.
 *
 * Interpolated modified Kneser–Ney smoothing (Chen and Goodman, "An empirical study of smoothing techniques for language modeling",
 * 1998): a discount is taken from every count and handed to the next shorter context, whose counts are of different predecessors
 * instead of occurrences. The discounts come from the counts themselves; nothing is tuned.
 */
import { Numbering } from './numbering.ts'

/** All n-grams of one length. A context is an n-gram without its last token; it has the number it has among the shorter ones. */
interface Order {
  /** (context, token) → number of the n-gram. */
  grams: Numbering
  /** Of each n-gram: occurrences at the longest length, different predecessors at shorter ones. */
  counts: Uint32Array
  /** Of each context: the sum of its counts, and what the discounts take from it. */
  totals: Float64Array
  left: Float64Array
  /** Taken from a count of 1, 2, and 3 or more; [0] is unused. */
  discounts: readonly number[]
}

export interface NgramModel {
  /** −log p of `tokens[at]` after the tokens before it, in nats. */
  nats(tokens: ArrayLike<number>, at: number): number
}

/** Counts n-grams up to `length` of tokens below `vocabSize`. Time and memory are linear in the tokens. */
export function trainNgrams(tokens: ArrayLike<number>, vocabSize: number, length = 5): NgramModel {
  const orders: Order[] = []
  /** The (k−1)-gram that ends at each place. */
  let shorter = new Int32Array(tokens.length)
  let earlier: { grams: Numbering; contexts: number[] } | undefined
  for (let k = 1; k <= length; k++) {
    const grams = new Numbering()
    const ends = new Int32Array(tokens.length)
    const contexts: number[] = []
    const occurrences: number[] = []
    const predecessors = new Uint32Array(earlier?.grams.size ?? 0)
    for (let i = k - 1; i < tokens.length; i++) {
      const context = k === 1 ? 0 : shorter[i - 1]!
      const gram = grams.add(context * vocabSize + tokens[i]!)
      ends[i] = gram
      if (gram < contexts.length) occurrences[gram]!++
      else {
        contexts.push(context)
        occurrences.push(1)
        if (k > 1) predecessors[shorter[i]!]!++ // what it ends with has one more different token before it
      }
    }
    if (earlier) orders.push(orderOf(earlier.grams, earlier.contexts, predecessors))
    if (k === length) orders.push(orderOf(grams, contexts, Uint32Array.from(occurrences)))
    earlier = { grams, contexts }
    shorter = ends
  }
  return {
    nats(tokens, at) {
      let p = 1 / vocabSize
      for (let k = 1; k <= length && k <= at + 1; k++) {
        const context = numberOf(orders, tokens, at - k + 1, at, vocabSize)
        const { grams, counts, totals, left, discounts } = orders[k - 1]!
        if (context < 0 || !totals[context]) break // longer ones were not seen either
        const gram = grams.get(context * vocabSize + tokens[at]!)
        const count = gram < 0 ? 0 : counts[gram]!
        const kept = count === 0 ? 0 : count - discounts[Math.min(count, 3)]!
        p = (kept + left[context]! * p) / totals[context]!
      }
      return -Math.log(p)
    },
  }
}

/** The number of tokens[from … to − 1] among the n-grams of its length; 0 for the empty one, −1 when it was never seen. */
function numberOf(orders: readonly Order[], tokens: ArrayLike<number>, from: number, to: number, vocabSize: number) {
  let number = 0
  for (let i = from; i < to && number >= 0; i++) number = orders[i - from]!.grams.get(number * vocabSize + tokens[i]!)
  return number
}

function orderOf(grams: Numbering, contexts: readonly number[], counts: Uint32Array): Order {
  const discounts = discountsOf(counts)
  const size = contexts.reduce((a, b) => Math.max(a, b), 0) + 1
  const [totals, left] = [new Float64Array(size), new Float64Array(size)]
  counts.forEach((count, gram) => {
    const context = contexts[gram]!
    totals[context]! += count
    left[context]! += count === 0 ? 0 : discounts[Math.min(count, 3)]!
  })
  return { grams, counts, totals, left, discounts }
}

/** From how many n-grams have a count of 1 to 4: equation 26 of Chen and Goodman; half a count less where there are too few. */
function discountsOf(counts: Uint32Array): number[] {
  const n = [0, 0, 0, 0, 0]
  for (const count of counts) if (count < n.length) n[count]!++
  const y = n[1]! / (n[1]! + 2 * n[2]!)
  return [0, 1, 2, 3].map((c) => {
    if (c === 0) return 0
    const discount = c - ((c + 1) * y * n[c + 1]!) / n[c]!
    return discount > 0 && discount < c ? discount : 0.5
  })
}
