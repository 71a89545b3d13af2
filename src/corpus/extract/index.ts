/**
 * Main text from HTML: the article without navigation, advertisements, comments and footers. Chinese and Japanese as well as English.
 *
 * `page.ts` reads a page into boxes of blocks, `select.ts` chooses among them, `trim.ts` cuts what only its words give away.
 * No script is run, no style sheet read.
 */
import { agreeing, bodyFromData } from './data.ts'
import { isShell } from './colophon.ts'
import { headlinesOf } from './headline.ts'
import { blocksIn, sizeOfAll } from './blocks.ts'
import { parsePage } from './page.ts'
import type { Block } from './blocks.ts'
import { selectBlocks } from './select.ts'
import { trimBlocks } from './trim.ts'
import { slight } from './weights.ts'

export interface Extracted {
  /** A block a line; list items open with `- `, cells are parted by ` | `. */
  text: string
  /** The page's headline, where it is told apart; then it is not in the text. */
  headline?: string
  title: string
  /** As the page declares it, such as `zh-CN`; often wrong. */
  language: string
}

export function extract(html: string): Extracted {
  const { root, title, titles, language, data } = parsePage(html)
  const headlines = headlinesOf(root, titles)
  const strict = selectBlocks(root, headlines, true)
  // When most of the page's prose sits in boxes with suspicious names, the names are wrong.
  const loose = sizeOfAll(strict) < 1500 ? selectBlocks(root, headlines, false) : strict
  const blocks = sizeOfAll(loose) > Math.max(slight, 3 * sizeOfAll(strict)) ? loose : strict
  const told = data.length > 0 ? bodyFromData(data) : []
  const trimmed = trimBlocks(told.length > 0 ? agreeing(blocks, blocksIn(root), told) : blocks)
  const shown = isShell(trimmed) ? [] : trimmed
  const kept = sizeOfAll(told) > 400 && sizeOfAll(told) > 3 * sizeOfAll(shown) ? told : shown
  const at = kept.slice(0, 4).findIndex((block) => headlines.has(block))
  const text = (at < 0 ? kept : kept.toSpliced(at, 1)).map(render).join('\n')
  // It often stands outside of the body.
  const [headline] = at < 0 ? headlines : [kept[at]!]
  return { text, ...(headline === undefined ? {} : { headline: headline.text }), title, language }
}

function render({ kind, text }: Block): string {
  return kind === 'item' ? `- ${text}` : text
}
