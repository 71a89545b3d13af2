/** Numbers different keys 0, 1, 2, … in the order they come: a hash table of typed arrays, as a Map of millions of keys is too large. */
export class Numbering {
  size = 0
  private keys = new Float64Array(1 << 10)
  private numbers = new Int32Array(1 << 10).fill(-1)

  /** The number of a key (a whole number from 0 to 2⁵³ − 1), a new one if need be. */
  add(key: number): number {
    if (this.size * 2 >= this.keys.length) this.grow()
    const at = this.find(key)
    if (this.numbers[at]! < 0) {
      this.keys[at] = key
      this.numbers[at] = this.size++
    }
    return this.numbers[at]!
  }

  /** The number of a key; −1 when it never came. */
  get(key: number): number {
    return this.numbers[this.find(key)]!
  }

  /** Where the key lies, or would lie. */
  private find(key: number): number {
    const mask = this.keys.length - 1
    const high = Math.floor(key / 2 ** 32)
    let hash = Math.imul((key ^ Math.imul(high, 0x9e3779b1)) | 0, 0x85ebca6b)
    hash ^= hash >>> 15
    let at = hash & mask
    while (this.numbers[at]! >= 0 && this.keys[at] !== key) at = (at + 1) & mask
    return at
  }

  private grow(): void {
    const { keys, numbers } = this
    this.keys = new Float64Array(keys.length * 2)
    this.numbers = new Int32Array(keys.length * 2).fill(-1)
    keys.forEach((key, i) => {
      if (numbers[i]! < 0) return
      const at = this.find(key)
      this.keys[at] = key
      this.numbers[at] = numbers[i]!
    })
  }
}
