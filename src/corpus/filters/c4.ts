/**
 * The clean-up rules of C4 (Raffel et al. 2020, "Exploring the Limits of Transfer Learning", section 2.2), as FineWeb uses them: lines of
 * notices and fragments go; a document with placeholder text, a curly bracket or too few sentences goes whole.
 *
 * FineWeb-2 leaves C4 out for other languages; for Chinese we keep the notices and ask for three sentences instead of five.
 * C4's rule that a line must end in punctuation is left out, as in FineWeb: it takes half of the web and, in Chinese, all headlines.
 */
import { z } from 'zod'
import type { Verdict } from '../document.ts'
import type { TextView } from './view.ts'

export const c4Config = z.strictObject({
  minWordsPerLine: z.number().int().default(3),
  minCharactersPerLine: z.number().int().default(4).describe('the same for Chinese'),
  maxWordLength: z.number().int().default(1000),
  minSentences: z.number().int().default(5),
  minSentencesChinese: z.number().int().default(3),
  loremIpsum: z.boolean().default(true),
  curlyBracket: z.boolean().default(true),
})

const notices =
  /\bjavascript\b.{0,80}\b(enable|enabled|disabled|turn|browser|required)|\b(enable|requires?|turn on)\b.{0,40}\bjavascript\b|terms of use|privacy policy|cookie policy|uses cookies|use of cookies|use cookies|(启用|开启|支持|禁用).{0,8}javascript|javascript.{0,8}(启用|开启|禁用)|隐私政策|隐私权政策|使用条款|服务条款|用户协议|(使用|接受|关于) ?cookies?/i
const citation = /\[(?:\d{1,4}|edit|citation needed|编辑|来源请求)\]/g
const sentenceEnd = /[.!?]["'”’)]*(?=\s|$)|[。！？]/g

export interface C4Lines {
  text: string
  dropped: number
}

/** The text without the lines that the rules drop. */
export function c4Lines({ text, byCharacter }: TextView, config: z.infer<typeof c4Config>): C4Lines {
  const kept: string[] = []
  let dropped = 0
  for (const raw of text.split('\n')) {
    const line = raw.replace(citation, '').trimEnd()
    const bare = line.trim()
    if (
      bare !== '' &&
      (notices.test(bare) || isFragment(bare, byCharacter, config) || hasLongWord(bare, config.maxWordLength))
    )
      dropped++
    else kept.push(line)
  }
  return { text: kept.join('\n').trim(), dropped }
}

/** Judges a text whose lines have been cleaned. */
export function c4Quality({ text, byCharacter }: TextView, config: z.infer<typeof c4Config>): Verdict {
  if (config.loremIpsum && /lorem ipsum/i.test(text))
    return { rule: 'c4/lorem-ipsum', detail: 'contains "lorem ipsum"' }
  if (config.curlyBracket && text.includes('{')) return { rule: 'c4/curly-bracket', detail: 'contains "{"' }
  const least = byCharacter ? config.minSentencesChinese : config.minSentences
  let sentences = 0
  for (const _ of text.matchAll(sentenceEnd)) if (++sentences >= least) return null
  return sentences >= least ? null : { rule: 'c4/sentences', detail: `${sentences} sentences < ${least}` }
}

function isFragment(line: string, byCharacter: boolean, config: z.infer<typeof c4Config>): boolean {
  if (byCharacter) return (line.match(/[\p{L}\p{N}]/gu)?.length ?? 0) < config.minCharactersPerLine
  let words = 0
  let inside = false
  for (let i = 0; i < line.length; i++) {
    const space = line.charCodeAt(i) <= 32
    if (!space && !inside) words++
    inside = !space
    if (words >= config.minWordsPerLine) return false
  }
  return words < config.minWordsPerLine
}

function hasLongWord(line: string, most: number): boolean {
  return line.length > most && !/[\u3041-\u9fff]/.test(line) && line.split(/\s+/).some((word) => word.length > most)
}
