/**
 * What frequent words became: code units → ids, so that a word met again is looked up and not merged again.
 *
 * Direct-mapped: a word has one place, one cache line long, and the newest word stays. The memory is fixed, nothing is ever moved
 * or cleared, and text made to collide only misses. Long words are left out: they seldom return, and have no room.
 *
 * An entry, 64 bytes: int32 0 is length + 256 · count (0: empty), then the code units, two an int32, then the ids: 9 for a word of 12
 * units, 3 for one of 24.
 */

const ENTRIES = 1 << 17 // 8 MiB; English prose misses 1 word in 30, with a quarter of that 1 in 12
const STRIDE = 16 // int32 an entry

/** The longest word kept, in UTF-16 code units. */
export const CACHED_UNITS = 24

export class WordCache {
  private readonly words = new Int32Array(ENTRIES * STRIDE)
  private readonly units = new Uint16Array(this.words.buffer)

  /** The place of the word `text[start..end)`. */
  place(text: string, start: number, end: number): number {
    return (hashWord(text, start, end) & (ENTRIES - 1)) * STRIDE
  }

  /** Appends the word's ids to `out` when the entry at `place` is this word's; says whether it was. */
  read(place: number, text: string, start: number, end: number, out: number[]): boolean {
    const { words, units } = this
    const head = words[place]!
    const length = end - start
    if ((head & 0xff) !== length) return false
    const at = place * 2 + 2
    for (let i = 0; i < length; i++) if (units[at + i] !== text.charCodeAt(start + i)) return false
    const first = place + idsAt(length)
    const last = first + (head >>> 8)
    for (let i = first; i < last; i++) out.push(words[i]!)
    return true
  }

  /** Keeps `ids[0..count)` for the word, when they fit. */
  write(place: number, text: string, start: number, end: number, ids: Int32Array, count: number) {
    const first = idsAt(end - start)
    if (first + count > STRIDE) return
    const at = place * 2 + 2
    for (let i = start; i < end; i++) this.units[at + i - start] = text.charCodeAt(i)
    for (let i = 0; i < count; i++) this.words[place + first + i] = ids[i]!
    this.words[place] = (end - start) | (count << 8)
  }
}

/** Where the ids of a word of this many code units begin in its entry. */
function idsAt(length: number): number {
  return 1 + ((length + 1) >> 1)
}

/** 32-bit FNV-1a over the code units of `text[start..end)`, the high bits folded onto the low ones. */
export function hashWord(text: string, start: number, end: number): number {
  let hash = 0x811c9dc5
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash ^ (hash >>> 15)
}
