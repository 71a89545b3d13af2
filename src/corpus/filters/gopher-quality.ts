/**
 * Does it look like prose? The quality rules of MassiveText (Rae et al. 2021, "Scaling Language Models: Methods, Analysis &
 * Insights from Training Gopher", appendix A.1.1), counted as FineWeb's datatrove counts them; stop words in any case and more kinds of
 * bullets are ours.
 *
 * Chinese follows FineWeb-2 for Mandarin (`cmn_Hani.yml`) where that says something: its stop words, 0.735 of the words with a letter, words
 * of 1 to 5 characters. Counted in characters, the bounds on length are Gopher's at 1.6 characters a word, and the share of letters is
 * of all characters but spaces and punctuation (ours).
 */
import { z } from 'zod'
import { Kind, kinds } from './characters.ts'
import { atLeast, atMost } from './check.ts'
import type { Check } from './check.ts'
import { isSpaced, Token } from './view.ts'
import type { TextView } from './view.ts'

export const gopherQualityConfig = z.strictObject({
  minWords: z.number().min(0).default(50),
  maxWords: z.number().default(100_000),
  minCharacters: z.number().min(0).default(80).describe('fewest characters of a Chinese document'),
  maxCharacters: z.number().default(160_000),
  minMeanWordLength: z.number().default(3),
  maxMeanWordLength: z.number().default(10),
  minMeanWordLengthChinese: z.number().default(1).describe('where Chinese is counted in words'),
  maxMeanWordLengthChinese: z.number().default(5),
  maxSymbolRatio: z.number().default(0.1).describe('# a word, and … a word'),
  maxBulletLines: z.number().default(0.9).describe('share of lines that open with a bullet'),
  maxEllipsisLines: z.number().default(0.3).describe('share of lines that end in an ellipsis'),
  minAlphaWords: z.number().default(0.8).describe('share of words and marks that hold a letter'),
  minAlphaWordsChinese: z.number().default(0.735).describe('the same where Chinese is counted in words'),
  minHanShare: z
    .number()
    .default(0.735)
    .describe('share of letters among the characters of a Chinese document, spaces and punctuation aside'),
  minStopWords: z.number().default(2).describe('different stop words'),
})

const stopWords = ['the', 'be', 'to', 'of', 'and', 'that', 'have', 'with']
/** Those of FineWeb-2's `cmn_Hani.yml`, without its middle dot. */
const stopCharacters = '的年在月是和日了於為有被人中为他與後也而由'
const bullet = /^(?:[•●○▪▫◦‣⁃–—*·-](?:\s|$)|[•●○▪▫◦‣⁃])/

export function* gopherQuality(view: TextView, config: z.infer<typeof gopherQualityConfig>): Generator<Check, void> {
  const { text, words, lines, unit } = view
  const byCharacter = unit === 'characters'
  const name = byCharacter ? 'characters' : 'words'
  yield atLeast(rule(name), words, byCharacter ? config.minCharacters : config.minWords)
  yield atMost(rule(name), words, byCharacter ? config.maxCharacters : config.maxWords)
  const tokens = Math.max(1, view.tokens.length)
  yield atMost(rule('hashes'), occurrences(text, '#') / tokens, config.maxSymbolRatio)
  yield atMost(rule('ellipses'), (occurrences(text, '…') + occurrences(text, '...')) / tokens, config.maxSymbolRatio)
  yield share('bullet-lines', lines, (line) => bullet.test(line), config.maxBulletLines)
  yield share('ellipsis-lines', lines, (line) => line.endsWith('…') || line.endsWith('...'), config.maxEllipsisLines)

  if (!byCharacter) {
    let letters = 0
    let alpha = 0
    for (let i = 0; i < view.tokens.length; i++) {
      if (view.tokens[i] !== Token.mark) letters += view.ends[i]! - view.starts[i]!
      if (view.tokens[i] === Token.word) alpha++
    }
    const mean = letters / Math.max(1, words)
    const spaced = isSpaced(unit)
    yield atLeast(rule('mean-word'), mean, spaced ? config.minMeanWordLength : config.minMeanWordLengthChinese)
    yield atMost(rule('mean-word'), mean, spaced ? config.maxMeanWordLength : config.maxMeanWordLengthChinese)
    yield atLeast(rule('alpha-words'), alpha / tokens, spaced ? config.minAlphaWords : config.minAlphaWordsChinese)
  } else yield atLeast(rule('letters'), letterShare(text), config.minHanShare)
  yield atLeast(rule('stop-words'), countStopWords(view, config.minStopWords), config.minStopWords)
}

const rule = (name: string) => `gopher-quality/${name}`

function occurrences(text: string, part: string): number {
  let count = 0
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) count++
  return count
}

/** The share of lines that something is true of, and the first of them. */
function share(name: string, lines: readonly string[], test: (line: string) => boolean, most: number): Check {
  let first: string | undefined
  let count = 0
  for (const line of lines) {
    if (!test(line)) continue
    first ??= line
    count++
  }
  return atMost(rule(name), count / Math.max(1, lines.length), most, first)
}

/** Letters among the characters that are neither spaces nor punctuation: the rest is digits and signs such as + = $ ☎ 😀. */
function letterShare(text: string): number {
  const kindOf = kinds()
  let letters = 0
  let others = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    const kind = kindOf[code]!
    if (kind === Kind.letter || kind === Kind.cjk) letters++
    else if (kind === Kind.digit || (kind === Kind.symbol && isSign(code))) others++
    else if (kind === Kind.surrogate) {
      // Ideographs beyond the basic plane begin with d840 to d88f.
      if (code >= 0xd840 && code < 0xd890) letters++
      else if (code < 0xdc00) others++
    }
  }
  return letters / Math.max(1, letters + others)
}

const isSign = (code: number) => code === 0x2b || code === 0x3d || code === 0x24 || (code >= 0x2070 && code < 0x3000)

const stopSet = new Set(stopWords)

/** Different stop words, counted no further than the threshold asks. */
function countStopWords({ text, unit, starts, ends }: TextView, enough: number): number {
  const found = new Set<string>()
  if (isSpaced(unit)) {
    for (let i = 0; i < starts.length && found.size < enough; i++) {
      const length = ends[i]! - starts[i]!
      if (length < 2 || length > 7) continue
      const token = text.slice(starts[i], ends[i]).toLowerCase()
      const word = unit === 'spaces' ? token.replace(/[^a-z]/g, '') : token
      if (stopSet.has(word)) found.add(word)
    }
  } else if (unit === 'characters') {
    for (const character of stopCharacters) {
      if (found.size >= enough) break
      if (text.includes(character)) found.add(character)
    }
  } else {
    for (let i = 0; i < starts.length && found.size < enough; i++) {
      if (ends[i]! - starts[i]! !== 1) continue
      const word = text[starts[i]!]!
      if (stopCharacters.includes(word)) found.add(word)
    }
  }
  return found.size
}
