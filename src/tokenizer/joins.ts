/**
 * Where no merge can cross: two neighbouring characters that no token holds side by side are never joined, so a word may be cut
 * between them and each piece merged by itself. The ids are the same: a merge across that place would make a token that holds it.
 * A clause of Chinese falls into pieces of a few characters, which return often and come from the cache of words.
 *
 * Pairs of characters that a token holds are kept as a set of hashes: a false hit only leaves a piece longer. Tokens that begin or
 * end inside a character are few, and are kept as flags of the characters they may touch. A surrogate is never cut from its neighbours.
 */
import { hashPair } from './pairs.ts'
import { sequenceLength, writeUtf8 } from './utf8.ts'

// Flags of a character on the left (low byte) and on the right (high byte) of a place: left & (right >> 8) ≠ 0 says "may be joined".
const WHOLE_THEN_PART = 1 // a token holds the left character and begins another
const PART_THEN_WHOLE = 2 // a token ends a character and holds the right one
const PART_THEN_PART = 4
const BEFORE_SURROGATE = 8
const AFTER_SURROGATE = 16

export interface Joins {
  /** By UTF-16 code unit. */
  flags: Uint16Array
  /** A bit for the hash of each pair of code units. */
  pairs: Int32Array
  /** The hash's bits less one. */
  mask: number
}

/** Whether a token may hold code units `left` and `right` side by side. */
export function mayJoin({ flags, pairs, mask }: Joins, left: number, right: number): boolean {
  const hash = hashPair(left, right) & mask
  return (pairs[hash >>> 5]! & (1 << (hash & 31))) !== 0 || (flags[left]! & (flags[right]! >> 8)) !== 0
}

/** Of the tokens that merges can make. */
export function joinsOf(tokens: readonly Uint8Array[]): Joins {
  const flags = new Uint16Array(0x10000)
  const found = new Set<number>() // left unit · 2^16 + right unit
  const parts = {
    suffixes: new Set<number>(),
    prefixes: new Set<number>(),
    loose: [new Set<number>(), new Set<number>()] as const,
  }
  for (const token of tokens) {
    let i = 0
    while (i < token.length && sequenceLength(token[i]!) === 0) i++
    const suffix = i > 0 ? keyOf(token, 0, i) : 0
    let left = -1 // the character before, if it is whole: its code unit, or 0xd800 for any beyond the BMP
    while (i < token.length) {
      const end = i + sequenceLength(token[i]!)
      if (end === i) break // not UTF-8: no text has it
      if (end > token.length) {
        const prefix = keyOf(token, i, token.length)
        if (left >= 0) {
          flags[left]! |= WHOLE_THEN_PART
          parts.prefixes.add(prefix)
        } else if (suffix > 0) {
          parts.loose[0].add(suffix)
          parts.loose[1].add(prefix)
        }
        break
      }
      const unit = unitOf(token, i, end)
      if (left >= 0) found.add(left * 0x10000 + unit)
      else if (suffix > 0) {
        parts.suffixes.add(suffix)
        flags[unit]! |= PART_THEN_WHOLE << 8
      }
      left = unit
      i = end
    }
  }
  flagNeighbours(flags, parts)
  const mask = 2 ** Math.max(15, Math.ceil(Math.log2((found.size + 1) * 16))) - 1
  const pairs = new Int32Array((mask + 1) / 32)
  for (const pair of found) {
    const hash = hashPair(pair >>> 16, pair & 0xffff) & mask
    pairs[hash >>> 5]! |= 1 << (hash & 31)
  }
  return { flags, pairs, mask }
}

/** The characters that the parts of characters may belong to. */
function flagNeighbours(
  flags: Uint16Array,
  {
    suffixes,
    prefixes,
    loose,
  }: { suffixes: Set<number>; prefixes: Set<number>; loose: readonly [Set<number>, Set<number>] },
) {
  const bytes = new Uint8Array(4)
  for (let unit = 0; unit < 0x10000; unit++) {
    flags[unit]! |= BEFORE_SURROGATE | (AFTER_SURROGATE << 8)
    if ((unit & 0xf800) === 0xd800) flags[unit]! |= AFTER_SURROGATE | (BEFORE_SURROGATE << 8)
    const length = writeUtf8(unit, bytes, 0)
    for (let k = 1; k < length; k++) {
      const [suffix, prefix] = [keyOf(bytes, length - k, length), keyOf(bytes, 0, k)]
      if (suffixes.has(suffix)) flags[unit]! |= PART_THEN_WHOLE
      if (loose[0].has(suffix)) flags[unit]! |= PART_THEN_PART
      if (prefixes.has(prefix)) flags[unit]! |= WHOLE_THEN_PART << 8
      if (loose[1].has(prefix)) flags[unit]! |= PART_THEN_PART << 8
    }
  }
}

/** A number for up to three bytes. */
function keyOf(bytes: Uint8Array, start: number, end: number): number {
  let key = 1
  for (let i = start; i < end; i++) key = key * 256 + bytes[i]!
  return key
}

/** The code unit of a whole character; a surrogate for one beyond the BMP. */
function unitOf(bytes: Uint8Array, start: number, end: number): number {
  const first = bytes[start]!
  if (end - start === 1) return first
  if (end - start === 4) return 0xd800
  const second = bytes[start + 1]! & 0x3f
  if (end - start === 2) return ((first & 0x1f) << 6) | second
  return ((first & 0x0f) << 12) | (second << 6) | (bytes[start + 2]! & 0x3f)
}
