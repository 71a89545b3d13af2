/**
 * Shares of a text's characters in repeated n-grams of its tokens, by 32-bit hashes that grow with n.
 *
 * Two different n-grams of a text of 10,000 tokens share a hash once in a hundred texts; a share of the characters does not notice. The
 * n-gram that a verdict quotes is the text itself, not a hash. What comes once is no repetition (in datatrove it is, which drops texts of a few
 * words).
 */
import type { TextView } from './view.ts'

export interface GramShare {
  share: number
  /** The commonest n-gram, or the first that came again. */
  gram?: string
}

/** Hash tables that all calls share; they grow to the longest text seen. */
let keys = new Int32Array(1 << 12)
let counts = new Int32Array(1 << 12)

/**
 * Ask for n in rising order. Lengths are datatrove's where units are its: the commonest n-gram is joined with spaces, repeated ones
 * without, and both are divided by the whole text. Elsewhere only the characters of tokens are counted.
 */
export function ngrams({ text, unit, starts, ends, hashes: words }: TextView) {
  const total = words.length
  const before = new Int32Array(total + 1) // characters of tokens before each
  for (let i = 0; i < total; i++) before[i + 1] = before[i]! + ends[i]! - starts[i]!
  const isWhole = unit === 'tokens' || unit === 'segments'
  const all = Math.max(1, isWhole ? text.length : before[total]!)
  const hashes = words.slice()
  let size = 1
  let mask = 0
  /** No n-gram of this length came twice, hence no longer one. */
  let unrepeated = Infinity

  function grow(n: number) {
    for (; size < n; size++) {
      for (let i = 0; i + size < total; i++) {
        const hash = Math.imul(hashes[i]! ^ words[i + size]!, 0x85ebca6b)
        hashes[i] = hash ^ (hash >>> 13)
      }
    }
  }
  function clear() {
    const room = 2 ** Math.ceil(Math.log2(2 * total + 2))
    if (room > keys.length) [keys, counts] = [new Int32Array(room), new Int32Array(room)]
    mask = room - 1
    counts.fill(0, 0, room)
  }
  function place(hash: number): number {
    let at = (hash ^ (hash >>> 15)) & mask
    while (counts[at] !== 0 && keys[at] !== hash) at = (at + 1) & mask
    return at
  }
  /** Adds one to the count of a hash and returns it. */
  function count(hash: number): number {
    const at = place(hash)
    keys[at] = hash
    return ++counts[at]!
  }
  const quote = (i: number) => text.slice(starts[i], ends[i + size - 1])

  return {
    top(n: number): GramShare {
      if (n >= unrepeated) return { share: 0 }
      grow(n)
      clear()
      let best = 1
      for (let i = 0; i + size <= total; i++) best = Math.max(best, count(hashes[i]!))
      if (best === 1) {
        unrepeated = n
        return { share: 0 }
      }
      // Of several that come as often, the one that came first.
      let where = 0
      while (counts[place(hashes[where]!)] !== best) where++
      const length = before[where + size]! - before[where]! + (isWhole ? size - 1 : 0)
      return { share: Math.min(1, (best * length) / all), gram: quote(where) }
    },
    /** None of the characters is counted twice: after a repeated n-gram the next begins behind it. */
    duplicate(n: number): GramShare {
      if (n >= unrepeated) return { share: 0 }
      grow(n)
      clear()
      let repeated = 0
      let first = -1
      for (let i = 0; i + size <= total;) {
        if (count(hashes[i]!) === 1) i++
        else {
          if (first < 0) first = i
          repeated += before[i + size]! - before[i]!
          i += size
        }
      }
      if (first < 0) {
        unrepeated = n
        return { share: 0 }
      }
      return { share: repeated / all, gram: quote(first) }
    },
  }
}
