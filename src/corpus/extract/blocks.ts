/** Blocks of text in boxes: what a page is to those who choose its main text. */

export type BlockKind = 'text' | 'heading' | 'item' | 'row' | 'code'

/** A paragraph, heading, list item, table row, or preformatted text. */
export interface Block {
  kind: BlockKind
  text: string
  /** Share of the text that lies inside links, by size. */
  linkShare: number
  /** See `sizeOf`. */
  size: number
}

export interface Box {
  tag: string
  /** Class names and id, joined by spaces. */
  label: string
  role: string
  /** Of microdata, such as `articleBody`. */
  property: string
  items: (Box | Block)[]
}

export const isBox = (item: Box | Block): item is Box => 'items' in item

export function blocksIn(box: Box): Block[] {
  const blocks: Block[] = []
  eachBlock(box, (block) => void blocks.push(block))
  return blocks
}

/** In their order. */
export function eachBlock(box: Box, visit: (block: Block) => void) {
  for (const item of box.items) {
    if (isBox(item)) eachBlock(item, visit)
    else visit(item)
  }
}

export const sizeOfAll = (blocks: readonly Block[]) => blocks.reduce((sum, { size }) => sum + size, 0)

/** Share of the text of a box that lies inside links. */
export function linkShareOf(box: Box): number {
  let size = 0
  let linked = 0
  eachBlock(box, (block) => {
    size += block.size
    linked += block.size * block.linkShare
  })
  return linked / Math.max(1, size)
}
