/**
 * Address allocator: hands out 64-byte-aligned ranges of blocks that a backend reserved, best fit, neighbours merged on
 * free. Commands run in order, so an address freed while recording may be handed out again at once. A captured program
 * has a pool of its own, whose blocks outlive the recording. Costs a scan of the free list (hundreds of entries).
 */

const ALIGNMENT = 64
/** The first block of a pool, which is enough for many a program: huge pages would be mostly empty there. */
const FIRST_BLOCK = 1 << 20

interface Range {
  address: number
  bytes: number
}

export class Pool {
  /** Bytes handed out now, and at most so far. */
  used = 0
  peak = 0
  private free: Range[] = [] // sorted by address
  private readonly blocks: Range[] = []
  private readonly reserve: (bytes: number) => number
  private readonly blockBytes: number

  constructor(reserve: (bytes: number) => number, blockBytes: number) {
    this.reserve = reserve
    this.blockBytes = blockBytes
  }

  allocate(bytes: number): number {
    const size = Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT)
    let best = -1
    for (let i = 0; i < this.free.length; i++)
      if (this.free[i]!.bytes >= size && (best < 0 || this.free[i]!.bytes < this.free[best]!.bytes)) best = i
    if (best < 0) {
      const small = this.blocks.length === 0 && size <= FIRST_BLOCK
      const block = { address: 0, bytes: small ? FIRST_BLOCK : Math.ceil(size / this.blockBytes) * this.blockBytes }
      block.address = this.reserve(block.bytes)
      this.blocks.push(block)
      best = this.insert({ ...block })
    }
    const range = this.free[best]!
    const address = range.address
    if (range.bytes === size) this.free.splice(best, 1)
    else {
      range.address += size
      range.bytes -= size
    }
    this.used += size
    this.peak = Math.max(this.peak, this.used)
    return address
  }

  /** Returns what `allocate(bytes)` gave. */
  release(address: number, bytes: number): void {
    const size = Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT)
    this.used -= size
    this.insert({ address, bytes: size })
  }

  /** Every block the pool took, when its owner is done with all of them. */
  drain(): Range[] {
    this.free = []
    this.used = 0
    return this.blocks.splice(0)
  }

  private insert(range: Range): number {
    let low = 0
    let high = this.free.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.free[middle]!.address < range.address) low = middle + 1
      else high = middle
    }
    const after = this.free[low]
    const before = this.free[low - 1]
    if (before && before.address + before.bytes === range.address) {
      before.bytes += range.bytes
      if (after && before.address + before.bytes === after.address) {
        before.bytes += after.bytes
        this.free.splice(low, 1)
      }
      return low - 1
    }
    if (after && range.address + range.bytes === after.address) {
      after.address = range.address
      after.bytes += range.bytes
      return low
    }
    this.free.splice(low, 0, range)
    return low
  }
}
