/**
 * How often each word of a corpus occurs, for the trainer.
 *
 * Words are kept as UTF-16 code units in one pool, not as strings: a slice of a document would keep the whole document alive.
 * Qwen2's pre-split makes whole Chinese clauses one word; `hanCap` cuts runs of Han characters into pieces of at most that many,
 * so that merges are learned from short pieces which repeat and not from clauses which do not. Encoding never cuts.
 */
import { wordEnd } from './pretokenize.ts'
import { hashWord } from './word-cache.ts'

const CHUNK = 1 << 13 // code units made a string at once

/** Words and their counts as plain arrays, to be sent to another thread. */
export type CountedWords = Pick<WordCounts, 'size' | 'units' | 'starts' | 'counts'>

export class WordCounts {
  /** Number of different words. */
  size = 0
  /** Code units of all words, one after the other; word i is `units[starts[i]..starts[i + 1])`. */
  units = new Uint16Array(1 << 16)
  starts = new Uint32Array(1 << 12)
  counts = new Float64Array(1 << 12)
  private slots = new Int32Array(1 << 13).fill(-1)

  /** Counts the words of one document; `hanCap` is the longest run of Han characters counted as one, or Infinity. */
  addText(text: string, hanCap: number) {
    for (let start = 0; start < text.length;) {
      const end = wordEnd(text, start)
      if (end - start <= hanCap) this.add(text, start, end)
      else this.addCapped(text, start, end, hanCap)
      start = end
    }
  }

  /** What was counted, to be added to another's words. */
  counted(): CountedWords {
    const { size, units, starts, counts } = this
    return {
      size,
      units: units.slice(0, starts[size]),
      starts: starts.slice(0, size + 1),
      counts: counts.slice(0, size),
    }
  }

  /** Adds words that another thread counted. */
  addCounted({ size, units, starts, counts }: CountedWords) {
    for (let word = 0, next = 0; word < size; word = next) {
      const from = starts[word]!
      for (next = word + 1; next < size && starts[next + 1]! - from <= CHUNK;) next++
      const text = textOf(units, from, starts[next]!)
      for (let w = word; w < next; w++) this.add(text, starts[w]! - from, starts[w + 1]! - from, counts[w]!)
    }
  }

  private addCapped(text: string, start: number, end: number, hanCap: number) {
    let run = 0
    for (let i = start; i < end;) {
      const codePoint = text.codePointAt(i)!
      run = isHan(codePoint) ? run + 1 : 0
      if (run > hanCap) {
        this.add(text, start, i)
        start = i
        run = 1
      }
      i += codePoint > 0xffff ? 2 : 1
    }
    this.add(text, start, end)
  }

  private add(text: string, start: number, end: number, times = 1) {
    const mask = this.slots.length - 1
    let slot = hashWord(text, start, end) & mask
    for (;;) {
      const word = this.slots[slot]!
      if (word < 0) break
      if (this.isWord(word, text, start, end)) {
        this.counts[word]! += times
        return
      }
      slot = (slot + 1) & mask
    }
    this.slots[slot] = this.append(text, start, end, times)
    if (this.size * 2 > mask) this.rehash()
  }

  private isWord(word: number, text: string, start: number, end: number): boolean {
    const at = this.starts[word]!
    if (this.starts[word + 1]! - at !== end - start) return false
    for (let i = start; i < end; i++) if (this.units[at + i - start] !== text.charCodeAt(i)) return false
    return true
  }

  private append(text: string, start: number, end: number, times: number): number {
    const at = this.starts[this.size]!
    const stop = at + end - start
    if (stop > this.units.length) this.units = grown(this.units, new Uint16Array(stop * 2))
    if (this.size + 2 > this.starts.length) {
      this.starts = grown(this.starts, new Uint32Array(this.starts.length * 2))
      this.counts = grown(this.counts, new Float64Array(this.counts.length * 2))
    }
    for (let i = start; i < end; i++) this.units[at + i - start] = text.charCodeAt(i)
    this.starts[this.size + 1] = stop
    this.counts[this.size] = times
    return this.size++
  }

  private rehash() {
    this.slots = new Int32Array(this.slots.length * 2).fill(-1)
    const mask = this.slots.length - 1
    for (let word = 0; word < this.size; word++) {
      let hash = 0x811c9dc5
      for (let i = this.starts[word]!; i < this.starts[word + 1]!; i++)
        hash = Math.imul(hash ^ this.units[i]!, 0x01000193)
      let slot = (hash ^ (hash >>> 15)) & mask
      while (this.slots[slot]! >= 0) slot = (slot + 1) & mask
      this.slots[slot] = word
    }
  }
}

/** Code units as a string, lone surrogates among them. */
function textOf(units: Uint16Array, from: number, to: number): string {
  let text = ''
  for (let at = from; at < to; at += CHUNK) text += String.fromCharCode(...units.subarray(at, Math.min(at + CHUNK, to)))
  return text
}

function grown<T extends Uint16Array | Uint32Array | Float64Array>(old: T, larger: T): T {
  larger.set(old)
  return larger
}

/** The CJK ideographs: the unified blocks, their extensions, the compatibility ones, 々 and 〇. */
function isHan(codePoint: number): boolean {
  return (
    (codePoint >= 0x4e00 && codePoint <= 0x9fff) ||
    (codePoint >= 0x3400 && codePoint <= 0x4dbf) ||
    (codePoint >= 0xf900 && codePoint <= 0xfaff) ||
    (codePoint >= 0x20000 && codePoint <= 0x3ffff) ||
    codePoint === 0x3005 ||
    codePoint === 0x3007
  )
}
