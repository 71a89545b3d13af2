/** What stands on one side of a merged pair: by the neighbour's id its count and its positions, collected first and sorted by id once. */
import { larger } from './larger.ts'
import type { PositionLists } from './position-lists.ts'

export class Neighbours {
  // Of each id.
  private counts = new Float64Array(1 << 10)
  private sizes = new Int32Array(1 << 10)
  private lists = new Int32Array(1 << 10)
  private readonly ids: number[] = [] // those that were added
  // Of each visit.
  private visits = 0
  private idAt = new Int32Array(1 << 14)
  private positionAt = new Int32Array(1 << 14)

  /** Makes room for ids below this. */
  reserve(ids: number) {
    while (this.sizes.length < ids) {
      this.counts = larger(this.counts)
      this.sizes = larger(this.sizes)
      this.lists = larger(this.lists)
    }
  }

  add(id: number, weight: number, position: number) {
    if (this.sizes[id]!++ === 0) this.ids.push(id)
    this.counts[id]! += weight
    const visit = this.visits++
    if (visit === this.idAt.length) {
      this.idAt = larger(this.idAt)
      this.positionAt = larger(this.positionAt)
    }
    this.idAt[visit] = id
    this.positionAt[visit] = position
  }

  forEach(call: (id: number, count: number) => void) {
    for (const id of this.ids) call(id, this.counts[id]!)
  }

  /** Asks for a list for each id (-1: none), puts the positions there in the order they came, and forgets everything. */
  settle(lists: PositionLists, listOf: (id: number, count: number, size: number) => number) {
    for (const id of this.ids) {
      this.lists[id] = listOf(id, this.counts[id]!, this.sizes[id]!)
      this.counts[id] = 0
      this.sizes[id] = 0
    }
    for (let visit = 0; visit < this.visits; visit++) {
      const id = this.idAt[visit]!
      const list = this.lists[id]!
      if (list >= 0) lists.set(list, this.sizes[id]!++, this.positionAt[visit]!)
    }
    for (const id of this.ids) this.sizes[id] = 0
    this.ids.length = 0
    this.visits = 0
  }
}
