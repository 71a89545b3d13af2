/**
 * What boxes weigh: the votes of the blocks below them, and which of them are furniture, by tag, role, name, or because they announce other pages.
 *
 * A name may be wrong. So a box that holds much of the page's prose is no furniture, except where its name leaves no doubt (comments, related
 * articles, dialogs) and there is an article beside it.
 */
import { eachBlock, isBox, linkShareOf } from './blocks.ts'
import type { Box } from './blocks.ts'
import { bodyRank, natureOf } from './names.ts'
import { headings } from './nesting.ts'
import { voteOf } from './votes.ts'

export interface Weight {
  /** The votes of prose below a box. */
  prose: number
  /** All votes; furniture counts against. */
  sum: number
  /** All votes; furniture does not count. */
  net: number
}

/** What reasoning about a page needs to know of its boxes. */
export interface Weights {
  of: Map<Box, Weight>
  furniture: Set<Box>
}

const furnitureTags = new Set(['nav', 'aside', 'footer', 'form', 'menu', 'figcaption'])
const furnitureRoles =
  /^(navigation|banner|contentinfo|complementary|search|dialog|alert|alertdialog|menu|menubar|toolbar|tooltip|tablist|status)$/
/** Of items, or of terms with what they mean. */
export const isList = ({ tag }: Box) => tag === 'ul' || tag === 'ol' || tag === 'dl'

/** Footnotes and sources of a text: mostly links, and a part of it. */
export const isNotes = ({ label }: Box) => notes.test(label)
const notes = /(^|\s)(reflist|references|footnotes?|endnotes|citations?)(\s|$)/

/** Less prose than this, in letters, proves no name wrong: a sentence or three. */
export const slight = 300

const wholes = new Set(['html', 'body', 'main'])

/** `strict`: names count. */
export function weigh(root: Box, strict: boolean): Weights {
  const of = new Map<Box, Weight>()
  const measure = (box: Box): number => {
    let prose = 0
    for (const item of box.items) prose += isBox(item) ? measure(item) : Math.max(0, voteOf(item))
    of.set(box, { prose, sum: 0, net: 0 })
    return prose
  }
  const all = measure(root)
  const furniture = new Set<Box>()
  const beside = strict ? 0 : articleIn(root)
  for (const [box, { prose }] of of)
    if (!wholes.has(box.tag) && isFurniture(box, prose, all, strict, beside)) furniture.add(box)
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
    if (net < 0 && (isNotes(box) || (isList(box) && linkShareOf(box) < 0.8))) net = 0
    weight.net = here ? 0 : net
    return sum
  }
  add(root, false)
  return { of, furniture }
}

function isFurniture(box: Box, prose: number, all: number, strict: boolean, beside: number): boolean {
  if (furnitureRoles.test(box.role)) return box.role !== 'banner' || prose < 0.4 * all
  if (furnitureTags.has(box.tag) && strict && prose < slight && box.tag !== 'form') return true
  if (furnitureTags.has(box.tag)) return box.tag === 'nav' || ((strict || box.tag !== 'form') && prose < 0.5 * all)
  const nature = natureOf(box)
  // A page of a short article, whose names are not believed, does not fall back on its comments.
  if (!strict) return nature === 'comments' && beside > 200 && prose < 0.95 * all
  // Of a page of a few words, most may well stand in its footer.
  if (prose < slight && (nature === 'furniture' || nature === 'comments' || nature === 'after')) return true
  if (nature === 'comments' || nature === 'after') return prose < 0.4 * all || (all - prose > 200 && prose < 0.95 * all)
  if (box.tag === 'figure') return prose < 0.4 * all && !holdsMatter(box)
  if (nature === 'furniture') return prose < 0.4 * all && (bodyRank(box) < 2 || prose < 0.1 * all)
  return nature === 'slight' && prose < Math.min(400, 0.15 * all)
}

/** The most prose that a box named like an article holds, comments aside. */
function articleIn(root: Box): number {
  let most = 0
  const visit = (box: Box): number => {
    if (natureOf(box) === 'comments') return 0
    let prose = 0
    for (const item of box.items) prose += isBox(item) ? visit(item) : Math.max(0, voteOf(item))
    if (prose > most && bodyRank(box) > 0) most = prose
    return prose
  }
  visit(root)
  return most
}

/** Boxes that announce other pages: a heading that is a link, and little else. None where such boxes hold most of the page. */
function teasersIn(root: Box, of: Map<Box, Weight>, all: number): Box[] {
  const found: Box[] = []
  let prose = 0
  const visit = (box: Box) => {
    const held = of.get(box)!.prose
    if (held < 700 && !headings.has(box.tag) && isTeaser(box)) {
      found.push(box)
      prose += held
    } else for (const item of box.items) if (isBox(item)) visit(item)
  }
  visit(root)
  return prose < 0.6 * all ? found : []
}

function isTeaser(box: Box): boolean {
  let blocks = 0
  let titles = 0
  let linked = 0
  eachBlock(box, ({ kind, linkShare, size }) => {
    blocks++
    if (kind !== 'heading') return
    titles++
    if (linkShare > 0.9 && size > 15) linked++
  })
  return titles === 1 && linked === 1 && blocks <= 8
}

/** A figure may hold a table, a listing or a quotation, beside pictures with their captions. */
function holdsMatter(box: Box): boolean {
  return box.items.some((item) =>
    isBox(item)
      ? item.tag === 'blockquote' || item.tag === 'table' || holdsMatter(item)
      : item.kind === 'row' || item.kind === 'code',
  )
}
