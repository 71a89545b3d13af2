/**
 * HTML as a stream of tags and text, in one pass and in time linear in its length.
 *
 * It follows the tokens of the HTML standard as far as text is concerned: quoted attributes, comments, raw text (scripts, styles, titles),
 * character references. What is no token is text. It builds no tree and judges nothing.
 */
import { decodeHTML, decodeHTMLAttribute } from 'entities'

export interface TagHandler {
  /** `attributes` as written between the tag's name and its end; see `attribute`. */
  open(tag: string, attributes: string): void
  close(tag: string): void
  /** References are decoded. */
  text(text: string): void
  /** The content of an element without elements inside: script, style, title, textarea and the like. */
  raw(tag: string, attributes: string, content: string): void
}

const rawTags = new Set(['script', 'style', 'title', 'textarea', 'noscript', 'iframe', 'noembed', 'noframes', 'xmp'])
/** Where these are not closed, browsers swallow the rest of the page. */
const swallow = new Set(['script', 'style'])

const tagStart = /[a-zA-Z]/

export function scanTags(html: string, handler: TagHandler) {
  const { length } = html
  // Once an end tag has been looked for in vain, it is nowhere further on.
  const missing = new Set<string>()
  let commentsEnd = true
  let at = 0
  let from = 0
  while (at < length) {
    const open = html.indexOf('<', at)
    if (open < 0 || open === length - 1) break
    const code = html.charCodeAt(open + 1)
    if (code === 0x21 || code === 0x3f) {
      if (open > from) handler.text(decode(html.slice(from, open)))
      const end: number = commentsEnd && html.startsWith('<!--', open) ? html.indexOf('-->', open + 2) : -1
      commentsEnd &&= end >= 0 || !html.startsWith('<!--', open)
      at = from = end >= 0 ? end + 3 : endOfMarkup(html, open)
      continue
    }
    const closing = code === 0x2f
    const nameAt = closing ? open + 2 : open + 1
    if (!tagStart.test(html[nameAt] ?? '')) {
      at = open + 1
      continue
    }
    if (open > from) handler.text(decode(html.slice(from, open)))
    let nameEnd = nameAt + 1
    while (nameEnd < length && !isNameEnd(html.charCodeAt(nameEnd))) nameEnd++
    const tag = html.slice(nameAt, nameEnd).toLowerCase()
    const end = endOfTag(html, nameEnd)
    at = from = end + 1
    if (closing) {
      handler.close(tag)
      continue
    }
    const attributes = html.slice(nameEnd, end)
    if (rawTags.has(tag) && !missing.has(tag)) {
      const stop = endOfRaw(html, tag, at)
      if (stop >= 0 || swallow.has(tag)) {
        const until = stop < 0 ? length : stop
        handler.raw(tag, attributes, html.slice(at, until))
        at = from = stop < 0 ? length : endOfTag(html, stop) + 1
        continue
      }
      missing.add(tag)
    }
    handler.open(tag, attributes)
  }
  if (from < length) handler.text(decode(html.slice(from)))
}

const pairs = /([^\s"'<>/=]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>`]+)))?/g

/** The value of an attribute in what stands between a tag's name and its end, '' where it has none; undefined where it is not there. */
export function attribute(attributes: string, name: string): string | undefined {
  // Nearly all tags end here; capitals are rare enough to be looked for only in short ones.
  if (!attributes.includes(name) && !(attributes.length < 500 && attributes.toLowerCase().includes(name)))
    return undefined
  for (const [, key, double, single, bare] of attributes.matchAll(pairs)) {
    if (key!.length !== name.length || key!.toLowerCase() !== name) continue
    const value = double ?? single ?? bare ?? ''
    return value.includes('&') ? decodeHTMLAttribute(value) : value
  }
  return undefined
}

export const decode = (text: string) => (text.includes('&') ? decodeHTML(text) : text)

/** White space, `/` or `>`. */
const isNameEnd = (code: number) => code <= 0x20 || code === 0x2f || code === 0x3e

/** The index of the `>` that ends a tag; quotes may hide others. Past the end where there is none. */
function endOfTag(html: string, at: number): number {
  const plain = html.indexOf('>', at)
  if (plain < 0) return html.length
  let quote = 0
  let afterEquals = false
  for (let i = at; i < html.length; i++) {
    const code = html.charCodeAt(i)
    if (quote !== 0) {
      if (code === quote) quote = 0
      continue
    }
    if (code === 0x3e) return i
    if ((code === 0x22 || code === 0x27) && afterEquals) {
      // A quote that never ends would swallow the page: then the first `>` ends the tag.
      if (html.indexOf(String.fromCharCode(code), i + 1) < 0) return plain
      quote = code
    }
    if (code === 0x3d) afterEquals = true
    else if (code > 0x20) afterEquals = false
  }
  return plain
}

/** Of a declaration, a processing instruction, or a comment that never ends. */
function endOfMarkup(html: string, at: number): number {
  const end = html.indexOf('>', at)
  return end < 0 ? html.length : end + 1
}

function endOfRaw(html: string, tag: string, from: number): number {
  for (let at = html.indexOf('</', from); at >= 0; at = html.indexOf('</', at + 2)) {
    const name = html.slice(at + 2, at + 2 + tag.length)
    if (name.toLowerCase() !== tag) continue
    const code = html.charCodeAt(at + 2 + tag.length)
    if (Number.isNaN(code) || isNameEnd(code)) return at
  }
  return -1
}
