/** From tokens to text as it comes: whole characters only, and nothing that may still turn out to be a stop string. */
import type { Tokenizer } from '../tokenizer/tokenizer.ts'

/** What is needed of a tokenizer. */
export type TokenText = Pick<Tokenizer, 'bytesOf' | 'isSpecialId' | 'vocabSize'>

export interface TextStream {
  /** Text that became certain with this token; special tokens have none. */
  push(id: number): string
  /** The rest, when no more tokens come; an unfinished character becomes U+FFFD. */
  end(): string
  /** A stop string was found: it and what follows are left out, and further tokens give nothing. */
  readonly stopped: boolean
  /** UTF-16 units of whole characters so far, those held back or left out counted. */
  readonly decoded: number
}

export function createTextStream(tokenizer: TokenText, stops: readonly string[] = []): TextStream {
  if (stops.includes('')) throw new Error('generate: an empty stop string would stop everything')
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let held = ''
  let stopped = false
  let decoded = 0
  const take = (text: string, more: boolean): string => {
    decoded += text.length
    if (stopped) return ''
    const { before, rest, found } = splitAtStop(held + text, stops)
    stopped = found
    held = found || !more ? '' : rest
    return found || more ? before : before + rest
  }
  return {
    push: (id) => (isText(tokenizer, id) ? take(decoder.decode(tokenizer.bytesOf(id), { stream: true }), true) : ''),
    end: () => take(decoder.decode(), false),
    get stopped() {
      return stopped
    },
    get decoded() {
      return decoded
    },
  }
}

/** A model's vocabulary may be padded beyond the tokenizer's. */
const isText = (tokenizer: TokenText, id: number) => id < tokenizer.vocabSize && !tokenizer.isSpecialId(id)

/** One token as text, for showing; special tokens by name, incomplete characters as U+FFFD. */
export function textOf(tokenizer: TokenText, id: number): string {
  return id < tokenizer.vocabSize ? new TextDecoder('utf-8', { ignoreBOM: true }).decode(tokenizer.bytesOf(id)) : ''
}

/**
 * The text before the stop string that is complete first (of those that end together, the longest), so that it does not
 * matter in which pieces the text came; without one, `rest` is the longest end that a stop string may begin with.
 */
export function splitAtStop(text: string, stops: readonly string[]): { before: string; rest: string; found: boolean } {
  const found = stops
    .map((stop) => ({ start: text.indexOf(stop), length: stop.length }))
    .filter(({ start }) => start >= 0)
    .sort((a, b) => a.start + a.length - (b.start + b.length) || a.start - b.start)[0]
  if (found) return { before: text.slice(0, found.start), rest: '', found: true }
  const longest = Math.max(0, ...stops.map((stop) => stop.length - 1))
  for (let length = Math.min(longest, text.length); length > 0; length--) {
    const end = text.slice(-length)
    if (stops.some((stop) => stop.startsWith(end))) return { before: text.slice(0, -length), rest: end, found: false }
  }
  return { before: text, rest: '', found: false }
}
