/**
 * Which blocks of a page are its main text.
 *
 * Each block votes for or against being content by its size, its links and its punctuation. Boxes whose tags, roles or names say that
 * they are furniture do not count. The box with the largest sum of votes holds the article; inside it a box that is named like the body
 * of an article, and holds most of the prose, is the article. What is left in it with a sum below zero is cut out.
 * (Readability, jusText and trafilatura pursue related ideas.)
 */
import { isBox, linkShareOf, sizeOfAll } from './blocks.ts'
import type { Block, Box } from './blocks.ts'
import { bodyRank } from './names.ts'
import { headings } from './nesting.ts'
import { keepBlock, voteOf } from './votes.ts'
import { isList, isNotes, weigh } from './weights.ts'
import type { Weights } from './weights.ts'

/** The blocks of the main text in their order. `strict`: names count. */
export function selectBlocks(root: Box, headlines: ReadonlySet<Block>, strict: boolean): Block[] {
  const weights = weigh(root, strict)
  const best = heaviest(root, weights)
  const bodies = strict ? bodiesIn(best, weights) : [best]
  const kept: Block[] = []
  for (const body of bodies) gather(body, weights, kept)
  if (strict) addLead(root, weights, headlines, kept)
  // A page of a few words has no prose to vote for: then everything that is not furniture, links or not.
  if (kept.length === 0) plainBlocks(root, weights.furniture, kept)
  return kept
}

/** On a tie the inner box wins. */
function heaviest(root: Box, { of }: Weights): Box {
  let best = root
  const visit = (box: Box) => {
    const { sum } = of.get(box)!
    for (const item of box.items) if (isBox(item)) visit(item)
    if (sum > of.get(best)!.sum || (best === root && sum >= of.get(best)!.sum)) best = box
  }
  visit(root)
  return best
}

/** The boxes below one that are named most like the body of an article, where they hold most of its prose; else itself. */
function bodiesIn(best: Box, { of, furniture }: Weights): Box[] {
  const all = proseOf(best, furniture)
  for (const rank of [3, 2, 1]) {
    const found: Box[] = []
    const visit = (box: Box) => {
      if (furniture.has(box)) return
      if (bodyRank(box) >= rank && of.get(box)!.sum > 0) found.push(box)
      else for (const item of box.items) if (isBox(item)) visit(item)
    }
    visit(best)
    const held = found.reduce((sum, box) => sum + proseOf(box, furniture), 0)
    if (held < [0, 0.85, 0.75, 0.6][rank]! * all) continue
    return found
  }
  return [best]
}

function proseOf(box: Box, furniture: Set<Box>): number {
  if (furniture.has(box)) return 0
  return box.items.reduce((sum, item) => sum + (isBox(item) ? proseOf(item, furniture) : Math.max(0, voteOf(item))), 0)
}

/** Prose between the headline and the first paragraph: the lead, where pages put it into a box of its own. */
function addLead(root: Box, { furniture }: Weights, headlines: ReadonlySet<Block>, kept: Block[]) {
  const at = kept.findIndex(({ kind }) => kind !== 'heading')
  if (at < 0) return
  const before = new Set(kept.slice(0, at))
  let lead: Block[] | undefined
  const visit = (box: Box): boolean => {
    for (const item of box.items) {
      if (isBox(item)) {
        if (!(furniture.has(item) && !leadNames.test(item.label)) && visit(item)) return true
      } else if (item === kept[at]) return true
      else if (headlines.has(item)) lead = []
      else if (before.has(item)) continue
      else if (item.linkShare < 0.2 && (item.kind === 'heading' ? item.size > 80 : voteOf(item) > 50)) lead?.push(item)
    }
    return false
  }
  if (visit(root) && lead !== undefined && sizeOfAll(lead) < 1500) kept.splice(at, 0, ...lead)
}

const leadNames =
  /(^|[\s_-])(lead|lede|intro|introduction|summary|standfirst|dek|abstract|excerpt|teaser|vorspann|chapo|sapo|subtitle|subheadline|entradilla|bajada|sumario)/i

function plainBlocks(box: Box, furniture: Set<Box>, kept: Block[]) {
  for (const item of box.items) {
    if (!isBox(item)) kept.push(item)
    else if (!furniture.has(item)) plainBlocks(item, furniture, kept)
  }
}

/** Appends the blocks of a box, without boxes that were voted out. */
function gather(box: Box, weights: Weights, kept: Block[], mixed = false) {
  const inMixed = isList(box) ? isNotes(box) || linkShareOf(box) < 0.8 : mixed && box.tag === 'li'
  for (const [i, item] of box.items.entries()) {
    if (!isBox(item)) {
      if (keepBlock(item, inMixed)) kept.push(item)
      continue
    }
    if (weights.furniture.has(item)) continue
    const heading = headings.has(item.tag)
    if (
      heading
        ? !leadsToContent(box, i, weights)
        : weights.of.get(item)!.net < 0 && !isPlain(item) && !isParagraph(item) && !isRow(item)
    )
      continue
    gather(item, weights, kept, inMixed)
  }
}

/** A paragraph or the like, short but without links. */
function isPlain(box: Box): boolean {
  return box.items.length <= 2 && box.items.every((item) => (isBox(item) ? isPlain(item) : item.linkShare < 0.2))
}

const paragraphTags = new Set(['p', 'li', 'dd', 'dt'])
const isParagraph = (box: Box) => paragraphTags.has(box.tag) && !box.items.some(isBox)

/** A row of data, whose table stays. */
const isRow = ({ tag, items }: Box) =>
  tag === 'tr' && items.length === 1 && 'kind' in items[0]! && items[0].kind === 'row'

/** Whether what follows a heading, up to the next one of its kind, is content. */
function leadsToContent(box: Box, index: number, { of }: Weights): boolean {
  let sum = 0
  const { tag } = box.items[index] as Box
  for (let i = index + 1; i < box.items.length; i++) {
    const item = box.items[i]!
    if (isBox(item) && item.tag === tag) break
    if (isBox(item)) sum += of.get(item)!.net
    else sum += voteOf(item)
    // Enough: looking on would take the square of the number of headings.
    if (sum > 1000) break
  }
  return sum >= 0 || index === box.items.length - 1
}
