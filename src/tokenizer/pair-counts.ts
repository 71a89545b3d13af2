/**
 * The words of a corpus as chains of tokens, and how often each pair of neighbours occurs: the trainer's working state.
 *
 * Every position is the start of at most one pair and lies in that pair's list, so a merge visits its own positions and nothing else,
 * and each visit is O(1). The best pair comes from a heap whose entries may be out of date: counts of known pairs only fall, so
 * an entry that is too high is put back with what it is worth now. Pairs that would join half a character to a neighbour are not
 * counted. 28 bytes a position; a word is stored once, with its count.
 */
import { PairTable } from './pairs.ts'
import { isWhole, sequenceLength, writeUtf8 } from './utf8.ts'
import type { WordCounts } from './word-counts.ts'

const NONE = -1

export class PairCounts {
  /** The bytes of each token; bytes come first. */
  readonly tokens: Uint8Array[] = []
  // Of each token: is it whole characters, does it begin inside a character?
  private readonly whole: boolean[] = []
  private readonly continues: boolean[] = []

  // Of each position. A word is a run of positions; what a merge swallows is skipped by the links.
  private readonly token: Int32Array
  private readonly next: Int32Array // in the word
  private readonly previous: Int32Array
  private readonly word: Int32Array
  private readonly pair: Int32Array // that starts here
  private readonly later: Int32Array // in the list of that pair
  private readonly earlier: Int32Array

  private readonly weights: Float64Array // of each word

  // Of each pair.
  private readonly table = new PairTable(1 << 14)
  private left = new Int32Array(1 << 14)
  private right = new Int32Array(1 << 14)
  private counts = new Float64Array(1 << 14) // words weighted by their frequency
  private heads = new Int32Array(1 << 14) // one of its positions
  private queued = new Float64Array(1 << 14) // the count under which it lies in the heap
  private readonly heap: number[] = [] // of pairs

  constructor(words: WordCounts) {
    const { bytes, ends } = bytesOfWords(words)
    const size = bytes.length
    this.token = new Int32Array(bytes)
    this.next = new Int32Array(size)
    this.previous = new Int32Array(size)
    this.word = new Int32Array(size)
    this.pair = new Int32Array(size).fill(NONE)
    this.later = new Int32Array(size)
    this.earlier = new Int32Array(size)
    this.weights = words.counts
    for (let byte = 0; byte < 256; byte++) this.addToken(Uint8Array.of(byte))
    for (let word = 0, start = 0; word < words.size; start = ends[word++]!) {
      const end = ends[word]!
      for (let i = start; i < end; i++) {
        this.word[i] = word
        this.next[i] = i + 1 < end ? i + 1 : NONE
        this.previous[i] = i > start ? i - 1 : NONE
        if (i + 1 < end) this.link(i)
      }
    }
    for (let pair = 0; pair < this.table.size; pair++) this.enqueue(pair)
  }

  /** Makes the most frequent pair a token and returns it; undefined when no pair occurs `least` times. */
  mergeBest(least: number): readonly [left: number, right: number, merged: number] | undefined {
    const best = this.takeBest(least)
    if (best === NONE) return undefined
    const left = this.left[best]!
    const right = this.right[best]!
    const merged = this.addToken(joined(this.tokens[left]!, this.tokens[right]!))
    const firstNew = this.table.size
    for (const i of this.positionsOf(best)) if (this.pair[i] === best) this.mergeAt(i, merged)
    for (let pair = firstNew; pair < this.table.size; pair++) this.enqueue(pair)
    return [left, right, merged]
  }

  private addToken(bytes: Uint8Array): number {
    this.whole.push(isWhole(bytes))
    this.continues.push(sequenceLength(bytes[0]!) === 0)
    return this.tokens.push(bytes) - 1
  }

  /** A copy; from left to right where pairs of equal tokens overlap ("aaa"), which must merge in that order. */
  private positionsOf(pair: number): number[] {
    const positions: number[] = []
    for (let i = this.heads[pair]!; i !== NONE; i = this.later[i]!) positions.push(i)
    return this.left[pair] === this.right[pair] ? positions.sort((a, b) => a - b) : positions
  }

  /** The token at `i` and the one after it become one, and the pairs to both sides change. */
  private mergeAt(i: number, merged: number) {
    const swallowed = this.next[i]!
    const after = this.next[swallowed]!
    const before = this.previous[i]!
    this.unlink(i)
    this.unlink(swallowed)
    this.token[i] = merged
    this.next[i] = after
    if (after !== NONE) {
      this.previous[after] = i
      this.link(i)
    }
    if (before !== NONE) {
      this.unlink(before)
      this.link(before)
    }
  }

  /** Enters the pair that starts at `i` in the counts and in its list, unless it may not be joined. */
  private link(i: number) {
    const left = this.token[i]!
    const right = this.token[this.next[i]!]!
    if (!this.continues[right] && !(this.whole[left] && this.whole[right])) return
    const pair = this.table.add(left, right)
    if (pair >= this.left.length) this.grow()
    if (this.counts[pair] === 0) {
      this.left[pair] = left
      this.right[pair] = right
      this.heads[pair] = NONE
    }
    const head = this.heads[pair]!
    this.pair[i] = pair
    this.earlier[i] = NONE
    this.later[i] = head
    if (head !== NONE) this.earlier[head] = i
    this.heads[pair] = i
    this.counts[pair]! += this.weights[this.word[i]!]!
  }

  /** Takes the pair that starts at `i`, if it was entered, out of the counts and its list. */
  private unlink(i: number) {
    const pair = this.pair[i]!
    if (pair === NONE) return
    const later = this.later[i]!
    const earlier = this.earlier[i]!
    if (later !== NONE) this.earlier[later] = earlier
    if (earlier !== NONE) this.later[earlier] = later
    else this.heads[pair] = later
    this.pair[i] = NONE
    this.counts[pair]! -= this.weights[this.word[i]!]!
  }

  private grow() {
    const size = this.left.length * 2
    this.left = larger(this.left, new Int32Array(size))
    this.right = larger(this.right, new Int32Array(size))
    this.counts = larger(this.counts, new Float64Array(size))
    this.heads = larger(this.heads, new Int32Array(size))
    this.queued = larger(this.queued, new Float64Array(size))
  }

  /** Removes the pair of the highest count from the heap; NONE when that is below `least`. */
  private takeBest(least: number): number {
    for (;;) {
      const top = this.heap[0]
      if (top === undefined || this.queued[top]! < least) return NONE
      const last = this.heap.pop()!
      if (this.heap.length > 0) this.sink(last)
      if (this.counts[top] === this.queued[top]) return top
      this.enqueue(top)
    }
  }

  private enqueue(pair: number) {
    this.queued[pair] = this.counts[pair]!
    const { heap } = this
    let i = heap.push(pair) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!this.precedes(pair, heap[parent]!)) break
      heap[i] = heap[parent]!
      i = parent
    }
    heap[i] = pair
  }

  /** Puts a pair in the place of the top. */
  private sink(pair: number) {
    const { heap } = this
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && this.precedes(heap[child + 1]!, heap[child]!)) child++
      if (!this.precedes(heap[child]!, pair)) break
      heap[i] = heap[child]!
      i = child
    }
    heap[i] = pair
  }

  /** Higher counts first, then smaller ids. */
  private precedes(a: number, b: number): boolean {
    const { queued, left, right } = this
    if (queued[a] !== queued[b]) return queued[a]! > queued[b]!
    return left[a] !== left[b] ? left[a]! < left[b]! : right[a]! < right[b]!
  }
}

/** The UTF-8 bytes of all words, and where each word ends. */
function bytesOfWords({ size, starts, units }: WordCounts): { bytes: Uint8Array; ends: Uint32Array } {
  const bytes = new Uint8Array(starts[size]! * 3)
  const ends = new Uint32Array(size)
  let at = 0
  for (let word = 0; word < size; word++) {
    for (let i = starts[word]!; i < starts[word + 1]!; i++) {
      const unit = units[i]!
      const low = i + 1 < starts[word + 1]! ? units[i + 1]! : 0
      const paired = (unit & 0xfc00) === 0xd800 && (low & 0xfc00) === 0xdc00
      at = writeUtf8(paired ? 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff) : unit, bytes, at)
      if (paired) i++
    }
    ends[word] = at
  }
  return { bytes: bytes.subarray(0, at), ends }
}

function joined(left: Uint8Array, right: Uint8Array): Uint8Array {
  const both = new Uint8Array(left.length + right.length)
  both.set(left)
  both.set(right, left.length)
  return both
}

function larger<T extends Int32Array | Float64Array>(old: T, to: T): T {
  to.set(old)
  return to
}
