/**
 * A page as a tree of boxes that hold blocks of text: what extraction reasons about.
 *
 * A block is a run of inline text between block-level tags: a paragraph, heading, list item, table row, or preformatted text. Scripts, controls, media
 * and whatever is hidden never get in. Tags are nested as browsers nest them where that decides which text belongs together: end tags
 * may be left out, links and emphasis may overlap paragraphs. Past 512 levels nesting is flattened, as in Chromium; past 5,000 the page is refused.
 */
import { attribute, decode, scanTags } from './tags.ts'
import { hasWords, sizeOf, squeeze, trimCode, trimLines } from './text.ts'

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
  /** Class names and id, joined by spaces. */
  label: string
  role: string
  /** Of microdata, such as `articleBody`. */
  property: string
  items: (Box | Block)[]
}

export interface Page {
  root: Box
  title: string
  /** That of the window and that for sharing; one often holds the headline, the other more or less. */
  titles: string[]
  /** The `lang` attribute of the page, such as `zh-CN`. */
  language: string
  /** Scripts that describe the page as JSON-LD and hold an `articleBody`. */
  data: string[]
}

export const isBox = (item: Box | Block): item is Box => 'items' in item

const setOf = (words: string) => new Set(words.split(' '))
const never = setOf(
  'svg math canvas audio video map object applet select datalist template dialog button frameset option optgroup',
)
const empty = setOf('area base br col embed frame hr img input link meta param source track wbr')
const blockTags = setOf(
  'address article aside blockquote body center dd details dir div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup html li main menu nav ol p pre section summary table tbody td tfoot th thead tr ul caption',
)
const headings = setOf('h1 h2 h3 h4 h5 h6')
/** Of a tag: the open tags that it ends, and those at which the search for them stops. */
const listStops = setOf('ul ol menu dir table td th')
const tableStops = setOf('table')
const implied = new Map<string, [ends: ReadonlySet<string>, stops: ReadonlySet<string>]>([
  ['li', [setOf('li'), listStops]],
  ['dt', [setOf('dt dd'), setOf('dl table td th')]],
  ['dd', [setOf('dt dd'), setOf('dl table td th')]],
  ['td', [setOf('td th'), setOf('table tr')]],
  ['th', [setOf('td th'), setOf('table tr')]],
  ['tr', [setOf('tr'), tableStops]],
  ['tbody', [setOf('tbody thead tfoot'), tableStops]],
  ['thead', [setOf('tbody thead tfoot'), tableStops]],
  ['tfoot', [setOf('tbody thead tfoot'), tableStops]],
])
/** An end tag reaches no further than these, unless it is theirs. */
const scopes = setOf('td th caption table')
const deepest = 512
const deepestRead = 5000
const longest = 16 << 20

interface Open {
  tag: string
  box: Box | undefined
  hidden: boolean
  link: boolean
}

/** Text since the last block border, in pieces: joining it at every step would cost the square of its length. */
interface Run {
  parts: string[]
  linked: number
  /** Whether it ends in white space, or is empty. */
  open: boolean
}

/** `hidden`: with what is hidden. Throws when a page is too long or too deep to be one. */
export function parsePage(html: string, hidden = false): Page {
  if (html.length > longest) throw new Error(`the page has ${html.length} characters; more than ${longest} are refused`)
  const root = newBox('html', '')
  const meta = new Map<string, string>()
  const data: string[] = []
  let title: string | undefined
  let language = ''
  const stack: Open[] = [{ tag: '', box: root, hidden: false, link: false }]
  let box = root
  let run: Run = { parts: [], linked: 0, open: true }
  let flattened = 0
  const depths = { hidden: 0, link: 0, heading: 0, pre: 0, p: 0 }

  function finish() {
    if (run.parts.length === 0) return
    const whole = run.parts.join('')
    const { linked } = run
    run = { parts: [], linked: 0, open: true }
    if (!hasWords(whole)) return
    const code = depths.pre > 0
    const lines = code
      ? [trimCode(whole)]
      : whole.includes('\n')
        ? whole.split(/\n\s*\n/).map(trimLines)
        : [whole.trim()]
    const total = lines.length === 1 ? sizeOf(lines[0]!) : sizeOf(whole.trim())
    for (const text of lines) {
      if (!hasWords(text)) continue
      const kind = code ? 'code' : depths.heading > 0 ? 'heading' : isFirstOfItem() ? 'item' : 'text'
      box.items.push({
        kind,
        text,
        linkShare: Math.min(1, linked / total),
        size: lines.length === 1 ? total : sizeOf(text),
      })
    }
  }

  function isFirstOfItem(): boolean {
    if (box.items.length > 0) return false
    if (items.has(box.tag)) return true
    if (box.tag !== 'p' && box.tag !== 'div') return false
    // The innermost open block but one.
    for (let i = stack.length - 1, seen = 0; i > 0; i--) {
      const above = stack[i]!.box
      if (above !== undefined && seen++ === 1) return items.has(above.tag) && above.items.length === 0
    }
    return false
  }

  function add(text: string) {
    if (text === '') return
    run.parts.push(text)
    const last = text.charCodeAt(text.length - 1)
    run.open = last === 0x20 || last === 0x0a
  }

  function pop() {
    const open = stack.pop()!
    if (open.box !== undefined) {
      finish()
      if (open.tag === 'tr') mergeCells(open.box)
      const at = stack.findLastIndex((above) => above.box !== undefined)
      box = stack[at]!.box!
      if (open.box.items.length > 0) box.items.push(open.box)
    }
    count(open, -1)
  }

  function count({ tag, hidden, link }: Open, by: number) {
    if (hidden) depths.hidden += by
    if (link) depths.link += by
    if (headings.has(tag)) depths.heading += by
    else if (tag === 'pre') depths.pre += by
    else if (tag === 'p') depths.p += by
  }

  function popTo(index: number) {
    while (stack.length > index) pop()
  }

  /** Ends an open tag of a set; nothing when none is open before a stop. */
  function end(ends: ReadonlySet<string>, stops: ReadonlySet<string>) {
    for (let i = stack.length - 1; i > 0; i--) {
      const { tag } = stack[i]!
      if (ends.has(tag)) return popTo(i)
      if (stops.has(tag)) return
    }
  }

  function open(tag: string, attributes: string) {
    if (tag === 'br') return void (depths.hidden === 0 && add('\n'))
    if (tag === 'meta') return readMeta(attributes)
    if (empty.has(tag)) {
      if (tag === 'hr') finish()
      return
    }
    if (tag === 'html' || tag === 'body') {
      if (tag === 'html') language ||= attribute(attributes, 'lang') ?? attribute(attributes, 'xml:lang') ?? ''
      if (stack.some((above) => above.tag === tag)) return
    }
    const isBlock = blockTags.has(tag)
    if (isBlock && depths.p > 0) end(paragraph, scopes)
    const ends = implied.get(tag)
    if (ends !== undefined) end(...ends)
    else if (tag === 'a' && depths.link > 0) closeInline('a')
    if (stack.length >= deepest) {
      if (++flattened > deepestRead - deepest)
        throw new Error(`the page is nested more than ${deepestRead} deep; that is refused`)
      if (isBlock && depths.hidden === 0) finish()
      return
    }
    const hides = never.has(tag) || (!hidden && attributes !== '' && isHidden(tag, attributes))
    const opened: Open = { tag, box: undefined, hidden: hides, link: tag === 'a' && isLink(attributes) }
    if (isBlock && depths.hidden === 0 && !hides) {
      if (depths.pre > 0 && tag !== 'pre') {
        if (!run.open) add('\n')
      } else {
        finish()
        opened.box = box = newBox(tag, attributes)
      }
    } else if (isBlock && depths.hidden === 0) finish()
    stack.push(opened)
    count(opened, 1)
  }

  /** A heading that points to itself is no link. */
  function isLink(attributes: string): boolean {
    const target = attribute(attributes, 'href')
    return target !== undefined && !(depths.heading > 0 && target.startsWith('#'))
  }

  function closeInline(tag: string) {
    for (let i = stack.length - 1; i > 0; i--) {
      const above = stack[i]!
      if (above.tag !== tag) {
        if (scopes.has(above.tag)) return
        continue
      }
      if (stack.length - 1 === i || !stack.slice(i + 1).some((inner) => inner.box !== undefined)) return popTo(i)
      // Blocks stay open when emphasis around them ends.
      count(above, -1)
      stack.splice(i, 1)
      return
    }
  }

  function close(tag: string) {
    if (tag === 'br') return open(tag, '')
    if (empty.has(tag) || tag === 'html' || tag === 'body') return
    if (flattened > 0) {
      flattened--
      return
    }
    if (!blockTags.has(tag) && !never.has(tag)) return closeInline(tag)
    if (depths.pre > 0 && tag !== 'pre' && blockTags.has(tag) && !run.open) add('\n')
    for (let i = stack.length - 1; i > 0; i--) {
      const above = stack[i]!.tag
      if (above === tag || (headings.has(tag) && headings.has(above))) return popTo(i)
      if (
        scopes.has(above) &&
        !(tag === 'tr' || tag === 'table' || tag === 'tbody' || tag === 'thead' || tag === 'tfoot')
      )
        return
      if (above === 'table' && tag !== 'table') return
    }
  }

  function text(text: string) {
    if (depths.hidden > 0) return
    if (depths.pre > 0) {
      add(text)
      if (depths.link > 0) run.linked += sizeOf(text.trim())
      return
    }
    const squeezed = squeeze(text)
    const added = run.open && squeezed.startsWith(' ') ? squeezed.slice(1) : squeezed
    add(added)
    if (depths.link > 0) run.linked += sizeOf(added)
  }

  function readMeta(attributes: string) {
    const key =
      attribute(attributes, 'property') ?? attribute(attributes, 'name') ?? attribute(attributes, 'http-equiv')
    const content = attribute(attributes, 'content')
    if (key !== undefined && content !== undefined && !meta.has(key.toLowerCase())) meta.set(key.toLowerCase(), content)
  }

  scanTags(html, {
    open,
    close,
    text,
    raw(tag, attributes, content) {
      if (tag === 'title' && title === undefined && depths.hidden === 0) title = decode(content)
      if (tag === 'script' && content.includes('"articleBody"') && /ld\+json/i.test(attributes)) data.push(content)
    },
  })
  popTo(1)
  finish()
  const titles = [meta.get('og:title'), title, meta.get('twitter:title')].map((name) => squeeze(name ?? '').trim()).filter((name) => name !== '')
  return {
    root,
    title: titles[0] ?? '', titles,
    language: (language || (meta.get('content-language') ?? '')).trim(),
    data,
  }
}

const paragraph = setOf('p')
const items = setOf('li dd')

function newBox(tag: string, attributes: string): Box {
  if (attributes === '') return { tag, label: '', role: '', property: '', items: [] }
  const label = `${attribute(attributes, 'class') ?? ''} ${attribute(attributes, 'id') ?? ''}`.trim()
  const role = attribute(attributes, 'role') ?? ''
  return { tag, label, role, property: attribute(attributes, 'itemprop') ?? '', items: [] }
}

const hiddenNames = /(^|\s)(sr-only|screen-reader-text|visually-?hidden|mw-editsection|noprint)(\s|$)/i

function isHidden(tag: string, attributes: string): boolean {
  if (attributes.includes('hidden')) {
    if (attribute(attributes, 'hidden') !== undefined) return true
    if (tag !== 'article' && attribute(attributes, 'aria-hidden') === 'true') return true
  }
  const style = attribute(attributes, 'style')
  if (style !== undefined && /display\s*:\s*none|visibility\s*:\s*hidden/i.test(style)) return true
  const names = attribute(attributes, 'class')
  return names !== undefined && hiddenNames.test(names)
}

/** The cells of a row as one block, unless the table is the scaffold of a page's layout. */
function mergeCells(row: Box) {
  const cells = row.items.filter(isBox)
  if (cells.length < row.items.length || cells.some((cell) => !isDataCell(cell))) return
  const blocks = cells.map((cell) => blocksIn(cell))
  if (cells.length < 2 && blocks.flat().some((block) => block.size > 80)) return
  const text = blocks.map((cell) => cell.map((block) => block.text.replace(/\s+/g, ' ')).join(' ')).join(' | ')
  const all = blocks.flat()
  const size = all.reduce((sum, block) => sum + block.size, 0)
  const linked = all.reduce((sum, block) => sum + block.size * block.linkShare, 0)
  row.items = [{ kind: 'row', text, linkShare: linked / Math.max(1, size), size }]
}

const layout = setOf('table ul ol dl h1 h2 h3 h4 h5 h6 form article section blockquote pre tr')

/** At most two paragraphs. */
function isDataCell(cell: Box): boolean {
  let blocks = 0
  const isPlain = (box: Box): boolean =>
    box.items.every((item) => (isBox(item) ? !layout.has(item.tag) && isPlain(item) : ++blocks <= 2))
  return isPlain(cell)
}

export function blocksIn(box: Box): Block[] {
  return box.items.flatMap((item) => (isBox(item) ? blocksIn(item) : [item]))
}

/** Every visible block of a page, a line each. */
export const linesOf = (html: string): string[] => blocksIn(parsePage(html).root).map((block) => block.text)
