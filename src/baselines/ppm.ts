/**
 * Prediction by partial matching: what a good text compressor knows of the next byte. It counts which bytes followed the last 16, 15,
 * 14 … bytes, and goes to a shorter context by an escape when the byte is new in the longer one. A compressor of this kind writes
 * −log₂ p bits for a byte, to within a few bits a file, so code lengths are all that is computed here; nothing is packed.
 *
 * The chance of an escape is learnt from contexts alike in length, in how many bytes they know and in how often these came (secondary
 * escape estimation: Bloom, "Solving the problems of context modeling", 1998, in a simple form). Bytes that a longer context has
 * ruled out are excluded, and counts grow only in the contexts that were used (Cleary and Witten, 1984; Moffat, 1990).
 */
import { Numbering } from './numbering.ts'

/** Longest context in bytes for texts of up to a size, also in bytes: long ones pay where text repeats, and cost 30 bytes a node. */
const LARGEST = [
  { size: 4 << 20, order: 16 },
  { size: Infinity, order: 6 },
]

export function ppmOrder(size: number): number {
  return LARGEST.find((one) => size <= one.size)!.order
}

/** A context is a node of a tree; a byte that followed it is a child, which is also the context one byte longer. */
export class Ppm {
  private readonly order: number
  private readonly nodes = new Numbering()
  private counts = new Uint32Array(1 << 12)
  /** The children of a node are a list: the newest, and of each the one before. */
  private newest = new Int32Array(1 << 12)
  private previous = new Int32Array(1 << 12)
  private bytes = new Uint8Array(1 << 12)
  /** The contexts that the bytes so far end with, the longest last: [0] is the empty one. */
  private contexts: number[] = [0]
  private readonly excluded = new Uint8Array(256)
  private readonly escapes = new Escapes()

  constructor(order: number) {
    this.order = order
  }

  /** −log₂ p of the next byte, which is then known. */
  add(byte: number): number {
    const { contexts } = this
    let at = contexts.length - 1
    let bits = 0
    this.excluded.fill(0)
    for (; at >= 0; at--) {
      const found = this.step(contexts[at]!, byte, at)
      bits += found.bits
      if (found.known) break
    }
    if (at < 0) bits += Math.log2(this.excluded.reduce((left, gone) => left - gone, 256))
    this.learn(byte, Math.max(0, at))
    return bits
  }

  /** The bits of a byte in one context, or of the escape from it; the bytes it knows are excluded from then on. */
  private step(context: number, byte: number, order: number): { known: boolean; bits: number } {
    let [total, distinct, count] = [0, 0, 0]
    for (let child = this.newest[context]!; child > 0; child = this.previous[child]!) {
      const one = this.bytes[child]!
      if (this.excluded[one]) continue
      total += this.counts[child]!
      distinct++
      if (one === byte) count = this.counts[child]!
    }
    if (total === 0) return { known: false, bits: 0 }
    const known = count > 0
    const escape = this.escapes.chance(order, distinct, total, known)
    if (known) return { known, bits: -Math.log2((1 - escape) * (count / total)) }
    for (let child = this.newest[context]!; child > 0; child = this.previous[child]!)
      this.excluded[this.bytes[child]!] = 1
    return { known, bits: -Math.log2(escape) }
  }

  /** Counts the byte in the contexts from the longest down to `lowest`, and moves on. */
  private learn(byte: number, lowest: number): void {
    const longer = [0]
    this.contexts.forEach((context, length) => {
      const known = this.nodes.size
      const child = this.nodes.add(context * 256 + byte) + 1 // the empty context is node 0
      if (child > known) this.hang(child, context, byte)
      if (length >= lowest) this.counts[child]!++
      if (length < this.order) longer.push(child)
    })
    this.contexts = longer
  }

  private hang(child: number, context: number, byte: number): void {
    if (child >= this.counts.length) {
      const grown = <T extends Uint32Array | Int32Array | Uint8Array>(old: T, make: (n: number) => T) => {
        const larger = make(old.length * 2)
        larger.set(old)
        return larger
      }
      this.counts = grown(this.counts, (n) => new Uint32Array(n))
      this.newest = grown(this.newest, (n) => new Int32Array(n))
      this.previous = grown(this.previous, (n) => new Int32Array(n))
      this.bytes = grown(this.bytes, (n) => new Uint8Array(n))
    }
    this.bytes[child] = byte
    this.previous[child] = this.newest[context]!
    this.newest[context] = child
  }
}

// --- internal ---

/** How often contexts of a kind were left by an escape. */
class Escapes {
  private readonly left = new Float64Array(16 * 8 * 16).fill(0.5)
  private readonly used = new Float64Array(16 * 8 * 16).fill(1)

  /** The chance of an escape, before it is known whether one happened; then that is counted. */
  chance(order: number, distinct: number, total: number, known: boolean): number {
    const often = Math.min(15, Math.floor(2 * Math.log2(total / distinct)))
    const kind = (Math.min(order, 15) * 8 + Math.min(distinct, 8) - 1) * 16 + often
    const chance = this.left[kind]! / this.used[kind]!
    this.used[kind]!++
    if (!known) this.left[kind]!++
    if (this.used[kind]! > 4000) {
      // What is new counts for more.
      this.used[kind]! /= 2
      this.left[kind]! /= 2
    }
    return chance
  }
}
