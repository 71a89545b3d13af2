/**
 * Text that a model wrote is hostile. `markup` is a template in which every value is escaped unless it was made by
 * `markup` itself, so that forgetting is impossible; for Markdown, text is put into code spans, in which nothing has a meaning.
 */

/** HTML that is safe to put into a page as it is. */
export class Markup {
  readonly source: string
  constructor(source: string) {
    this.source = source
  }
}

export type Piece = Markup | string | number | null | undefined | false | readonly Piece[]

/** markup`<p title="${text}">${text}</p>`: strings are escaped for text and quoted attributes; nothing is no text. */
export function markup(parts: TemplateStringsArray, ...values: Piece[]): Markup {
  return new Markup(parts.map((part, i) => part + (i < values.length ? render(values[i]) : '')).join(''))
}

function render(piece: Piece): string {
  if (piece instanceof Markup) return piece.source
  if (typeof piece === 'string' || typeof piece === 'number') return escapeHtml(String(piece))
  return piece ? piece.map(render).join('') : ''
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
}

export function escapeHtml(text: string): string {
  return printable(text).replace(/[&<>"'`]/g, (c) => ENTITIES[c]!)
}

/** Lone surrogates, control characters and switches of the writing direction become U+FFFD; line breaks and tabs stay. */
export function printable(text: string): string {
  return text
    .toWellFormed()
    .replace(/\r\n?/g, '\n')
    .replace(/(?![\n\t])[\p{Cc}\u202a-\u202e\u2066-\u2069\ufffe\uffff]/gu, '\ufffd')
}

/** A code span that also stands in a table: one line, longer fences than any inside; `|`, which cannot be escaped after `\`, is `¦`. */
export function codeSpan(text: string): string {
  const line = printable(text)
    .trim()
    .replace(/\s*\n\s*/g, ' ⏎ ')
    .replaceAll('|', '¦')
  if (line === '') return ''
  const fence = fenceLongerThan(line, 1)
  const pad = /^`|`$/.test(line) ? ' ' : ''
  return `${fence}${pad}${line}${pad}${fence}`
}

/** A fenced block of any text. */
export function codeBlock(text: string, kind = ''): string {
  const fence = fenceLongerThan(text, 3)
  return `${fence}${kind}\n${printable(text).replace(/\n+$/, '')}\n${fence}`
}

function fenceLongerThan(text: string, least: number): string {
  const longest = Math.max(0, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length))
  return '`'.repeat(Math.max(least, longest + 1))
}

/** Words of ours or names out of a recipe, outside code spans: everything with a meaning in Markdown or HTML is disarmed. */
export function escapeMarkdown(text: string): string {
  return printable(text)
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_{}[\]<>#|~$&]/g, (c) => (c === '<' ? '&lt;' : c === '>' ? '&gt;' : c === '&' ? '&amp;' : `\\${c}`))
}
