/** A heap of pairs: the highest count on top, of equal counts the pair of smaller ids. What it compares lies in the heap itself. */
import { larger } from './larger.ts'

const IDS = 2 ** 26 // left · 2^26 + right is exact in a double

export class PairHeap {
  size = 0
  private pairs = new Int32Array(1 << 14)
  private counts = new Float64Array(1 << 14)
  private ids = new Float64Array(1 << 14)

  /** The count under which the top was put in; -1 when the heap is empty. */
  get topCount(): number {
    return this.size > 0 ? this.counts[0]! : -1
  }

  push(pair: number, count: number, left: number, right: number) {
    if (this.size === this.pairs.length) {
      this.pairs = larger(this.pairs)
      this.counts = larger(this.counts)
      this.ids = larger(this.ids)
    }
    this.rise(this.size++, pair, count, left * IDS + right)
  }

  /** Takes the top out and returns its pair; the heap must not be empty. */
  pop(): number {
    const top = this.pairs[0]!
    const last = --this.size
    if (last > 0) this.sink(this.pairs[last]!, this.counts[last]!, this.ids[last]!)
    return top
  }

  private rise(i: number, pair: number, count: number, ids: number) {
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!this.after(parent, count, ids)) break
      this.move(parent, i)
      i = parent
    }
    this.put(i, pair, count, ids)
  }

  /** Puts an entry in the place of the top. */
  private sink(pair: number, count: number, ids: number) {
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= this.size) break
      if (child + 1 < this.size && this.after(child, this.counts[child + 1]!, this.ids[child + 1]!)) child++
      if (this.after(child, count, ids)) break
      this.move(child, i)
      i = child
    }
    this.put(i, pair, count, ids)
  }

  /** Whether entry `i` comes after one of this count and these ids. */
  private after(i: number, count: number, ids: number): boolean {
    const own = this.counts[i]!
    return own !== count ? own < count : this.ids[i]! > ids
  }

  private move(from: number, to: number) {
    this.put(to, this.pairs[from]!, this.counts[from]!, this.ids[from]!)
  }

  private put(i: number, pair: number, count: number, ids: number) {
    this.pairs[i] = pair
    this.counts[i] = count
    this.ids[i] = ids
  }
}
