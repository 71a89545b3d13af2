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

/** 0, 1, 2, …, to the longest text seen. */
let rising = new Int32Array(0)

function everywhere(length: number): Int32Array {
  if (length > rising.length) {
    rising = new Int32Array(2 ** Math.ceil(Math.log2(length)))
    for (let i = 0; i < rising.length; i++) rising[i] = i
  }
  return rising.subarray(0, length)
}

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
  /**
   * Where an n-gram may begin that comes twice: where every shorter one looked at did. Others change no count that matters, since an n-gram that
   * comes twice begins with a shorter one that does. Null before the first look: anywhere.
   */
  let begins: Int32Array | null = null

  function grow(n: number) {
    const places = begins ?? hashes
    for (; size < n; size++) {
      for (let k = 0; k < places.length; k++) {
        const i = begins === null ? k : begins[k]!
        if (i + size >= total) break
        const hash = Math.imul(Math.imul(hashes[i]!, 0x9e3779b1) ^ words[i + size]!, 0x85ebca6b) // a word twice is not nothing
        hashes[i] = hash ^ (hash >>> 13)
      }
    }
  }
  function clear() {
    const room = 2 ** Math.ceil(Math.log2(2 * (begins?.length ?? total) + 2))
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
  /** Counts the n-grams of all places, keeps those that came twice, and returns how often the commonest came. */
  function sieve(): number {
    clear()
    const places = begins ?? everywhere(total)
    // They rise: those too near the end are last.
    let some = places.length
    while (some > 0 && places[some - 1]! + size > total) some--
    let best = 1
    for (let k = 0; k < some; k++) best = Math.max(best, count(hashes[places[k]!]!))
    let kept = 0
    begins = new Int32Array(best === 1 ? 0 : some)
    if (best > 1)
      for (let k = 0; k < some; k++) if (counts[place(hashes[places[k]!]!)]! > 1) begins[kept++] = places[k]!
    begins = begins.subarray(0, kept)
    return best
  }
  const quote = (i: number) => text.slice(starts[i], ends[i + size - 1])

  return {
    top(n: number): GramShare {
      grow(n)
      const best = sieve()
      if (best === 1) return { share: 0 }
      // Of several that come as often, the one that came first.
      const where = begins!.find((i) => counts[place(hashes[i]!)] === best)!
      const length = before[where + size]! - before[where]! + (isWhole ? size - 1 : 0)
      return { share: Math.min(1, (best * length) / all), gram: quote(where) }
    },
    /** None of the characters is counted twice: after a repeated n-gram the next begins behind it. */
    duplicate(n: number): GramShare {
      grow(n)
      if (begins === null) sieve()
      clear()
      let repeated = 0
      let first = -1
      let behind = 0
      for (const i of begins!) {
        if (i < behind || i + size > total || count(hashes[i]!) === 1) continue
        if (first < 0) first = i
        repeated += before[i + size]! - before[i]!
        behind = i + size
      }
      if (first < 0) return { share: 0 }
      return { share: repeated / all, gram: quote(first) }
    },
  }
}
