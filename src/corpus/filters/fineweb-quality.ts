/**
 * The line rules that FineWeb found to help (Penedo et al. 2024, "The FineWeb Datasets", section 3.6): too few lines that end in
 * punctuation, too many short lines, too many characters in repeated lines, too many line breaks. A closing quote or bracket after the
 * punctuation still counts as an end (ours; datatrove looks at the last character only).
 *
 * Chinese follows FineWeb-2's pipeline for Mandarin (`cmn_Hani.yml`): 0.106 of the lines punctuated, 0.178 line breaks a word (0.11 a
 * character), 0.1 of the characters in repeated lines, no rule about short lines (1 is no bound).
 */
import { z } from 'zod'
import { atLeast, atMost } from './check.ts'
import type { Check } from './check.ts'
import { repeated } from './gopher-repetition.ts'
import { isSpaced } from './view.ts'
import type { TextView } from './view.ts'

export const finewebQualityConfig = z.strictObject({
  minPunctuatedLines: z.number().default(0.12),
  minPunctuatedLinesChinese: z.number().default(0.106),
  maxShortLines: z.number().default(0.67),
  shortLine: z.number().int().default(30).describe('characters'),
  maxShortLinesChinese: z.number().default(1),
  shortLineChinese: z.number().int().default(12),
  maxDuplicateCharacters: z.number().default(0.01).describe('share of characters in lines that came before'),
  maxDuplicateCharactersChinese: z.number().default(0.1),
  maxLineBreaksPerWord: z.number().default(0.3).describe('a word or mark'),
  maxLineBreaksPerWordChinese: z.number().default(0.178).describe('the same where Chinese is counted in words'),
  maxLineBreaksPerCharacter: z.number().default(0.11).describe('the same where Chinese is counted in characters'),
})

const terminal = /[.!?。！？…⋯‽⁇⁈⁉｡．؟۔।॥։።]["'”’»」』)）\]】]*$|[”’」』]$/

export function* finewebQuality(view: TextView, config: z.infer<typeof finewebQualityConfig>): Generator<Check, void> {
  const { text, lines, newlines, unit } = view
  const spaced = isSpaced(unit)
  const all = Math.max(1, lines.length)
  let punctuated = 0
  let bare: string | undefined
  for (const line of lines) {
    if (endsSentence(line)) punctuated++
    else bare ??= line
  }
  const least = spaced ? config.minPunctuatedLines : config.minPunctuatedLinesChinese
  yield atLeast(rule('punctuation'), punctuated / all, least, bare)

  const [length, mostShort] = spaced
    ? [config.shortLine, config.maxShortLines]
    : [config.shortLineChinese, config.maxShortLinesChinese]
  let shorts = 0
  let short: string | undefined
  for (const line of lines) {
    if (line.length > length) continue
    shorts++
    short ??= line
  }
  yield atMost(rule('short-lines'), shorts / all, mostShort, short)

  const again = repeated(lines)
  const mostRepeated = spaced ? config.maxDuplicateCharacters : config.maxDuplicateCharactersChinese
  const share = again.characters / Math.max(1, text.length - newlines)
  yield atMost(rule('duplicate-characters'), share, mostRepeated, again.first)

  const mostBreaks = {
    tokens: config.maxLineBreaksPerWord,
    spaces: config.maxLineBreaksPerWord,
    segments: config.maxLineBreaksPerWordChinese,
    characters: config.maxLineBreaksPerCharacter,
  }[unit]
  yield atMost(rule('line-breaks'), newlines / Math.max(1, view.tokens.length), mostBreaks)
}

const rule = (name: string) => `fineweb/${name}`

/** The two commonest ends are looked up, the rest is left to the pattern. */
function endsSentence(line: string): boolean {
  const last = line.charCodeAt(line.length - 1)
  if (last === 0x2e || last === 0x3002) return true
  if ((last >= 0x61 && last <= 0x7a) || (last >= 0x4e00 && last <= 0x9fff)) return false
  return terminal.test(line.length > 12 ? line.slice(-12) : line)
}
