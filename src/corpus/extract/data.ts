/**
 * The `articleBody` that a page carries as JSON-LD (schema.org), for pages whose text comes by script.
 *
 * It is what publishers tell search engines: often whole and clean, often cut short or without paragraphs. So it is taken only where the page
 * itself has next to nothing.
 */
import type { Block } from './blocks.ts'
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

/**
 * The blocks of a selection that the body in JSON-LD confirms, and those of the page that it names and the selection missed; the selection itself
 * where the two disagree: a body cut short (as behind paywalls), or one of another page.
 */
export function agreeing(selected: readonly Block[], page: readonly Block[], told: readonly Block[]): readonly Block[] {
  const body = lettersOf(told.map(({ text }) => text).join(' '))
  if (body.length < 300) return selected
  const confirmed = new Set(page.filter((block) => isIn(block, body)))
  const sizeOfSome = (blocks: readonly Block[]) => blocks.reduce((sum, { size }) => sum + size, 0)
  const shared = sizeOfSome(selected.filter((block) => confirmed.has(block)))
  if (shared < 0.7 * sizeOfSome(selected)) return selected
  const chosen = new Set(selected)
  const missed = shared < 0.3 * sizeOfSome(told)
  // Bodies leave out the lead, so what comes first stays.
  let begun = false
  return page.filter((block) => {
    begun ||= confirmed.has(block) && chosen.has(block)
    if (chosen.has(block)) return !begun || block.kind !== 'text' || confirmed.has(block)
    return missed && block.size > 40 && confirmed.has(block)
  })
}

const lettersOf = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '')

/** Whole, or a long block by parts of it: bodies lose datelines, notes and links. */
function isIn({ text }: Block, body: string): boolean {
  const letters = lettersOf(text)
  if (letters.length < 3) return false
  if (body.includes(letters)) return true
  const middle = letters.length >> 1
  return (
    letters.length > 60 && [0, middle - 15, letters.length - 30].some((at) => body.includes(letters.slice(at, at + 30)))
  )
}

function parse(script: string): unknown {
  try {
    return JSON.parse(script)
  } catch {
    try {
      // Line breaks inside strings are the commonest fault.
      return JSON.parse(
        script.replace(/^\s*(<!--|\/\/<!\[CDATA\[)|(-->|\/\/\]\]>)\s*$/g, '').replace(/[\r\n\t]+/g, ' '),
      )
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
