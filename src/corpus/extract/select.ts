/**
 * Which blocks of a page are its main text.
 *
 * Each block votes for or against being content by its size, its links and its punctuation. Boxes whose tags, roles or names say that
 * they are furniture do not count. The box with the largest sum of votes holds the article; inside it a box that is named like the body
 * of an article, and holds most of the prose, is the article. What is left in it with a sum below zero is cut out.
 * (Readability, jusText and trafilatura pursue related ideas.)
 */
import { bodyRank, natureOf } from './names.ts'
import { isBox } from './blocks.ts'
import type { Block, Box } from './blocks.ts'

interface Weight {
  /** The votes of prose below a box. */
  prose: number
  /** All votes; furniture counts against. */
  sum: number
  /** All votes; furniture does not count. */
  net: number
}

/** What reasoning about a page needs to know of its boxes. */
interface Weights {
  of: Map<Box, Weight>
  furniture: Set<Box>
}

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

const furnitureTags = new Set(['nav', 'aside', 'footer', 'form', 'menu', 'figcaption'])
const furnitureRoles =
  /^(navigation|banner|contentinfo|complementary|search|dialog|alert|alertdialog|menu|menubar|toolbar|tooltip|tablist|status)$/
const wholes = new Set(['html', 'body', 'main'])

function weigh(root: Box, strict: boolean): Weights {
  const of = new Map<Box, Weight>()
  const measure = (box: Box): number => {
    let prose = 0
    for (const item of box.items) prose += isBox(item) ? measure(item) : Math.max(0, voteOf(item))
    of.set(box, { prose, sum: 0, net: 0 })
    return prose
  }
  const all = measure(root)
  const furniture = new Set<Box>()
  for (const [box, { prose }] of of)
    if (!wholes.has(box.tag) && isFurniture(box, prose, all, strict)) furniture.add(box)
  if (strict) for (const teaser of teasersIn(root, of, all)) furniture.add(teaser)
  const add = (box: Box, within: boolean): number => {
    const here = within || furniture.has(box)
    let sum = 0
    let net = 0
    for (const item of box.items) {
      if (isBox(item)) {
        sum += add(item, here)
        net += of.get(item)!.net
      } else {
        const vote = voteOf(item)
        sum += here ? -Math.abs(vote) * 0.3 : vote
        net += vote
      }
    }
    if (!here && sum > 0 && bodyRank(box) > 0) sum *= 1.1
    const weight = of.get(box)!
    weight.sum = sum
    // Items of a list may be links, as long as the list is not one of links.
    if (net < 0 && lists.has(box.tag) && linkShareOf(box) < 0.4) net = 0
    weight.net = here ? 0 : net
    return sum
  }
  add(root, false)
  return { of, furniture }
}

function isFurniture(box: Box, prose: number, all: number, strict: boolean): boolean {
  if (furnitureRoles.test(box.role)) return box.role !== 'banner' || prose < 0.4 * all
  if (furnitureTags.has(box.tag)) return box.tag === 'nav' || ((strict || box.tag !== 'form') && prose < 0.5 * all)
  if (!strict) return false
  if (box.tag === 'figure') return prose < 0.4 * all && !holdsMatter(box)
  const nature = natureOf(box)
  if (nature === 'after') return prose < 0.4 * all || (all - prose > 200 && prose < 0.95 * all)
  if (nature === 'furniture') return prose < 0.4 * all && (bodyRank(box) < 2 || prose < 0.1 * all)
  return nature === 'slight' && prose < Math.min(400, 0.15 * all)
}

/** Boxes that announce other pages: a heading that is a link, and little else. None where such boxes hold most of the page. */
function teasersIn(root: Box, of: Map<Box, Weight>, all: number): Box[] {
  const found: Box[] = []
  let prose = 0
  const visit = (box: Box) => {
    const held = of.get(box)!.prose
    if (held < 700 && !isHeading(box.tag) && isTeaser(box)) {
      found.push(box)
      prose += held
    } else for (const item of box.items) if (isBox(item)) visit(item)
  }
  visit(root)
  return prose < 0.6 * all ? found : []
}

function isTeaser(box: Box): boolean {
  let headings = 0
  let linked = 0
  let blocks = 0
  const count = (box: Box) => {
    for (const item of box.items) {
      if (isBox(item)) count(item)
      else {
        blocks++
        if (item.kind === 'heading') {
          headings++
          if (item.linkShare > 0.9 && item.size > 15) linked++
        }
      }
    }
  }
  count(box)
  return headings === 1 && linked === 1 && blocks <= 8
}

/** A figure may hold a table, a listing or a quotation, beside pictures with their captions. */
function holdsMatter(box: Box): boolean {
  return box.items.some((item) =>
    isBox(item)
      ? item.tag === 'blockquote' || item.tag === 'table' || holdsMatter(item)
      : item.kind === 'row' || item.kind === 'code',
  )
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
  if (visit(root) && lead !== undefined && sizeOf(lead) < 1500) kept.splice(at, 0, ...lead)
}

const leadNames =
  /(^|[\s_-])(lead|lede|intro|introduction|summary|standfirst|dek|abstract|excerpt|teaser|vorspann|chapo|sapo|subtitle|subheadline|entradilla|bajada|sumario)/i

const sizeOf = (blocks: Block[]) => blocks.reduce((sum, block) => sum + block.size, 0)

function plainBlocks(box: Box, furniture: Set<Box>, kept: Block[]) {
  for (const item of box.items) {
    if (!isBox(item)) kept.push(item)
    else if (!furniture.has(item)) plainBlocks(item, furniture, kept)
  }
}

/** Appends the blocks of a box, without boxes that were voted out. */
function gather(box: Box, weights: Weights, kept: Block[], mixed = false) {
  const inMixed = lists.has(box.tag) ? linkShareOf(box) < 0.6 : mixed && box.tag === 'li'
  for (const [i, item] of box.items.entries()) {
    if (!isBox(item)) {
      if (keepBlock(item, box, inMixed)) kept.push(item)
      continue
    }
    if (weights.furniture.has(item)) continue
    const heading = isHeading(item.tag)
    if (
      heading ? !leadsToContent(box, i, weights) : weights.of.get(item)!.net < 0 && !isPlain(item) && !isParagraph(item)
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

const lists = new Set(['ul', 'ol', 'dl'])

function linkShareOf(box: Box): number {
  let size = 0
  let linked = 0
  const visit = (box: Box) => {
    for (const item of box.items) {
      if (isBox(item)) visit(item)
      else {
        size += item.size
        linked += item.size * item.linkShare
      }
    }
  }
  visit(box)
  return linked / Math.max(1, size)
}

const isHeading = (tag: string) => tag.length === 2 && tag[0] === 'h' && tag[1]! >= '1' && tag[1]! <= '6'

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

function keepBlock(block: Block, box: Box, mixed: boolean): boolean {
  if (block.kind === 'heading' || isHeading(box.tag)) return block.linkShare < 0.9 || block.size > 20
  if (block.kind === 'item' && mixed) return true
  if (block.linkShare < 0.75 || block.size > 200 || block.kind === 'row') return true
  return block.linkShare < 0.95 && block.size > 60 && sentenceLast.test(block.text)
}

const sentenceEnd = /[.!?…;:]["'”’»)\]]*(\s|$)|[。！？；：…]/

const sentenceLast = /[.!?…。！？]["'”’“«»)）」』】》\]]*$/

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
