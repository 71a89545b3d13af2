/**
 * Byte-pair merging of one word: again and again the pair of lowest rank, leftmost first, until no pair is left.
 *
 * Two ways to the same ids. A short word is scanned for its best pair and closed up after each merge, which beats every clever
 * structure at that size. A long one (a page of Chinese without a full stop, 100 kB of base64) keeps its pairs in a heap over a
 * doubly linked list: n·log n, never n².
 */
import type { PairTable } from './pairs.ts'

/** The merges of a tokenizer: `pairs` numbers them by rank, `merged[rank]` is the id a pair becomes. */
export interface Merges {
  pairs: PairTable
  merged: Int32Array
}

const NEVER = 0x7fffffff
const SHORT = 64

/** Merges `ids[0..count)` in place and returns how many are left; `ids` holds at least `count`. */
export function mergeWord(merges: Merges, ids: Int32Array, count: number): number {
  return count <= SHORT ? mergeShort(merges, ids, count) : mergeLong(merges, ids, count)
}

const shortRanks = new Int32Array(SHORT)

function rankOf(pairs: PairTable, left: number, right: number): number {
  const rank = pairs.find(left, right)
  return rank < 0 ? NEVER : rank
}

function mergeShort({ pairs, merged }: Merges, ids: Int32Array, count: number): number {
  const ranks = shortRanks // ranks[i]: of the pair at i, i + 1
  for (let i = 0; i + 1 < count; i++) ranks[i] = rankOf(pairs, ids[i]!, ids[i + 1]!)
  for (;;) {
    let best = NEVER
    let at = 0
    for (let i = 0; i + 1 < count; i++) {
      if (ranks[i]! < best) {
        best = ranks[i]!
        at = i
      }
    }
    if (best === NEVER) return count
    ids[at] = merged[best]!
    count--
    for (let i = at + 1; i < count; i++) {
      ids[i] = ids[i + 1]!
      ranks[i] = ranks[i + 1]!
    }
    if (at > 0) ranks[at - 1] = rankOf(pairs, ids[at - 1]!, ids[at]!)
    if (at + 1 < count) ranks[at] = rankOf(pairs, ids[at]!, ids[at + 1]!)
  }
}

function mergeLong({ pairs, merged }: Merges, ids: Int32Array, count: number): number {
  const next = new Int32Array(count)
  const previous = new Int32Array(count)
  const ranks = new Int32Array(count) // of the pair that starts here; NEVER: there is none
  const heap = new Float64Array(count * 3) // one entry a symbol at first, and at most two more for each merge
  let size = 0
  const refresh = (i: number) => {
    ranks[i] = next[i]! < 0 ? NEVER : rankOf(pairs, ids[i]!, ids[next[i]!]!)
    // Rank and position in one number, exact below 2^53: ordered by rank, then from left to right.
    if (ranks[i] !== NEVER) size = push(heap, size, ranks[i]! * 2 ** 31 + i)
  }
  for (let i = 0; i < count; i++) {
    next[i] = i + 1 < count ? i + 1 : -1
    previous[i] = i - 1
    refresh(i)
  }
  while (size > 0) {
    const top = heap[0]!
    size = pop(heap, size)
    const rank = Math.floor(top / 2 ** 31)
    const i = top - rank * 2 ** 31
    if (ranks[i] !== rank) continue // an older entry: that pair is gone
    const gone = next[i]!
    ids[i] = merged[rank]!
    ranks[gone] = NEVER
    next[i] = next[gone]!
    if (next[i]! >= 0) previous[next[i]!] = i
    if (previous[i]! >= 0) refresh(previous[i]!)
    refresh(i)
  }
  let left = 0
  for (let i = 0; i >= 0; i = next[i]!) ids[left++] = ids[i]!
  return left
}

/** Adds a key to a binary heap with the least on top; returns the new size. */
function push(heap: Float64Array, size: number, key: number): number {
  let i = size
  while (i > 0) {
    const parent = (i - 1) >> 1
    if (heap[parent]! <= key) break
    heap[i] = heap[parent]!
    i = parent
  }
  heap[i] = key
  return size + 1
}

/** Removes the least key; returns the new size. */
function pop(heap: Float64Array, size: number): number {
  const key = heap[--size]!
  let i = 0
  for (;;) {
    let child = 2 * i + 1
    if (child >= size) break
    if (child + 1 < size && heap[child + 1]! < heap[child]!) child++
    if (heap[child]! >= key) break
    heap[i] = heap[child]!
    i = child
  }
  heap[i] = key
  return size
}
