/**
 * Does it repeat itself? Shares of duplicate lines, paragraphs and n-grams (Rae et al. 2021, table A1), as FineWeb uses them.
 *
 * Chinese n-grams are of characters, 1.6 times as long as those of words, under FineWeb-2's thresholds for Mandarin (`cmn_Hani`).
 */
import { z } from 'zod'
import type { Verdict } from '../document.ts'
import { short } from './view.ts'
import type { TextView } from './view.ts'

const table = z.array(z.tuple([z.number().int().positive(), z.number()]))

export const gopherRepetitionConfig = z.strictObject({
  maxDuplicateLines: z.number().default(0.3).describe('share of lines that came before'),
  maxDuplicateLinesChinese: z.number().default(0.287),
  maxDuplicateLineCharacters: z.number().default(0.2).describe('share of characters in such lines'),
  top: table
    .default([
      [2, 0.2],
      [3, 0.18],
      [4, 0.16],
    ])
    .describe('[n, largest share of characters in the commonest n-gram]'),
  duplicate: table
    .default([
      [5, 0.15],
      [6, 0.14],
      [7, 0.13],
      [8, 0.12],
      [9, 0.11],
      [10, 0.1],
    ])
    .describe('[n, largest share of characters in n-grams that came before]'),
  topChinese: table.default([
    [3, 0.256],
    [5, 0.201],
    [6, 0.171],
  ]),
  duplicateChinese: table.default([
    [8, 0.198],
    [10, 0.182],
    [11, 0.167],
    [13, 0.154],
    [14, 0.14],
    [16, 0.127],
  ]),
})

export function gopherRepetition(view: TextView, config: z.infer<typeof gopherRepetitionConfig>): Verdict {
  const { lines, words, byCharacter } = view
  const seen = new Set<string>()
  let duplicates = 0
  let characters = 0
  let total = 0
  for (const line of lines) {
    total += line.length
    if (seen.has(line)) {
      duplicates++
      characters += line.length
    } else seen.add(line)
  }
  const share = duplicates / Math.max(1, lines.length)
  const most = byCharacter ? config.maxDuplicateLinesChinese : config.maxDuplicateLines
  if (share > most) return refuse('lines', `${short(share)} of the lines came before > ${most}`)
  const part = characters / Math.max(1, total)
  if (!byCharacter && part > config.maxDuplicateLineCharacters) {
    return refuse(
      'line-characters',
      `${short(part)} of the characters lie in lines that came before > ${config.maxDuplicateLineCharacters}`,
    )
  }
  const grams = ngrams(words)
  const checks = [
    ...(byCharacter ? config.topChinese : config.top).map(([n, most]) => ({ n, most, top: true })),
    ...(byCharacter ? config.duplicateChinese : config.duplicate).map(([n, most]) => ({ n, most, top: false })),
  ].sort((a, b) => a.n - b.n)
  for (const { n, most, top } of checks) {
    grams.grow(n)
    const share = top ? grams.topShare() : grams.duplicateShare()
    if (share > most)
      return refuse(top ? `top-${n}-gram` : `duplicate-${n}-grams`, `${short(share)} of the characters > ${most}`)
  }
  return null
}

/** Hash tables that all calls share; they grow to the longest text seen. */
let keys = new Int32Array(1 << 12)
let counts = new Int32Array(1 << 12)

/**
 * The n-grams of a text as 32-bit hashes that grow with n. (Two different n-grams of a text of 10,000 words share a hash once in a hundred
 * texts; a share of the characters does not notice.)
 */
function ngrams(words: readonly string[]) {
  const total = words.length
  const ids = new Int32Array(total)
  const ends = new Int32Array(total + 1) // characters before each word
  for (let i = 0; i < total; i++) {
    const word = words[i]!
    let hash = 0x811c9dc5
    for (let k = 0; k < word.length; k++) hash = Math.imul(hash ^ word.charCodeAt(k), 0x01000193)
    ids[i] = hash
    ends[i + 1] = ends[i]! + word.length
  }
  const all = Math.max(1, ends[total]!)
  const hashes = new Int32Array(ids)
  let size = 1
  let mask = 0

  function clear() {
    const room = 2 ** Math.ceil(Math.log2(2 * total + 2))
    if (room > keys.length) [keys, counts] = [new Int32Array(room), new Int32Array(room)]
    mask = room - 1
    counts.fill(0, 0, room)
  }
  /** Adds one to the count of a hash and returns it. */
  function count(hash: number): number {
    let at = (hash ^ (hash >>> 15)) & mask
    while (counts[at] !== 0 && keys[at] !== hash) at = (at + 1) & mask
    keys[at] = hash
    return ++counts[at]!
  }
  return {
    grow(n: number) {
      for (; size < n; size++) {
        for (let i = 0; i + size < total; i++) {
          const hash = Math.imul(hashes[i]! ^ ids[i + size]!, 0x85ebca6b)
          hashes[i] = hash ^ (hash >>> 13)
        }
      }
    },
    /** Share of the characters in the commonest n-gram, if it comes more than once; overlaps are counted, as in the paper's code. */
    topShare(): number {
      clear()
      let best = 1
      let where = 0
      for (let i = 0; i + size <= total; i++) {
        const found = count(hashes[i]!)
        if (found > best) [best, where] = [found, i]
      }
      return best === 1 ? 0 : Math.min(1, (best * (ends[where + size]! - ends[where]!)) / all)
    },
    /** Share of the characters in n-grams that came before, none counted twice. */
    duplicateShare(): number {
      clear()
      let repeated = 0
      for (let i = 0; i + size <= total;) {
        if (count(hashes[i]!) === 1) i++
        else {
          repeated += ends[i + size]! - ends[i]!
          i += size
        }
      }
      return repeated / all
    },
  }
}

const refuse = (rule: string, detail: string): Verdict => ({ rule: `gopher-repetition/${rule}`, detail })
