/**
 * A text from its bytes to its tokens, one merge at a time, in the order the merges were learnt: what a tokenizer with only the first merges would
 * make of it. For showing; the tokenizer itself is faster.
 */
import { splitWords } from '../../../src/tokenizer/pretokenize.ts'
import type { Vocabulary } from '../../../src/tokenizer/vocabulary.ts'

export interface Merging {
  /** The bytes of each part. */
  parts: number[][]
  /** Whether the latest merge made it. */
  fresh: boolean[]
  /** Of the latest merge, from 0; null before the first. */
  rank: number | null
}

/** The states of a text: all bytes, then after each merge that joins something in it. Empty where a byte has no token. */
export function mergesOf({ tokens, merges, split }: Vocabulary, text: string): Merging[] {
  const ranks = new Map(merges.map(([left, right, merged], rank) => [`${left} ${right}`, { rank, merged }]))
  const single = new Map<number, number>()
  tokens.forEach((token, id) => {
    if (token.length === 1 && !single.has(token[0]!)) single.set(token[0]!, id)
  })
  const encoder = new TextEncoder()
  const words = splitWords(text, split).map((word) =>
    Array.from(encoder.encode(word), (byte) => single.get(byte) ?? -1),
  )
  if (words.flat().includes(-1)) return []
  const state = (rank: number | null, fresh: boolean[]): Merging => ({
    parts: words.flat().map((id) => [...tokens[id]!]),
    fresh,
    rank,
  })
  const states = [
    state(
      null,
      words.flat().map(() => false),
    ),
  ]
  for (;;) {
    let best = { rank: Infinity, merged: -1 }
    for (const ids of words)
      for (let i = 0; i + 1 < ids.length; i++) {
        const found = ranks.get(`${ids[i]} ${ids[i + 1]}`)
        if (found && found.rank < best.rank) best = found
      }
    if (best.merged < 0) return states
    const fresh: boolean[] = []
    for (const [w, ids] of words.entries())
      words[w] = joined(ids, (left, right) => ranks.get(`${left} ${right}`)?.rank === best.rank, best.merged, fresh)
    states.push(state(best.rank, fresh))
  }
}

/** A word with the pair joined wherever it stands, from the left; `fresh` is told of each part. */
function joined(
  ids: readonly number[],
  isPair: (left: number, right: number) => boolean,
  merged: number,
  fresh: boolean[],
): number[] {
  const out: number[] = []
  for (let i = 0; i < ids.length; i++) {
    const isJoined = i + 1 < ids.length && isPair(ids[i]!, ids[i + 1]!)
    out.push(isJoined ? merged : ids[i]!)
    fresh.push(isJoined)
    if (isJoined) i++
  }
  return out
}
