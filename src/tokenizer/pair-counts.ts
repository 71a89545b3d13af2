/**
 * The words of a corpus as tokens side by side, and how often each pair of neighbours occurs: the trainer's working state.
 *
 * A position is a byte of a word. A token's id lies at its first byte and, below zero, at its last, so both neighbours of a token are
 * found without links: 4 bytes a position. Each pair keeps a list of the positions where it may be; a merge visits the list of its
 * own pair and nothing else, each visit is O(1), and what changes is summed up by the neighbour's id, so that the table of pairs is asked once
 * for each neighbour and not for each visit. A pair's count only falls after the merge that made it: a pair that is too rare then is not
 * entered at all, and an entry of the heap that is out of date is put back with what it is worth now. Pairs that would join half a
 * character to a neighbour are not counted.
 */
import { larger } from './larger.ts'
import { Neighbours } from './neighbours.ts'
import { PairHeap } from './pair-heap.ts'
import { PairTable } from './pairs.ts'
import { PositionLists } from './position-lists.ts'
import { isWhole, sequenceLength, writeUtf8 } from './utf8.ts'
import type { WordCounts } from './word-counts.ts'

const NONE = -1
const BORDER = -0x80000000 // between words, before the first and after the last
const INSIDE = -0x7fffffff // of a token, where one began before
const BLOCK = 4 // 2^4 positions have one entry in `wordAt`

export class PairCounts {
  /** The bytes of each token; bytes come first. */
  readonly tokens: Uint8Array[] = []
  // Of each token: its length in bytes, is it whole characters, does it begin inside a character?
  private lengths = new Int32Array(1 << 10)
  private readonly whole: boolean[] = []
  private readonly continues: boolean[] = []

  private readonly token: Int32Array // of each position
  private readonly starts: Int32Array // of each word, and the end
  private readonly wordAt: Int32Array // the word at the first position of each block
  private readonly weights: Float64Array // of each word

  // Of each pair, which has the number of its list.
  private readonly table = new PairTable(1 << 14)
  private readonly lists = new PositionLists()
  private left = new Int32Array(1 << 14)
  private right = new Int32Array(1 << 14)
  private counts = new Float64Array(1 << 14) // words weighted by their frequency
  private readonly heap = new PairHeap()

  private readonly lefts = new Neighbours()
  private readonly rights = new Neighbours()

  constructor(words: WordCounts) {
    const { bytes, ends } = bytesOfWords(words)
    this.weights = words.counts
    this.token = new Int32Array(bytes.length + words.size + 1).fill(BORDER)
    this.starts = new Int32Array(words.size + 1)
    this.wordAt = new Int32Array((this.token.length >> BLOCK) + 1)
    for (let byte = 0; byte < 256; byte++) this.addToken(Uint8Array.of(byte))
    for (let word = 0, from = 0, at = 1; word < words.size; word++) {
      this.starts[word] = at
      for (const end = ends[word]!; from < end;) {
        if ((at & ((1 << BLOCK) - 1)) === 0) this.wordAt[at >> BLOCK] = word
        this.token[at++] = bytes[from++]!
      }
      if ((at & ((1 << BLOCK) - 1)) === 0) this.wordAt[at >> BLOCK] = word
      this.starts[word + 1] = ++at // behind the border
    }
    this.enterBytes()
  }

  /** Makes the most frequent pair a token and returns it; undefined when no pair occurs `least` times. */
  mergeBest(least: number): readonly [left: number, right: number, merged: number] | undefined {
    const best = this.takeBest(least)
    if (best === NONE) return undefined
    const left = this.left[best]!
    const right = this.right[best]!
    const merged = this.addToken(joined(this.tokens[left]!, this.tokens[right]!))
    this.merge(best, merged)
    this.lists.free(best)
    this.lefts.forEach((neighbour, count) => this.lose(neighbour, left, count))
    this.rights.forEach((neighbour, count) => this.lose(right, neighbour, count))
    this.lefts.settle(this.lists, (neighbour, count, size) => this.gain(neighbour, merged, count, size, least))
    this.rights.settle(this.lists, (neighbour, count, size) => this.gain(merged, neighbour, count, size, least))
    return [left, right, merged]
  }

  /** Merges a pair wherever it is; `lefts` and `rights` then hold what stands beside it. */
  private merge(pair: number, merged: number) {
    const { token, lengths, lefts, rights } = this
    const [left, right] = [this.left[pair]!, this.right[pair]!]
    const [leftLength, rightLength] = [lengths[left]!, lengths[right]!]
    const length = leftLength + rightLength
    const list = this.lists.get(pair)
    lefts.reserve(this.tokens.length)
    rights.reserve(this.tokens.length)
    let twins = 0 // places where the pair follows itself: right, left becomes merged, merged
    for (let k = 0; k < list.length; k++) {
      const i = list[k]!
      const middle = i + leftLength
      if (token[i] !== left || token[middle] !== right) continue
      const end = i + length
      const weight = this.weightAt(i)
      const before = token[i - 1]!
      const after = token[end]!
      token[i] = merged
      if (rightLength > 1) token[middle] = INSIDE
      token[end - 1] = ~merged
      if (before !== BORDER) {
        const neighbour = before < 0 ? ~before : before
        if (neighbour === merged) twins += weight
        lefts.add(neighbour, weight, i - lengths[neighbour]!)
      }
      // A pair that follows will find this one on its left.
      if (after !== BORDER && !(after === left && token[end + leftLength] === right)) rights.add(after, weight, i)
    }
    if (twins > 0) this.lose(right, left, twins)
  }

  private weightAt(position: number): number {
    const { starts } = this
    let word = this.wordAt[position >> BLOCK]!
    while (starts[word + 1]! <= position) word++
    return this.weights[word]!
  }

  private addToken(bytes: Uint8Array): number {
    this.whole.push(isWhole(bytes))
    this.continues.push(sequenceLength(bytes[0]!) === 0)
    if (this.tokens.length === this.lengths.length) this.lengths = larger(this.lengths)
    this.lengths[this.tokens.length] = bytes.length
    return this.tokens.push(bytes) - 1
  }

  private mayJoin(left: number, right: number): boolean {
    return this.continues[right]! || (this.whole[left]! && this.whole[right]!)
  }

  /** Enters the pairs of bytes. */
  private enterBytes() {
    const { token } = this
    const sizes = new Int32Array(0x10000)
    const counts = new Float64Array(0x10000)
    const pairAt = (i: number) => (token[i]! << 8) | token[i + 1]!
    for (let word = 0; word + 1 < this.starts.length; word++) {
      const last = this.starts[word + 1]! - 2
      for (let i = this.starts[word]!; i < last; i++) {
        sizes[pairAt(i)]!++
        counts[pairAt(i)]! += this.weights[word]!
      }
    }
    const pairs = Int32Array.from(sizes, (size, pair) => this.gain(pair >> 8, pair & 0xff, counts[pair]!, size, 1))
    const filled = new Int32Array(0x10000)
    for (let word = 0; word + 1 < this.starts.length; word++) {
      const last = this.starts[word + 1]! - 2
      for (let i = this.starts[word]!; i < last; i++) {
        const pair = pairAt(i)
        if (pairs[pair] !== NONE) this.lists.set(pairs[pair]!, filled[pair]!++, i)
      }
    }
  }

  private lose(left: number, right: number, count: number) {
    const pair = this.table.find(left, right)
    if (pair !== NONE) this.counts[pair]! -= count
  }

  /** Enters a pair with an empty list of this size and returns its number; NONE when it is too rare or may not be joined. */
  private gain(left: number, right: number, count: number, size: number, least: number): number {
    if (count < least || !this.mayJoin(left, right)) return NONE
    const pair = this.lists.make(size)
    if (pair === this.left.length) {
      this.left = larger(this.left)
      this.right = larger(this.right)
      this.counts = larger(this.counts)
    }
    this.left[pair] = left
    this.right[pair] = right
    this.counts[pair] = count
    this.table.set(left, right, pair)
    this.heap.push(pair, count, left, right)
    return pair
  }

  /** Removes the pair of the highest count from the heap; NONE when that is below `least`. */
  private takeBest(least: number): number {
    const { heap } = this
    for (;;) {
      const count = heap.topCount
      if (count < least) return NONE
      const pair = heap.pop()
      const now = this.counts[pair]!
      if (now === count) return pair
      if (now >= least) heap.push(pair, now, this.left[pair]!, this.right[pair]!)
    }
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
