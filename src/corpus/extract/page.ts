/**
 * A page as a tree of boxes that hold blocks of text: what extraction reasons about.
 *
 * A block is a run of inline text between block-level tags. Scripts, controls, media and whatever is hidden never get in. Tags are nested as
 * browsers nest them where that decides which text belongs together. Past 512 levels nesting is flattened, as in Chromium; past 5,000, or
 * 16 million characters, the page is refused. The time is linear in the length of the page.
 */
import { UserError } from '../../run/errors.ts'
import { blocksIn } from './blocks.ts'
import type { Box } from './blocks.ts'
import {
  blockTags,
  empty,
  headings,
  implied,
  listItems,
  never,
  openBlock,
  openInline,
  paragraph,
  scopes,
} from './nesting.ts'
import { mergeCells } from './rows.ts'
import { attribute, decode, scanTags } from './tags.ts'
import { hasWords, sizeOf, squeeze, trimCode, trimLines } from './text.ts'

export interface Page {
  root: Box
  title: string
  /** That for sharing and that of the window; one often holds the headline, the other more or less. */
  titles: string[]
  /** The `lang` attribute of the page, such as `zh-CN`. */
  language: string
  /** Scripts that describe the page as JSON-LD and hold an `articleBody`. */
  data: string[]
}

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

/** Every visible block of a page, a line each. */
export const linesOf = (html: string): string[] => blocksIn(parsePage(html).root).map((block) => block.text)

/** Throws a UserError when a page is too long or too deep to be one. */
export function parsePage(html: string): Page {
  if (html.length > longest)
    throw new UserError(
      `the page has ${html.length} characters; more than ${longest} are refused`,
      `网页有 ${html.length} 个字符；超过 ${longest} 个的不予处理`,
    )
  const root = newBox('html', '')
  const meta = new Map<string, string>()
  const data: string[] = []
  let title: string | undefined
  let language = ''

  const stack: Open[] = [{ tag: '', box: root, hidden: false, link: false }]
  /** Those of the stack; the last one takes the text. */
  const boxes: Box[] = [root]
  /** How many of each tag are open. */
  const opened = new Map<string, number>()
  const depths = { hidden: 0, link: 0, heading: 0 }
  let flattened = 0
  let run: Run = { parts: [], linked: 0, open: true }

  const isOpen = (tag: string) => (opened.get(tag) ?? 0) > 0

  /** Ends the block that the text so far is. */
  function finish() {
    if (run.parts.length === 0) return
    const whole = run.parts.join('')
    const { linked } = run
    run = { parts: [], linked: 0, open: true }
    if (!hasWords(whole)) return
    const box = boxes.at(-1)!
    const code = isOpen('pre')
    const texts = (code ? [trimCode(whole)] : whole.split(/\n\s*\n/).map(trimLines)).filter(hasWords)
    const total = sizeOf(whole.trim())
    for (const text of texts) {
      const kind = code ? 'code' : depths.heading > 0 ? 'heading' : opensItem(box) ? 'item' : 'text'
      box.items.push({ kind, text, linkShare: Math.min(1, linked / total), size: sizeOf(text) })
    }
  }

  /** Whether a block that comes now is the first of a list item, perhaps in a paragraph of its own. */
  function opensItem(box: Box): boolean {
    if (box.items.length > 0) return false
    if (listItems.has(box.tag)) return true
    const above = boxes.at(-2)
    return (
      (box.tag === 'p' || box.tag === 'div') &&
      above !== undefined &&
      listItems.has(above.tag) &&
      above.items.length === 0
    )
  }

  function add(text: string) {
    if (text === '') return
    run.parts.push(text)
    const last = text.charCodeAt(text.length - 1)
    run.open = last === 0x20 || last === 0x0a
  }

  function push(tag: string, box: Box | undefined, hidden: boolean, link: boolean) {
    const open = { tag, box, hidden, link }
    stack.push(open)
    if (box !== undefined) boxes.push(box)
    count(open, 1)
  }

  function popTo(index: number) {
    while (stack.length > index) {
      const open = stack.at(-1)!
      if (open.box !== undefined) {
        finish()
        if (open.tag === 'tr') mergeCells(open.box)
        boxes.pop()
        if (open.box.items.length > 0) boxes.at(-1)!.items.push(open.box)
      }
      stack.pop()
      count(open, -1)
    }
  }

  function count({ tag, hidden, link }: Open, by: number) {
    opened.set(tag, (opened.get(tag) ?? 0) + by)
    if (hidden) depths.hidden += by
    if (link) depths.link += by
    if (headings.has(tag)) depths.heading += by
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
    if (tag === 'hr') finish()
    if (empty.has(tag)) return
    if (tag === 'html') language ||= attribute(attributes, 'lang') ?? attribute(attributes, 'xml:lang') ?? ''
    if ((tag === 'html' || tag === 'body') && isOpen(tag)) return
    const block = blockTags.has(tag)
    if (block && isOpen('p')) end(paragraph, scopes)
    const ends = implied.get(tag)
    if (ends !== undefined) end(...ends)
    else if (tag === 'a' && isOpen('a')) closeInline('a')
    if (stack.length >= deepest) {
      if (++flattened > deepestRead - deepest)
        throw new UserError(
          `the page is nested more than ${deepestRead} deep; that is refused`,
          `网页的标签嵌套超过 ${deepestRead} 层，不予处理`,
        )
      if (block && depths.hidden === 0) finish()
      return
    }
    const hides = never.has(tag) || (attributes !== '' && isHidden(tag, attributes))
    if (!block || depths.hidden > 0) return push(tag, undefined, hides, tag === 'a' && isLink(attributes))
    if (isOpen('pre') && tag !== 'pre') {
      if (!run.open) add('\n')
      return push(tag, undefined, hides, false)
    }
    finish()
    push(tag, hides ? undefined : newBox(tag, attributes), hides, false)
  }

  /** A heading that points to itself is no link. */
  function isLink(attributes: string): boolean {
    const target = attribute(attributes, 'href')
    return target !== undefined && !(depths.heading > 0 && target.startsWith('#'))
  }

  function closeInline(tag: string) {
    const at = openInline(stack, tag)
    if (at < 0) return
    if (!stack.some(({ box }, i) => i > at && box !== undefined)) return popTo(at)
    // Blocks stay open when emphasis around them ends.
    count(stack[at]!, -1)
    stack.splice(at, 1)
  }

  function close(tag: string) {
    if (tag === 'br') return open(tag, '')
    if (empty.has(tag) || tag === 'html' || tag === 'body') return
    if (flattened > 0) return void flattened--
    const block = blockTags.has(tag)
    if (block && tag !== 'pre' && isOpen('pre') && !run.open) add('\n')
    if (!isOpen(tag) && !headings.has(tag)) return
    if (!block && !never.has(tag)) return closeInline(tag)
    const at = openBlock(stack, tag)
    if (at > 0) popTo(at)
  }

  function text(text: string) {
    if (depths.hidden > 0) return
    const code = isOpen('pre')
    const squeezed = code ? text : squeeze(text)
    const added = !code && run.open && squeezed.startsWith(' ') ? squeezed.slice(1) : squeezed
    add(added)
    if (depths.link > 0) run.linked += sizeOf(code ? added.trim() : added)
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
  const titles = [meta.get('og:title'), title, meta.get('twitter:title')]
    .map((name) => squeeze(name ?? '').trim())
    .filter((name) => name !== '')
  language ||= meta.get('content-language') ?? ''
  return { root, title: titles[0] ?? '', titles, language: language.trim(), data }
}

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
