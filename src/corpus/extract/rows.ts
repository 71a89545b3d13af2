/** Tables: a row of data becomes one block, its cells parted by ` | `; the scaffold of a page laid out with tables stays boxes. */
import { blocksIn, isBox } from './blocks.ts'
import type { Box } from './blocks.ts'

/** The cells of a row as one block, when they hold no more than data. */
export function mergeCells(row: Box) {
  const cells = row.items.filter(isBox)
  if (cells.length < row.items.length || cells.some((cell) => !isDataCell(cell))) return
  const blocks = cells.map(blocksIn)
  const all = blocks.flat()
  if (cells.length === 0 || (cells.length === 1 && all.some((block) => block.size > 80))) return
  const text = blocks.map((cell) => cell.map((block) => block.text.replace(/\s+/g, ' ')).join(' ')).join(' | ')
  const size = all.reduce((sum, block) => sum + block.size, 0)
  const linked = all.reduce((sum, block) => sum + block.size * block.linkShare, 0)
  row.items = [{ kind: 'row', text, linkShare: linked / Math.max(1, size), size }]
}

const layout = new Set('table ul ol dl h1 h2 h3 h4 h5 h6 form article section blockquote pre tr'.split(' '))

/** At most two paragraphs. */
function isDataCell(cell: Box): boolean {
  let blocks = 0
  const isPlain = (box: Box): boolean =>
    box.items.every((item) => (isBox(item) ? !layout.has(item.tag) && isPlain(item) : ++blocks <= 2))
  return isPlain(cell)
}
