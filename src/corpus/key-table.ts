/** Keys of a few 32-bit words → who brought each first: a hash table with open addressing, in flat memory. It grows when more than `expected` come. */
export function keyTable(expected: number, words: number) {
  let room = 2 ** Math.ceil(Math.log2(expected * 1.5 + 16))
  let keys = new Uint32Array(room * words)
  let owners = new Uint32Array(room) // owner + 1; 0 is free
  let used = 0

  function slotOf(from: Uint32Array, at: number): number {
    let slot = (Math.imul(from[at]! ^ (from[at + 1]! >>> 7), 0x9e3779b1) ^ from[at + 1]!) & (room - 1)
    for (; owners[slot] !== 0; slot = (slot + 1) & (room - 1)) {
      let word = 0
      while (word < words && keys[slot * words + word] === from[at + word]) word++
      if (word === words) break
    }
    return slot
  }
  function grow() {
    const [oldKeys, oldOwners] = [keys, owners]
    room *= 2
    keys = new Uint32Array(room * words)
    owners = new Uint32Array(room)
    for (let old = 0; old < oldOwners.length; old++) {
      const owner = oldOwners[old]!
      if (owner === 0) continue
      const slot = slotOf(oldKeys, old * words)
      owners[slot] = owner
      keys.set(oldKeys.subarray(old * words, (old + 1) * words), slot * words)
    }
  }
  return {
    /** The owner of the key at this place: `owner` itself if it is new. */
    add(from: Uint32Array, at: number, owner: number): number {
      const slot = slotOf(from, at)
      if (owners[slot] !== 0) return owners[slot]! - 1
      owners[slot] = owner + 1
      for (let word = 0; word < words; word++) keys[slot * words + word] = from[at + word]!
      if (++used > room * 0.75) grow()
      return owner
    },
    clear() {
      owners.fill(0)
      used = 0
    },
  }
}
