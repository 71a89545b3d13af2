/**
 * Main text from HTML: the article without navigation, advertisements, comments and footers. Chinese and Japanese as well as English.
 *
 * Each block of text votes for or against being content by its size, its links and its punctuation; boxes whose names or roles
 * say that they are furniture vote against. The box with the largest sum of votes is the article, and inside it every box whose
 * own sum is negative is cut out. (Readability and jusText pursue related ideas; this is neither.) No script is run, no style sheet read.
 */
import { isBox, parsePage } from './blocks.ts'
import type { Block, Box } from './blocks.ts'

export interface Extracted {
  /** A block a line; list items open with `- `, cells are parted by ` | `. */
  text: string
  /** The page's headline, where it repeats the title; then it is not in the text. */
  headline?: string
  title: string
  /** As the page declares it, such as `zh-CN`; often wrong. */
  language: string
}

export function extract(html: string): Extracted {
  const { root, title, language } = parsePage(html)
  const strict = select(root, true)
  // When most of the page's prose sits in boxes with suspicious names, the names are wrong.
  const loose = sizeOfAll(strict) < 600 ? select(root, false) : strict
  const blocks = sizeOfAll(loose) > 3 * sizeOfAll(strict) ? loose : strict
  const kept = trimEnds(blocks)
  const at = headlineIndex(kept, title)
  const headline = kept[at]
  const text = (headline === undefined ? kept : kept.toSpliced(at, 1)).map(render).join('\n')
  return { text, ...(headline === undefined ? {} : { headline: headline.text }), title, language }
}

const furnitureTags = new Set(['nav', 'aside', 'footer', 'form', 'menu'])
const furnitureRoles =
  /^(navigation|banner|contentinfo|complementary|search|dialog|alertdialog|menu|menubar|toolbar|tooltip)$/
const furnitureNames =
  /(^|[\s_-])(nav|navbar|navigation|menu|menus|breadcrumbs?|crumbs?|sidebar|side|aside|footer|foot|footnav|copyright|related|relate|recommend\w*|recommended|share|sharing|sharer|social|socials|comment|comments|commentlist|comment-list|reply|replies|respond|disqus|cookie|cookies|consent|gdpr|banner|ad|ads|advert\w*|adsense|sponsor\w*|promo\w*|popup|pop|modal|overlay|newsletter|subscribe|subscription|signup|login|register|search|pager|pagination|pagenav|toolbar|widget|widgets|tags|taglist|tagcloud|byline|author-?bio|about-?author|toc|skip|hidden|outbrain|taboola|more-?stories|most-?read|popular|trending|hot|jump|rss|print|meta|postmeta|entry-?meta|post-?meta)([\s_-]|$)/
const contentWords = /(^|[-_])(article|articlebody|content|main|entry|post)([-_]|$)/
const contentNames =
  /(^|[\s_-])(article|articlebody|article-?body|article-?content|post-?content|post-?body|entry-?content|entry|story|story-?body|content|main|main-?content|text|body|rich-?text|markdown|mw-parser-output)([\s_-]|$)/

/** The blocks of the article. `strict`: names count. */
function select(root: Box, strict: boolean): Block[] {
  const furniture = findFurniture(root, strict)
  const sums = new Map<Box, number>()
  let best = { box: root, sum: -Infinity }
  const visit = (box: Box, within: boolean): number => {
    const here = within || furniture.has(box)
    let sum = 0
    for (const item of box.items) {
      if (isBox(item)) sum += visit(item, here)
      else sum += here ? -Math.abs(vote(item)) * 0.3 : vote(item)
    }
    const named = box.tag === 'article' || box.tag === 'main' || (strict && contentNames.test(box.label))
    if (!here && named && sum > 0) sum *= 1.1
    sums.set(box, sum)
    // On a tie the inner box wins: it is visited first.
    if (sum > best.sum) best = { box, sum }
    return sum
  }
  visit(root, false)
  const kept: Block[] = []
  gather(best.box, sums, furniture, kept)
  // A page of a few words has no prose to vote for: then everything that is not furniture, links or not.
  if (kept.length === 0) blocksOf(root, furniture, kept)
  return kept
}

/** Boxes that are no content by tag, role or name; by name only where they hold less than two fifths of the page's prose. */
function findFurniture(root: Box, strict: boolean): Set<Box> {
  const prose = new Map<Box, number>()
  const measure = (box: Box): number => {
    let sum = 0
    for (const item of box.items) sum += isBox(item) ? measure(item) : Math.max(0, vote(item))
    prose.set(box, sum)
    return sum
  }
  const all = measure(root)
  const found = new Set<Box>()
  for (const [box, amount] of prose) {
    if (['html', 'body', 'article', 'main'].includes(box.tag)) continue
    const byTag = furnitureTags.has(box.tag) && (box.tag !== 'form' || strict)
    const byName = strict && amount < 0.4 * all && box.label.split(/\s+/).some(isFurnitureName)
    if (byTag || furnitureRoles.test(box.role) || byName) found.add(box)
  }
  return found
}

/** A class name or id such as `sidebar`, `page-footer` or `comment_list`; not a slug that happens to hold such a word. */
function isFurnitureName(name: string): boolean {
  const parts = name.split(/[-_]+/)
  return parts.length <= 4 && furnitureNames.test(name) && !contentWords.test(name)
}

function blocksOf(box: Box, furniture: Set<Box>, kept: Block[]) {
  for (const item of box.items) {
    if (!isBox(item)) kept.push(item)
    else if (!furniture.has(item)) blocksOf(item, furniture, kept)
  }
}

/** Appends the blocks of a box, without boxes that were voted out. */
function gather(box: Box, sums: Map<Box, number>, furniture: Set<Box>, kept: Block[]) {
  for (const [i, item] of box.items.entries()) {
    if (!isBox(item)) {
      if (keepBlock(item, box)) kept.push(item)
      continue
    }
    if (furniture.has(item)) continue
    const sum = sums.get(item)!
    const heading = /^h[1-6]$/.test(item.tag)
    if (heading ? !leadsToContent(box, i, sums) : sum < 0) continue
    gather(item, sums, furniture, kept)
  }
}

/** Whether what follows a heading, up to the next one of its kind, is content. */
function leadsToContent(box: Box, index: number, sums: Map<Box, number>): boolean {
  let sum = 0
  const { tag } = box.items[index] as Box
  for (let i = index + 1; i < box.items.length; i++) {
    const item = box.items[i]!
    if (isBox(item) && item.tag === tag) break
    sum += isBox(item) ? sums.get(item)! : vote(item)
  }
  return sum > 0 || index === box.items.length - 1
}

function keepBlock(block: Block, box: Box): boolean {
  if (block.kind === 'heading' || /^h[1-6]$/.test(box.tag)) return block.linkShare < 0.9 || block.size > 20
  return block.linkShare < 0.75 || block.size > 200
}

const sentenceEnd = /[.!?…;:]["'”’)\]]?(\s|$)|[。！？；：…]/

/** How much a block speaks for being content: about its size when it is prose, below zero when it looks like furniture. */
function vote({ kind, text, size, linkShare }: Block): number {
  if (linkShare > 0.5) return -Math.min(size, 150)
  const prose = size * (1 - 1.5 * linkShare)
  if (kind === 'heading') return 0
  if (kind === 'code') return size
  if (kind === 'row') return size > 30 ? prose * 0.5 : 0
  if (size > 80 || (size > 25 && sentenceEnd.test(text))) return prose
  return kind === 'item' ? (linkShare > 0.2 ? -size : 5) : -10
}

/** Short lines that pages put around articles, and headings of what follows them. */
const notice =
  /^(advertisement|sponsored|share this|share on|print this|click to share|loading|read more|continue reading|log in|sign up|subscribe( now)?|view comments|\d+ comments?|leave a (comment|reply)|tags?:|filed under|posted in|photo:|image:|last (modified|updated)|all rights reserved|广告|分享到|扫一扫|扫码|点击(查看|阅读|下载|关注)|阅读原文|阅读全文|查看更多|加载更多|责任编辑|责编|编辑：|返回(顶部|首页)|上一篇|下一篇|版权(声明|所有)|转载请注明|未经(授权|许可)|举报|点赞|收藏)/i
const moreHeading =
  /^(related|see also|read (also|next)|you (may|might) (also )?(like|enjoy|be interested)|more (from|on|stories|articles|news)|recommended|most (read|popular)|latest (news|posts|articles)|popular posts|recent posts|comments?\b|references$|external links$|further reading|相关(阅读|文章|推荐|新闻|链接)|延伸阅读|推荐阅读|猜你喜欢|热门(文章|推荐|评论)|最新(文章|评论)|参考(资料|文献)|外部链接|网友评论)/i

/** Without notices, without what comes after a heading such as "Related" near the end, and without headings that lead to nothing. */
function trimEnds(blocks: Block[]): Block[] {
  const kept = blocks.filter((block) => block.kind === 'code' || block.size > 90 || !notice.test(block.text))
  const all = sizeOfAll(kept)
  let before = 0
  let end = kept.length
  for (const [i, block] of kept.entries()) {
    if (block.size < 90 && before > 0.6 * all && moreHeading.test(block.text)) {
      end = i
      break
    }
    before += block.size
  }
  while (end > 0 && kept[end - 1]!.kind === 'heading') end--
  return kept.slice(0, end)
}

const plain = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')

/** Where among the first blocks a heading repeats the start of the page's title, or -1. */
function headlineIndex(blocks: Block[], title: string): number {
  const at = blocks.findIndex((block) => block.kind === 'heading')
  if (at < 0 || at > 2) return -1
  const heading = plain(blocks[at]!.text)
  return heading.length > 3 && plain(title).startsWith(heading) ? at : -1
}

function render({ kind, text }: Block): string {
  return kind === 'item' ? `- ${text}` : text
}

const sizeOfAll = (blocks: Block[]) => blocks.reduce((sum, block) => sum + block.size, 0)
