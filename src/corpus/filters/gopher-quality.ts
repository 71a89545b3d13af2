/**
 * Does it look like prose? The quality rules of MassiveText (Rae et al. 2021, "Scaling Language Models: Methods, Analysis &
 * Insights from Training Gopher", appendix A.1.1), as FineWeb uses them.
 *
 * Chinese: characters stand for words; the share of letters and the stop words follow FineWeb-2's tuning for Mandarin
 * (`cmn_Hani`: 0.735), the bounds on length are those of Gopher at 1.6 characters a word.
 */
import { z } from 'zod'
import type { Verdict } from '../document.ts'
import { short } from './view.ts'
import type { TextView } from './view.ts'

export const gopherQualityConfig = z.strictObject({
  minWords: z.number().min(0).default(50),
  maxWords: z.number().default(100_000),
  minCharacters: z.number().min(0).default(80).describe('fewest characters of a Chinese document'),
  maxCharacters: z.number().default(160_000),
  minMeanWordLength: z.number().default(3),
  maxMeanWordLength: z.number().default(10),
  maxSymbolRatio: z.number().default(0.1).describe('# and … a word'),
  maxBulletLines: z.number().default(0.9).describe('share of lines that open with a bullet'),
  maxEllipsisLines: z.number().default(0.3).describe('share of lines that end in an ellipsis'),
  minAlphaWords: z.number().default(0.8).describe('share of words that hold a letter'),
  minHanShare: z
    .number()
    .default(0.735)
    .describe('share of letters among the characters of a Chinese document, spaces aside'),
  minStopWords: z.number().default(2).describe('different stop words'),
})

const stopWords = new Set(['the', 'be', 'to', 'of', 'and', 'that', 'have', 'with'])
const stopCharacters = new Set('的在是和了有为人中他也不我这一们')
const bullet = /^(?:[•●○▪▫◦‣⁃–—*·-](?:\s|$)|[•●○▪▫◦‣⁃])/

export function gopherQuality(view: TextView, config: z.infer<typeof gopherQualityConfig>): Verdict {
  const { words, lines, byCharacter } = view
  const unit = byCharacter ? 'characters' : 'words'
  const [least, most] = byCharacter ? [config.minCharacters, config.maxCharacters] : [config.minWords, config.maxWords]
  if (words.length < least) return refuse('words', `${words.length} ${unit} < ${least}`)
  if (words.length > most) return refuse('words', `${words.length} ${unit} > ${most}`)
  const symbols = (view.text.match(/#|…|\.\.\./g) ?? []).length / Math.max(1, words.length)
  if (symbols > config.maxSymbolRatio)
    return refuse('symbols', `${short(symbols)} symbols a word > ${config.maxSymbolRatio}`)
  const bullets = lines.filter((line) => bullet.test(line)).length / Math.max(1, lines.length)
  if (bullets > config.maxBulletLines)
    return refuse('bullets', `${short(bullets)} of the lines > ${config.maxBulletLines}`)
  const dots = lines.filter((line) => line.endsWith('…') || line.endsWith('...')).length / Math.max(1, lines.length)
  if (dots > config.maxEllipsisLines)
    return refuse('ellipses', `${short(dots)} of the lines > ${config.maxEllipsisLines}`)
  return byCharacter ? chinese(view, config) : spaced(view, config)
}

function spaced({ words }: TextView, config: z.infer<typeof gopherQualityConfig>): Verdict {
  let letters = 0
  let alpha = 0
  const found = new Set<string>()
  for (const word of words) {
    letters += word.length
    if (/\p{L}/u.test(word)) alpha++
    const bare = word.length < 8 ? word.toLowerCase().replace(/[^a-z]/g, '') : ''
    if (stopWords.has(bare)) found.add(bare)
  }
  const mean = letters / Math.max(1, words.length)
  if (mean < config.minMeanWordLength)
    return refuse('mean-word', `${short(mean)} letters a word < ${config.minMeanWordLength}`)
  if (mean > config.maxMeanWordLength)
    return refuse('mean-word', `${short(mean)} letters a word > ${config.maxMeanWordLength}`)
  const share = alpha / Math.max(1, words.length)
  if (share < config.minAlphaWords)
    return refuse('alpha-words', `${short(share)} of the words < ${config.minAlphaWords}`)
  if (found.size < config.minStopWords)
    return refuse('stop-words', `${found.size} different ones < ${config.minStopWords}`)
  return null
}

function chinese({ text, words }: TextView, config: z.infer<typeof gopherQualityConfig>): Verdict {
  const { visible, letters } = countCharacters(text)
  const share = letters / Math.max(1, visible)
  if (share < config.minHanShare)
    return refuse('alpha-words', `${short(share)} of the characters < ${config.minHanShare}`)
  const found = new Set(words.filter((word) => stopCharacters.has(word)))
  if (found.size < config.minStopWords)
    return refuse('stop-words', `${found.size} different ones < ${config.minStopWords}`)
  return null
}

/** Characters that are neither spaces nor punctuation, and the letters among them; by ranges, which is ten times as fast as \p{L}. */
function countCharacters(text: string): { visible: number; letters: number } {
  let visible = 0
  let letters = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const isDigit = (code >= 48 && code <= 57) || (code >= 0xff10 && code <= 0xff19)
    const isLetter =
      (code >= 0x3041 && code < 0xd800) ||
      (code >= 0x61 && code <= 0x7a) ||
      (code >= 0x41 && code <= 0x5a) ||
      (code >= 0xc0 && code < 0x2000)
    const isSymbol =
      code === 0x2b ||
      code === 0x3d ||
      code === 0x24 ||
      (code >= 0x2070 && code < 0x3000) ||
      (code >= 0xdc00 && code < 0xe000)
    if (isDigit || isLetter || isSymbol) visible++
    if (isLetter) letters++
  }
  return { visible, letters }
}

const refuse = (rule: string, detail: string): Verdict => ({ rule: `gopher-quality/${rule}`, detail })
