/**
 * A page as a tree of boxes that hold blocks of text: what extraction reasons about.
 *
 * A block is a run of inline text between block-level tags: a paragraph, heading, list item, table row, or preformatted text.
 * Scripts, forms, media and whatever is hidden never get in. Nesting deeper than 400 levels is flattened.
 */
import { parseHTML } from 'linkedom'

export type BlockKind = 'text' | 'heading' | 'item' | 'row' | 'code'

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
  /** Class names and id, lower case, joined by spaces. */
  label: string
  role: string
  items: (Box | Block)[]
}

export interface Page {
  root: Box
  title: string
  /** The `lang` attribute of the page, such as `zh-CN`. */
  language: string
}

export const isBox = (item: Box | Block): item is Box => 'items' in item

/** Length of a text in units of about one Latin letter: a Chinese character or kana says as much as 3 letters do. */
export function sizeOf(text: string): number {
  let wide = 0
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x2e80) wide++
  return text.length + 2 * wide
}

const never = new Set(
  'script style noscript template iframe object embed applet svg math canvas audio video map select option optgroup datalist button input textarea dialog title base link meta'.split(
    ' ',
  ),
)
const blockTags = new Set(
  'address article aside blockquote body center dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr html li main menu nav ol p pre section summary table tbody td tfoot th thead tr ul caption'.split(
    ' ',
  ),
)
const empty = new Set('area base br col embed hr img input link meta param source track wbr'.split(' '))
const unclosed = new Set('p li td th tr dd dt option thead tbody tfoot'.split(' '))
const deepest = 400
const deepestParsed = 5000
const longest = 16 << 20

/** The part of the DOM that is used; linkedom's own types are those of a browser. */
interface Node {
  nodeType: number
  localName: string
  data: string
  firstChild: Node | null
  nextSibling: Node | null
  getAttribute(name: string): string | null
}

/** Throws when a page is too large or too deep to be one; parsing it would take the square of its depth. */
export function parsePage(html: string): Page {
  if (html.length > longest) throw new Error(`the page has ${html.length} characters; more than ${longest} are refused`)
  const depth = depthOf(html)
  if (depth > deepestParsed) throw new Error(`the page is nested ${depth} deep; more than ${deepestParsed} is refused`)
  const { document } = parseHTML(/<html[\s>]/i.test(html.slice(0, 4096)) ? html : `<html><body>${html}</body></html>`)
  const meta = (selector: string) => document.querySelector(selector)?.getAttribute('content')?.trim() ?? ''
  const title = meta('meta[property="og:title"]') || (document.querySelector('title')?.textContent ?? '')
  const root: Box = { tag: 'html', label: '', role: '', items: [] }
  // All of them: tags before <html> do not hide it.
  collect(document.childNodes as unknown as Node[], root)
  const language = document.querySelector('html')?.getAttribute('lang') ?? meta('meta[http-equiv="content-language" i]')
  return { root, title: squeeze(title).trim(), language: language.trim() }
}

const cells = new Set(['td', 'th'])
const rows = new Set([...cells, 'tr'])
const groups = new Set([...rows, 'tbody', 'thead', 'tfoot'])
const terms = new Set(['dd', 'dt'])
const paragraph = new Set(['p'])
const itself = new Map(['li', 'option'].map((tag) => [tag, new Set([tag])]))
const nothing = new Set<string>()

/** The open tags that a new one ends, as parsers have it. */
function closes(tag: string): ReadonlySet<string> {
  if (cells.has(tag)) return cells
  if (tag === 'tr') return rows
  if (groups.has(tag)) return groups
  if (terms.has(tag)) return terms
  return itself.get(tag) ?? (blockTags.has(tag) ? paragraph : nothing)
}

/** How deep tags are open at most. Those whose end may be left out end with their next sibling, or with what they stand in. */
function depthOf(html: string): number {
  const open: string[] = []
  let most = 0
  for (const [, close, name] of html.matchAll(/<(\/?)([a-z][a-z0-9]*)/gi)) {
    const tag = name!.toLowerCase()
    if (empty.has(tag)) continue
    if (close === '/') {
      let at = open.length - 1
      while (at >= 0 && open[at] !== tag && unclosed.has(open[at]!)) at--
      if (open[at] === tag) open.length = at
      else if (!unclosed.has(tag)) open.pop()
    } else {
      while (closes(tag).has(open.at(-1) ?? '')) open.pop()
      open.push(tag)
    }
    most = Math.max(most, open.length)
  }
  return most
}

/** Text gathered since the last block border, in pieces: joining it at every step would cost the square of its length. */
interface Run {
  kind: BlockKind
  parts: string[]
  linked: number
  /** Whether it ends in white space (or is empty), and whether there is anything else in it. */
  open: boolean
  filled: boolean
}

const emptyRun = (kind: BlockKind): Run => ({ kind, parts: [], linked: 0, open: true, filled: false })

function add(run: Run, text: string) {
  if (text === '') return
  run.parts.push(text)
  run.open = text.endsWith(' ') || text.endsWith('\n')
  run.filled ||= text.trim() !== ''
}

function collect(tops: Node[], root: Box) {
  let run = emptyRun('text')

  function finish(box: Box, next: BlockKind) {
    const { kind, linked } = run
    const whole = run.parts.join('')
    const lines = kind === 'code' ? [withoutBlankStart(whole).trimEnd()] : whole.split(/\n\s*\n/).map(trimLines)
    const total = sizeOf(whole.trim())
    for (const text of lines) {
      if (!/[\p{L}\p{N}\p{S}]/u.test(text)) continue
      box.items.push({ kind, text, linkShare: total === 0 ? 0 : Math.min(1, linked / total), size: sizeOf(text) })
    }
    run = emptyRun(next)
  }

  function visit(node: Node, box: Box, depth: number, inLink: boolean, inRow: boolean) {
    for (let child = node.firstChild; child !== null; child = child.nextSibling) {
      if (child.nodeType === 3) {
        const text = run.kind === 'code' ? child.data : squeeze(child.data)
        const added = run.kind !== 'code' && run.open && text.startsWith(' ') ? text.slice(1) : text
        add(run, added)
        if (inLink) run.linked += sizeOf(added.trim())
        continue
      }
      if (child.nodeType !== 1) continue
      const tag = child.localName
      if (never.has(tag) || isHidden(child, tag)) continue
      if (tag === 'br') {
        add(run, '\n')
        continue
      }
      const linked = inLink || tag === 'a'
      if (depth >= deepest) {
        // Its own text only: a page nested this deep is an attack or an accident.
        for (let text = child.firstChild; text !== null; text = text.nextSibling) {
          if (text.nodeType === 3) add(run, squeeze(text.data))
        }
        continue
      }
      if (!blockTags.has(tag)) {
        visit(child, box, depth + 1, linked, inRow)
        continue
      }
      if (inRow && (tag === 'td' || tag === 'th')) {
        if (run.filled) add(run, run.open ? '| ' : ' | ')
        visit(child, box, depth + 1, linked, inRow)
        continue
      }
      if (inRow && tag !== 'table') {
        add(run, run.open ? '' : ' ')
        visit(child, box, depth + 1, linked, inRow)
        continue
      }
      const row = tag === 'tr' && isDataRow(child)
      const kind: BlockKind = row
        ? 'row'
        : /^h[1-6]$/.test(tag)
          ? 'heading'
          : tag === 'pre'
            ? 'code'
            : tag === 'li'
              ? 'item'
              : 'text'
      const inside = kind === 'text' && run.kind === 'item' && tag === 'p' ? 'item' : kind
      finish(box, inside)
      const next: Box = { tag, label: labelOf(child), role: child.getAttribute('role') ?? '', items: [] }
      visit(child, next, depth + 1, linked, row)
      finish(next, 'text')
      if (next.items.length > 0) box.items.push(next)
    }
  }
  for (const top of tops) if (top.nodeType === 1 && !never.has(top.localName)) visit(top, root, 0, false, false)
  finish(root, 'text')
}

/** A row of at least two short cells, not the scaffold of a page laid out with tables. */
function isDataRow(row: Node): boolean {
  let cells = 0
  for (let cell = row.firstChild; cell !== null; cell = cell.nextSibling) {
    if (cell.nodeType !== 1) continue
    cells++
    if (holdsBlocks(cell, 0)) return false
  }
  return cells >= 2
}

function holdsBlocks(node: Node, depth: number): boolean {
  let paragraphs = 0
  for (let child = node.firstChild; child !== null; child = child.nextSibling) {
    if (child.nodeType !== 1) continue
    if (/^(table|ul|ol|dl|h[1-6]|form|article|section|blockquote)$/.test(child.localName)) return true
    if (/^(p|div)$/.test(child.localName) && ++paragraphs > 2) return true
    if (depth < 4 && holdsBlocks(child, depth + 1)) return true
  }
  return false
}

function isHidden(node: Node, tag: string): boolean {
  if (node.getAttribute('hidden') !== null || (node.getAttribute('aria-hidden') === 'true' && tag !== 'article'))
    return true
  const style = node.getAttribute('style')
  return style !== null && /display\s*:\s*none|visibility\s*:\s*hidden/i.test(style)
}

function labelOf(node: Node): string {
  return `${node.getAttribute('class') ?? ''} ${node.getAttribute('id') ?? ''}`.toLowerCase().trim()
}

const withoutBlankStart = (text: string) => text.replace(/^(?:[^\S\n]*\n)+/, '')

const trimLines = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .join('\n')
    .trim()

/** White space as a browser shows it; zero-width characters and soft hyphens go. */
function squeeze(text: string): string {
  return text.replace(/[\u200b\u2060\ufeff\u00ad]/g, '').replace(/[\s\u00a0]+/g, ' ')
}
