/** Which heading of a page is its headline: the one that its title repeats. */
import { isBox } from './blocks.ts'
import type { Block, Box } from './blocks.ts'

const wordsOf = (text: string) =>
  text.toLowerCase().match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[\p{L}\p{N}]+/gu) ?? []

/** Three quarters of its words stand in a title (Readability uses the same share), and are not just a word or two of a long one. */
function repeats(heading: string, title: string): boolean {
  const words = wordsOf(heading)
  const inTitle = new Set(wordsOf(title))
  if (words.length === 0 || inTitle.size === 0 || words.length * 4 < inTitle.size) return false
  return words.filter((word) => inTitle.has(word)).length >= 0.75 * words.length
}

/** Headings that repeat a title; else the only first-level heading of the page. */
export function headlinesOf(root: Box, titles: readonly string[]): Set<Block> {
  const found = new Set<Block>()
  const top: Block[] = []
  const visit = (box: Box, inTop: boolean) => {
    for (const item of box.items) {
      if (isBox(item)) visit(item, inTop || item.tag === 'h1')
      else if (item.kind === 'heading') {
        if (inTop) top.push(item)
        if (titles.some((title) => repeats(item.text, title))) found.add(item)
      }
    }
  }
  visit(root, false)
  if (found.size === 0 && top.length === 1) found.add(top[0]!)
  return found
}
