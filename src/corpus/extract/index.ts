/**
 * Main text from HTML: the article without navigation, advertisements, comments and footers. Chinese and Japanese as well as English.
 *
 * `page.ts` reads a page into boxes of blocks, `select.ts` chooses among them, `trim.ts` cuts what only its words give away.
 * No script is run, no style sheet read.
 */
import { parsePage } from './page.ts'
import type { Block } from './page.ts'
import { selectBlocks } from './select.ts'
import { sizeOfAll, trimBlocks } from './trim.ts'

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
  const { root, title, language } = parsePage(html)
  const strict = selectBlocks(root, true)
  // When most of the page's prose sits in boxes with suspicious names, the names are wrong.
  const loose = sizeOfAll(strict) < 600 ? selectBlocks(root, false) : strict
  const blocks = sizeOfAll(loose) > 3 * sizeOfAll(strict) ? loose : strict
  const kept = trimBlocks(blocks)
  const at = headlineIndex(kept, title)
  const headline = kept[at]
  const text = (headline === undefined ? kept : kept.toSpliced(at, 1)).map(render).join('\n')
  return { text, ...(headline === undefined ? {} : { headline: headline.text }), title, language }
}

const plain = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')

/** Where among the first blocks a heading repeats the start of the page's title, or -1. */
function headlineIndex(blocks: readonly Block[], title: string): number {
  const at = blocks.findIndex((block) => block.kind === 'heading')
  if (at < 0 || at > 2) return -1
  const heading = plain(blocks[at]!.text)
  return heading.length > 3 && plain(title).startsWith(heading) ? at : -1
}

function render({ kind, text }: Block): string {
  return kind === 'item' ? `- ${text}` : text
}
