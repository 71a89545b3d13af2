/**
 * Lists of integers whose sizes are known when they are made, numbered 0, 1, 2, …: short ones share pages, a long one has an array of
 * its own and gives it back. Millions of small arrays would cost more in headers than in content.
 */
import { larger } from './larger.ts'

const PAGE = 1 << 18
const LONG = 1 << 10
const EMPTY = new Int32Array(0)

export class PositionLists {
  private readonly pages: Int32Array[] = [new Int32Array(PAGE)]
  private used = 0 // of the open page
  private open = 0
  private count = 0
  private page = new Int32Array(1 << 14)
  private begins = new Int32Array(1 << 14)
  private sizes = new Int32Array(1 << 14)

  /** Makes a list of this many zeros and returns its number. */
  make(size: number): number {
    const list = this.count++
    if (list === this.page.length) {
      this.page = larger(this.page)
      this.begins = larger(this.begins)
      this.sizes = larger(this.sizes)
    }
    this.sizes[list] = size
    if (size >= LONG) {
      this.page[list] = this.pages.push(new Int32Array(size)) - 1
      return list
    }
    if (this.used + size > PAGE) {
      this.open = this.pages.push(new Int32Array(PAGE)) - 1
      this.used = 0
    }
    this.page[list] = this.open
    this.begins[list] = this.used
    this.used += size
    return list
  }

  set(list: number, i: number, value: number) {
    this.pages[this.page[list]!]![this.begins[list]! + i] = value
  }

  /** The list itself, not a copy. */
  get(list: number): Int32Array {
    const begin = this.begins[list]!
    return this.pages[this.page[list]!]!.subarray(begin, begin + this.sizes[list]!)
  }

  /** The list is not needed any more. */
  free(list: number) {
    if (this.sizes[list]! >= LONG) this.pages[this.page[list]!] = EMPTY
    this.sizes[list] = 0
  }
}
