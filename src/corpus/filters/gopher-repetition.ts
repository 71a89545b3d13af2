/**
 * Does it repeat itself? Shares of duplicate lines, paragraphs and n-grams (Rae et al. 2021, table A1), counted as FineWeb's
 * datatrove counts them: of all characters of the text, spaces included.
 *
 * Chinese: FineWeb-2's thresholds for Mandarin (its `cmn_Hani.yml`), which are for words; counted in characters, n-grams are 1.6 times
 * as long. As there, the rules about paragraphs and about characters in repeated lines do not apply to Chinese.
 */
import { z } from 'zod'
import { atMost } from './check.ts'
import type { Check } from './check.ts'
import { ngrams } from './ngrams.ts'
import { isSpaced } from './view.ts'
import type { TextView } from './view.ts'

const table = z.array(z.tuple([z.number().int().positive(), z.number()]))

export const gopherRepetitionConfig = z.strictObject({
  maxDuplicateLines: z.number().default(0.3).describe('share of lines that came before'),
  maxDuplicateLinesChinese: z.number().default(0.287),
  maxDuplicateLineCharacters: z.number().default(0.2).describe('share of characters in such lines'),
  maxDuplicateParagraphs: z
    .number()
    .default(0.3)
    .describe('share of paragraphs (between empty lines) that came before'),
  maxDuplicateParagraphCharacters: z.number().default(0.2),
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
  topChinese: table
    .default([
      [3, 0.256],
      [5, 0.201],
      [6, 0.171],
    ])
    .describe('the same for n-grams of Chinese characters'),
  duplicateChinese: table.default([
    [8, 0.198],
    [10, 0.182],
    [11, 0.167],
    [13, 0.154],
    [14, 0.14],
    [16, 0.127],
  ]),
  topChineseWords: table
    .default([
      [2, 0.256],
      [3, 0.201],
      [4, 0.171],
    ])
    .describe('the same for Chinese words, where filters count in words'),
  duplicateChineseWords: table.default([
    [5, 0.198],
    [6, 0.182],
    [7, 0.167],
    [8, 0.154],
    [9, 0.14],
    [10, 0.127],
  ]),
})

export function* gopherRepetition(
  view: TextView,
  config: z.infer<typeof gopherRepetitionConfig>,
): Generator<Check, void> {
  const { text, unit } = view
  const spaced = isSpaced(unit)
  if (spaced) {
    const paragraphs = text.includes('\n\n') ? text.trim().split(/\n{2,}/) : [text]
    const again = repeated(paragraphs)
    yield atMost(rule('paragraphs'), again.count / paragraphs.length, config.maxDuplicateParagraphs, again.first)
    const share = again.characters / Math.max(1, text.length)
    yield atMost(rule('paragraph-characters'), share, config.maxDuplicateParagraphCharacters, again.first)
  }
  const again = repeated(view.lines)
  const share = again.count / Math.max(1, view.lines.length)
  yield atMost(rule('lines'), share, spaced ? config.maxDuplicateLines : config.maxDuplicateLinesChinese, again.first)
  if (spaced) {
    const part = again.characters / Math.max(1, text.length)
    yield atMost(rule('line-characters'), part, config.maxDuplicateLineCharacters, again.first)
  }
  const [top, duplicate] = {
    tokens: [config.top, config.duplicate],
    spaces: [config.top, config.duplicate],
    characters: [config.topChinese, config.duplicateChinese],
    segments: [config.topChineseWords, config.duplicateChineseWords],
  }[unit]
  const grams = ngrams(view)
  for (const [n, most] of top!.toSorted(byLength)) {
    const { share, gram } = grams.top(n)
    yield atMost(rule(`top-${n}-gram`), share, most, gram)
  }
  for (const [n, most] of duplicate!.toSorted(byLength)) {
    const { share, gram } = grams.duplicate(n)
    yield atMost(rule(`duplicate-${n}-grams`), share, most, gram)
  }
}

const rule = (name: string) => `gopher-repetition/${name}`
const byLength = (a: [number, number], b: [number, number]) => a[0] - b[0]

/** How many came before, their characters, and the first of them. */
export function repeated(parts: readonly string[]): { count: number; characters: number; first?: string } {
  const seen = new Set<string>()
  let count = 0
  let characters = 0
  let first: string | undefined
  for (const part of parts) {
    if (seen.has(part)) {
      first ??= part
      count++
      characters += part.length
    } else seen.add(part)
  }
  return first === undefined ? { count, characters } : { count, characters, first }
}
