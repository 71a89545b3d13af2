/** How each block by itself speaks for or against being content. */
import type { Block } from './blocks.ts'

const sentenceEnd = /[.!?…;:]["'”’»)\]]*(\s|$)|[。！？；：…]/

/** Ends like a sentence. */
export const sentenceLast = /[.!?…。！？]["'”’“«»)）」』】》\]]*$/

/** How much a block speaks for being content: about its size when it is prose, below zero when it looks like furniture. */
export function voteOf({ kind, text, size, linkShare }: Block): number {
  const prose = size * (1 - 1.5 * linkShare)
  if (kind !== 'row' && linkShare > 0.5) return -Math.min(size, 150)
  if (kind === 'heading') return 0
  if (kind === 'code') return size
  if (kind === 'row') return linkShare > 0.6 ? -10 : size > 30 ? prose * 0.5 : 5
  if (size > 80 || (size > 25 && sentenceEnd.test(text))) return prose
  if (kind === 'text' && size > 8 && linkShare < 0.2 && sentenceLast.test(text)) return size
  return kind === 'item' ? (linkShare > 0.2 ? -size : 5) : -10
}

/** Whether a block of a box that stays stays too. `mixed`: it stands in a list that holds more than links. */
export function keepBlock(block: Block, mixed: boolean): boolean {
  if (block.kind === 'heading') return block.linkShare < 0.9 || block.size > 20
  if (block.kind === 'row' || (block.kind === 'item' && mixed)) return true
  if (block.linkShare < 0.75 || block.size > 200) return true
  return block.linkShare < 0.95 && block.size > 60 && sentenceLast.test(block.text)
}
