/**
 * The line rules that FineWeb found to help (Penedo et al. 2024, "The FineWeb Datasets", section 3.6): too few lines that end in
 * punctuation, too many short lines, too many characters in repeated lines, too many line breaks.
 *
 * Chinese follows FineWeb-2 for Mandarin (`cmn_Hani`): 0.106 of the lines punctuated, 0.178 line breaks a word (0.11 a character),
 * 0.1 of the characters in repeated lines, and no rule about short lines.
 */
import { z } from 'zod'
import type { Verdict } from '../document.ts'
import { short } from './view.ts'
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
  maxLineBreaksPerWord: z.number().default(0.3),
  maxLineBreaksPerCharacter: z.number().default(0.11).describe('the same for Chinese'),
})

const terminal = /[.!?。！？…⋯‽。｡．؟।።]["'”’»」』)）\]】]*$|[”’」』]$/

export function finewebQuality(view: TextView, config: z.infer<typeof finewebQualityConfig>): Verdict {
  const { lines, words, byCharacter } = view
  if (lines.length === 0) return refuse('empty', 'no lines')
  const punctuated = lines.filter((line) => terminal.test(line)).length / lines.length
  const least = byCharacter ? config.minPunctuatedLinesChinese : config.minPunctuatedLines
  if (punctuated < least)
    return refuse('punctuation', `${short(punctuated)} of the lines end in punctuation < ${least}`)
  const [length, mostShort] = byCharacter
    ? [config.shortLineChinese, config.maxShortLinesChinese]
    : [config.shortLine, config.maxShortLines]
  const shorts = lines.filter((line) => line.length <= length).length / lines.length
  if (shorts > mostShort)
    return refuse('short-lines', `${short(shorts)} of the lines have ≤ ${length} characters > ${mostShort}`)
  const repeated = repeatedShare(lines)
  const mostRepeated = byCharacter ? config.maxDuplicateCharactersChinese : config.maxDuplicateCharacters
  if (repeated > mostRepeated)
    return refuse('duplicate-characters', `${short(repeated)} of the characters > ${mostRepeated}`)
  const breaks = (lines.length - 1) / Math.max(1, words.length)
  const most = byCharacter ? config.maxLineBreaksPerCharacter : config.maxLineBreaksPerWord
  if (breaks > most) return refuse('line-breaks', `${short(breaks)} a ${byCharacter ? 'character' : 'word'} > ${most}`)
  return null
}

/** Share of the characters that lie in lines that came before. */
function repeatedShare(lines: readonly string[]): number {
  const seen = new Set<string>()
  let repeated = 0
  let total = 0
  for (const line of lines) {
    total += line.length
    if (seen.has(line)) repeated += line.length
    else seen.add(line)
  }
  return repeated / Math.max(1, total)
}

const refuse = (rule: string, detail: string): Verdict => ({ rule: `fineweb/${rule}`, detail })
