/** A text with pieces of it marked: what decided over a document, lit where it stands. */
export interface Part {
  text: string
  marked: boolean
}

/** Every place of every quote, overlapping ones as one. A quote that ends in `…` was cut: what is before it is looked for. White space may differ. */
export function markedParts(text: string, quotes: readonly string[]): Part[] {
  const ranges = quotes.flatMap((quote) => placesOf(text, quote.replace(/…$/, '').trim())).sort((a, b) => a[0] - b[0])
  const parts: Part[] = []
  let at = 0
  const take = (to: number, marked: boolean) => {
    const last = parts.at(-1)
    if (to <= at) return
    if (last?.marked === marked) last.text += text.slice(at, to)
    else parts.push({ text: text.slice(at, to), marked })
    at = to
  }
  for (const [from, to] of ranges) {
    take(from, false)
    take(to, true)
  }
  take(text.length, false)
  return parts
}

function placesOf(text: string, quote: string): [from: number, to: number][] {
  if (quote === '') return []
  const pattern = quote
    .split(/\s+/)
    .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('\\s+')
  return Array.from(text.matchAll(new RegExp(pattern, 'giu')), ({ index, 0: found }) => [index, index + found.length])
}
