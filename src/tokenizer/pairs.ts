/**
 * A table from pairs of token ids to numbers from 0 on: the rank of a merge, or the pair's own number. The inner loop of encoding.
 *
 * Open addressing in one Int32Array (left, right, number, unused: 16 bytes a slot), at most half full; no objects, no strings.
 */

const NONE = -1

export class PairTable {
  /** How many pairs there are. */
  size = 0
  private slots: Int32Array
  private mask: number

  constructor(expected = 1024) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(expected, 8) * 2))
    this.mask = slots - 1
    this.slots = new Int32Array(slots * 4).fill(NONE)
  }

  /** The number of a pair, or -1. */
  find(left: number, right: number): number {
    const { slots, mask } = this
    let slot = hashPair(left, right) & mask
    for (;;) {
      const at = slot << 2
      if (slots[at] === left && slots[at + 1] === right) return slots[at + 2]!
      if (slots[at] === NONE) return NONE
      slot = (slot + 1) & mask
    }
  }

  /** Gives a pair that is not in the table a number. */
  set(left: number, right: number, number: number) {
    if ((this.size + 1) * 2 > this.mask + 1) this.grow()
    this.place(left, right, number)
    this.size++
  }

  private place(left: number, right: number, number: number) {
    const { slots, mask } = this
    let slot = hashPair(left, right) & mask
    while (slots[slot << 2] !== NONE) slot = (slot + 1) & mask
    slots[slot << 2] = left
    slots[(slot << 2) + 1] = right
    slots[(slot << 2) + 2] = number
  }

  private grow() {
    const old = this.slots
    this.mask = this.mask * 2 + 1
    this.slots = new Int32Array(old.length * 2).fill(NONE)
    for (let at = 0; at < old.length; at += 4) {
      if (old[at] !== NONE) this.place(old[at]!, old[at + 1]!, old[at + 2]!)
    }
  }
}

/** Two odd multipliers, then the high bits folded onto the low ones (Fibonacci hashing; constants of xxHash32). */
export function hashPair(left: number, right: number): number {
  const mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca77)
  return mixed ^ (mixed >>> 15)
}
