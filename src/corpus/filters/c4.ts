/**
 * The clean-up rules of C4 (Raffel et al. 2020, "Exploring the Limits of Transfer Learning", section 2.2) as FineWeb uses them: lines of
 * notices and fragments go; a document with placeholder text, a curly bracket or too few sentences goes whole.
 *
 * As in FineWeb, lines need no punctuation at their end (C4 asks for it: it costs half of the web, and all headlines). Ours: of lines that
 * mention JavaScript only those go that ask to switch it on, so that lessons about it stay. FineWeb-2 has no C4 step at all; the Chinese
 * notices, three sentences instead of five and four characters instead of three words are ours.
 */
import { z } from 'zod'
import { Kind, kinds } from './characters.ts'
import { atLeast, atMost } from './check.ts'
import type { Check } from './check.ts'
import { isSpaced } from './view.ts'
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

type Config = z.infer<typeof c4Config>

const notices =
  /\bjavascript\b.{0,80}\b(enable|enabled|disabled|turn|browser|required)|\b(enable|requires?|turn on)\b.{0,40}\bjavascript\b|terms of use|privacy policy|cookie policy|uses cookies|use of cookies|use cookies|(启用|开启|支持|禁用).{0,8}javascript|javascript.{0,8}(启用|开启|禁用)|隐私政策|隐私权政策|使用条款|服务条款|用户协议|(使用|接受|关于) ?cookies?/i
/** A word of every notice: texts without any of them are not searched line by line. */
const noticeWords = /javascript|cookie|terms of use|privacy policy|隐私|条款|用户协议/i
const citation = /\[(?:\d{0,4}|edit|citation needed|编辑|来源请求)\]/g

export interface C4Lines {
  text: string
  /** Lines that were dropped, with the rule that dropped each. */
  dropped: { rule: string; line: string }[]
}

/** The text without the lines that the rules drop. */
export function c4Lines({ text, unit }: TextView, config: Config): C4Lines {
  const hasNotices = noticeWords.test(text)
  const hasCitations = text.includes('[')
  const dropped: C4Lines['dropped'] = []
  let kept: string[] | undefined
  let from = 0
  // Lines are copied from the first change on; most texts have none.
  for (let number = 0; from <= text.length; number++) {
    const at = text.indexOf('\n', from)
    const to = at < 0 ? text.length : at
    const raw = text.slice(from, to)
    const line = (hasCitations ? raw.replace(citation, '') : raw).trimEnd()
    const rule = line === '' ? undefined : ruleAgainst(line, unit === 'characters', hasNotices, config)
    if (rule !== undefined) dropped.push({ rule: `c4/${rule}`, line: line.trim() })
    if (kept === undefined && (rule !== undefined || line !== raw)) kept = text.slice(0, from).split('\n').slice(0, -1)
    if (rule === undefined) kept?.push(line)
    from = to + 1
  }
  return { text: (kept?.join('\n') ?? text).trim(), dropped }
}

function ruleAgainst(line: string, byCharacter: boolean, hasNotices: boolean, config: Config): string | undefined {
  if (line.length > config.maxWordLength && hasLongWord(line, config.maxWordLength)) return 'long-word'
  if (byCharacter ? isShort(line, config.minCharactersPerLine) : hasFewWords(line, config.minWordsPerLine))
    return 'fragment'
  return hasNotices && notices.test(line) ? 'notice' : undefined
}

/** Judges a text whose lines have been cleaned. */
export function* c4Quality({ text, unit }: TextView, config: Config): Generator<Check, void> {
  if (config.loremIpsum) yield presence('lorem-ipsum', text, text.search(/lorem ipsum/i))
  if (config.curlyBracket) yield presence('curly-bracket', text, text.indexOf('{'))
  const least = isSpaced(unit) ? config.minSentences : config.minSentencesChinese
  yield atLeast('c4/sentences', countSentences(text, least), least)
}

function presence(name: string, text: string, at: number): Check {
  if (at < 0) return atMost(`c4/${name}`, 0, 0)
  const from = text.lastIndexOf('\n', at) + 1
  const to = text.indexOf('\n', at)
  return atMost(`c4/${name}`, 1, 0, text.slice(Math.max(from, at - 60), to < 0 ? text.length : to))
}

/** As datatrove: each line has at least one, whatever it ends in. Counted no further than `enough`. */
function countSentences(text: string, enough: number): number {
  const kindOf = kinds()
  let count = 0
  let open = false // something stands after the last end
  for (let i = 0; i < text.length && count < enough; i++) {
    const code = text.charCodeAt(i)
    if (code === 0x0a) {
      if (open) count++
      open = false
    } else if (code === 0x3002 || code === 0xff01 || code === 0xff1f) {
      if (open) count++
      open = false
    } else if (code === 0x2e || code === 0x21 || code === 0x3f) {
      let next = i + 1
      while (next < text.length && isCloser(text.charCodeAt(next))) next++
      if (open && (next === text.length || kindOf[text.charCodeAt(next)] === Kind.space)) {
        count++
        open = false
      }
    } else if (!open) {
      const kind = kindOf[code]!
      open = kind !== Kind.space && kind !== Kind.symbol
    }
  }
  return open && count < enough ? count + 1 : count
}

/** Quotes and brackets that close after the end of a sentence, and more marks of the end. */
const isCloser = (code: number) =>
  code === 0x22 ||
  code === 0x27 ||
  code === 0x29 ||
  code === 0x2019 ||
  code === 0x201d ||
  code === 0x2e ||
  code === 0x21 ||
  code === 0x3f

function hasFewWords(line: string, least: number): boolean {
  let words = 0
  let inside = false
  for (let i = 0; i < line.length; i++) {
    const space = line.charCodeAt(i) <= 32
    if (!space && !inside && ++words >= least) return false
    inside = !space
  }
  return words < least
}

/** Letters and digits, not punctuation. */
function isShort(line: string, least: number): boolean {
  const kindOf = kinds()
  let count = 0
  for (let i = 0; i < line.length; i++) {
    const kind = kindOf[line.charCodeAt(i)]!
    if ((kind === Kind.letter || kind === Kind.digit || kind === Kind.cjk) && ++count >= least) return false
  }
  return count < least
}

function hasLongWord(line: string, most: number): boolean {
  return !/[\u3041-\u9fff]/.test(line) && line.split(/\s+/).some((word) => word.length > most)
}
