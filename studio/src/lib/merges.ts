/** A word from its bytes to its tokens, one merge at a time, in the order the merges were learnt. For showing; the tokenizer itself is faster. */
import type { Vocabulary } from '../../../src/tokenizer/vocabulary.ts'

export interface Merging {
  /** The bytes of each part. */
  parts: number[][]
  /** Which part was joined last, and by which merge (from 0). */
  joined: number | null
  rank: number | null
}

export function mergesOf({ tokens, merges }: Vocabulary, word: string): Merging[] {
  const ranks = new Map(merges.map(([left, right, merged], rank) => [`${left} ${right}`, { rank, merged }]))
  const single = new Map<number, number>()
  tokens.forEach((token, id) => {
    if (token.length === 1 && !single.has(token[0]!)) single.set(token[0]!, id)
  })
  let ids = Array.from(new TextEncoder().encode(word), (byte) => single.get(byte) ?? -1)
  if (ids.includes(-1)) return []
  const state = (joined: number | null, rank: number | null): Merging => ({
    parts: ids.map((id) => [...tokens[id]!]),
    joined,
    rank,
  })
  const story = [state(null, null)]
  for (;;) {
    let [at, best] = [-1, { rank: Infinity, merged: -1 }]
    for (let i = 0; i + 1 < ids.length; i++) {
      const found = ranks.get(`${ids[i]} ${ids[i + 1]}`)
      if (found && found.rank < best.rank) [at, best] = [i, found]
    }
    if (at < 0) return story
    ids = [...ids.slice(0, at), best.merged, ...ids.slice(at + 2)]
    story.push(state(at, best.rank))
  }
}
