/**
 * The `articleBody` that a page carries as JSON-LD (schema.org), for pages whose text comes by script.
 *
 * It is what publishers tell search engines: often whole and clean, often cut short or without paragraphs. So it is taken only where the page
 * itself has next to nothing.
 */
import type { Block } from './page.ts'
import { linesOf } from './page.ts'
import { decode } from './tags.ts'
import { hasWords, sizeOf } from './text.ts'

/** The longest body in the scripts, as blocks; none where there is none. */
export function bodyFromData(scripts: readonly string[]): Block[] {
  let body = ''
  for (const script of scripts) {
    for (const found of bodiesIn(parse(script), 0)) if (found.length > body.length) body = found
  }
  const text = body.includes('&lt;') ? decode(body) : body
  const lines = /<(p|br|div)\b/i.test(text) ? linesOf(text) : decode(text).split(/\s*\n\s*/)
  return lines
    .map((line) => line.replace(/\s+/g, ' ').trim())
    .filter(hasWords)
    .map((line) => ({ kind: 'text', text: line, linkShare: 0, size: sizeOf(line) }))
}

function parse(script: string): unknown {
  try {
    return JSON.parse(script)
  } catch {
    try {
      // Line breaks inside strings are the commonest fault.
      return JSON.parse(script.replace(/^\s*(<!--|\/\/<!\[CDATA\[)|(-->|\/\/\]\]>)\s*$/g, '').replace(/[\r\n\t]+/g, ' '))
    } catch {
      return undefined
    }
  }
}

function bodiesIn(value: unknown, depth: number): string[] {
  if (typeof value !== 'object' || value === null || depth > 6) return []
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'articleBody' && typeof inner === 'string' ? [inner] : bodiesIn(inner, depth + 1),
  )
}
