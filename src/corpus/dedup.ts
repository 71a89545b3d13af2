/**
 * Duplicates: exact ones by a hash of the normalised text, near ones by MinHash with locality-sensitive hashing.
 *
 * As in FineWeb: shingles of 5 words, 14 bands of 8 hashes, so that two documents that share 75 % of their shingles meet with 77 %, those
 * that share 85 % with 99.4 %. Chinese shingles are 8 characters (about 5 words). The first document of a cluster stays. All
 * in memory: 14 numbers a document, fit for about 10 million; an out-of-core version would sort the bands on disk.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'

export const dedupConfig = z.strictObject({
  exact: z.boolean().default(true),
  near: z.boolean().default(true),
  bands: z.number().int().min(1).max(64).default(14),
  rows: z.number().int().min(1).max(32).default(8).describe('hashes a band'),
  shingleWords: z.number().int().min(1).default(5),
  shingleCharacters: z.number().int().min(1).default(8).describe('for Chinese'),
})
export type DedupConfig = z.infer<typeof dedupConfig>

export interface Duplicate {
  /** The document that came first. */
  of: string
  rule: 'exact-duplicate' | 'near-duplicate'
  /** For near duplicates: how many bands meet. */
  detail: string
}

/** Everything but white space and punctuation marks, in one case and one width. Signs that change a sum stay: 2+2 is not 2*2. */
export function normalise(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/(?![-*/%&@#])[\p{P}\p{Z}\p{C}]+/gu, '')
}

/** 128 bits of the normalised text, hexadecimal. */
export function textHash(text: string): string {
  return createHash('sha256').update(normalise(text)).digest('hex').slice(0, 32)
}

/** Remembers what it has seen. `check` returns what a text repeats, or null and remembers it. */
export function deduplicator(config: DedupConfig) {
  const seen = new Map<string, string>()
  const bands: Map<number, string>[] = Array.from({ length: config.bands }, () => new Map())
  return {
    check(id: string, text: string, near = config.near): Duplicate | null {
      if (config.exact) {
        const hash = textHash(text)
        const first = seen.get(hash)
        if (first !== undefined) return { of: first, rule: 'exact-duplicate', detail: `the same text as ${first}` }
        seen.set(hash, id)
      }
      if (!near) return null
      const keys = bandKeys(minHash(text, config), config)
      const meets = new Map<string, number>()
      for (const [band, key] of keys.entries()) {
        const other = bands[band]!.get(key)
        if (other !== undefined) meets.set(other, (meets.get(other) ?? 0) + 1)
      }
      const [best] = [...meets].sort((a, b) => b[1] - a[1])
      // A near-duplicate of a near-duplicate belongs to the same cluster, hence its bands count for the first document, too.
      for (const [band, key] of keys.entries()) if (!bands[band]!.has(key)) bands[band]!.set(key, best?.[0] ?? id)
      if (best === undefined) return null
      return {
        of: best[0],
        rule: 'near-duplicate',
        detail: `${best[1]} of ${config.bands} bands in common with ${best[0]}`,
      }
    },
  }
}

/** The smallest value of each hash function over the shingles of a text; empty when it has none. */
export function minHash(text: string, config: DedupConfig): Uint32Array {
  const shingles = shinglesOf(text, config)
  const count = config.bands * config.rows
  const minima = new Uint32Array(count).fill(0xffffffff)
  for (const shingle of shingles) {
    for (let i = 0; i < count; i++) {
      // A multiply-shift hash of our own for each i, mixed twice: murmur3's finaliser.
      let h = Math.imul(shingle ^ Math.imul(i + 1, 0x9e3779b1), 0x85ebca6b)
      h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
      h = (h ^ (h >>> 16)) >>> 0
      if (h < minima[i]!) minima[i] = h
    }
  }
  return shingles.size === 0 ? new Uint32Array(0) : minima
}

/** One 53-bit number a band. A text without shingles has none and meets nobody. */
function bandKeys(minima: Uint32Array, { bands, rows }: DedupConfig): number[] {
  if (minima.length === 0) return []
  return Array.from({ length: bands }, (_, band) => {
    let a = 0x811c9dc5
    let b = 0x9e3779b9
    for (let i = band * rows; i < (band + 1) * rows; i++) {
      a = Math.imul(a ^ minima[i]!, 0x01000193)
      b = Math.imul(b ^ minima[i]!, 0x85ebca6b)
      a ^= a >>> 15
      b ^= b >>> 13
    }
    return (a >>> 0) * 2 ** 21 + (b >>> 11)
  })
}

/** Hashes of all runs of n words; of n characters where the text is mostly Chinese or Japanese. A shorter text is one shingle. */
function shinglesOf(text: string, config: DedupConfig): Set<number> {
  const lower = text.normalize('NFKC').toLowerCase()
  const wide = lower.match(/[\u3041-\u9fff]/g)?.length ?? 0
  const byCharacter = wide * 3 > lower.length
  const words = lower.match(byCharacter ? /[\p{L}\p{N}]/gu : /[\p{L}\p{N}]+/gu) ?? []
  const n = Math.min(words.length, byCharacter ? config.shingleCharacters : config.shingleWords)
  const hashes = Int32Array.from(words, hashWord)
  const shingles = new Set<number>()
  if (n === 0) return shingles
  for (let i = 0; i + n <= hashes.length; i++) {
    let hash = 0x811c9dc5
    for (let k = i; k < i + n; k++) {
      hash = Math.imul(hash ^ hashes[k]!, 0x01000193)
      hash ^= hash >>> 15
    }
    shingles.add(hash)
  }
  return shingles
}

/** 32-bit FNV-1a over UTF-16 units. */
function hashWord(word: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193)
  return hash
}
