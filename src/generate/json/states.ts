/**
 * JSON of a shape, as a machine that reads bytes. A state knows whether a byte may come, what may come then, and how many bytes
 * the shortest way to the end has: with that, an answer can be brought to its end in time. Each value is given the state that
 * follows it, so there is no stack. Strings are UTF-8 without lone surrogates; numbers have at most 15 digits before and
 * after the point and two in the exponent, so that they stay finite and integers exact.
 */
import type { JsonShape, Property } from './schema.ts'

export interface State {
  /** Bytes still needed at least. */
  cost: number
  /** The text may end here. */
  done: boolean
  step(byte: number): State | null
}

/** Nothing may follow. */
export const END: State = { cost: 0, done: true, step: () => null }

const [QUOTE, COMMA, OPEN, CLOSE, OPEN_LIST, CLOSE_LIST] = [...'",{}[]'].map((c) => c.charCodeAt(0))
const [BACKSLASH, MINUS, PLUS, POINT, ZERO, U] = [...'\\-+.0u'].map((c) => c.charCodeAt(0))
const ESCAPED = [...'"\\/bfnrt'].map((c) => c.charCodeAt(0))
const MOST_DIGITS = { int: 15, frac: 15, exp: 2 }

const isDigit = (byte: number) => byte >= 0x30 && byte <= 0x39
const isE = (byte: number) => byte === 0x45 || byte === 0x65
const hexOf = (byte: number) =>
  isDigit(byte) ? byte - 0x30 : [...'abcdef'].indexOf(String.fromCharCode(byte | 32)) + 10
const isHex = (byte: number) => isDigit(byte) || hexOf(byte) >= 10

/** A value of this shape, then what `next` says. */
export function value(shape: JsonShape, next: State = END): State {
  return {
    cost: shape.cost + next.cost,
    done: false,
    step(byte) {
      if (byte === QUOTE && shape.string) return string(next)
      if ((byte === MINUS || isDigit(byte)) && shape.number) {
        const phase = byte === MINUS ? 'minus' : byte === ZERO ? 'zero' : 'int'
        return number(shape.number, phase, 1, next)
      }
      if (byte === OPEN && shape.object) return members(shape.object, next)
      if (byte === OPEN_LIST && shape.array) return elements(shape.array, next)
      const fitting = shape.literals.filter((text) => text[0] === byte)
      return fitting.length > 0 ? literals(fitting, 1, next) : null
    },
  }
}

/** One of these texts, `at` bytes of which are there. */
function literals(texts: readonly Uint8Array[], at: number, next: State): State {
  if (texts.every((text) => text.length === at)) return next
  const ended = texts.some((text) => text.length === at)
  return {
    cost: Math.min(...texts.map((text) => text.length)) - at + next.cost,
    done: ended && next.done,
    step(byte) {
      const fitting = texts.filter((text) => text[at] === byte)
      return fitting.length > 0 ? literals(fitting, at + 1, next) : ended ? next.step(byte) : null
    },
  }
}

/** What follows an opening quote. */
function string(next: State): State {
  const inside: State = {
    cost: 1 + next.cost,
    done: false,
    step(byte) {
      if (byte === QUOTE) return next
      if (byte === BACKSLASH) return escape
      if (byte < 0x80) return byte < 0x20 ? null : inside
      if (byte >= 0xc2 && byte <= 0xdf) return rest(1)
      if (byte >= 0xe0 && byte <= 0xef) return rest(2, byte === 0xe0 ? 0xa0 : 0x80, byte === 0xed ? 0x9f : 0xbf)
      if (byte >= 0xf0 && byte <= 0xf4) return rest(3, byte === 0xf0 ? 0x90 : 0x80, byte === 0xf4 ? 0x8f : 0xbf)
      return null
    },
  }
  /** The bytes of a character after its first. */
  const rest = (left: number, low = 0x80, high = 0xbf): State => ({
    cost: left + inside.cost,
    done: false,
    step: (byte) => (byte < low || byte > high ? null : left === 1 ? inside : rest(left - 1)),
  })
  const escape: State = {
    cost: 1 + inside.cost,
    done: false,
    step: (byte) => (byte === U ? hex(4, false) : ESCAPED.includes(byte) ? inside : null),
  }
  /** Digits of \uXXXX; after a first D the second is below 8, or it would be half of a pair. */
  const hex = (left: number, afterD: boolean): State => ({
    cost: left + inside.cost,
    done: false,
    step(byte) {
      if (!isHex(byte) || (afterD && hexOf(byte) >= 8)) return null
      return left === 1 ? inside : hex(left - 1, left === 4 && hexOf(byte) === 13)
    },
  })
  return inside
}

type Phase = 'minus' | 'zero' | 'int' | 'point' | 'frac' | 'e' | 'sign' | 'exp'
const AFTER_DIGIT: Partial<Record<Phase, 'int' | 'frac' | 'exp'>> = {
  minus: 'int',
  int: 'int',
  point: 'frac',
  frac: 'frac',
  e: 'exp',
  sign: 'exp',
  exp: 'exp',
}

/** Inside a number: `digits` of this phase are there. */
function number(kind: 'number' | 'integer', phase: Phase, digits: number, next: State): State {
  const complete = ['zero', 'int', 'frac', 'exp'].includes(phase)
  const to = (phase: Phase, digits = 0) => number(kind, phase, digits, next)
  return {
    cost: (complete ? 0 : 1) + next.cost,
    done: complete && next.done,
    step(byte) {
      if (isDigit(byte)) {
        const then = AFTER_DIGIT[phase]
        if (phase === 'minus' && byte === ZERO) return to('zero')
        if (then && then !== phase) return to(then, 1)
        return then && digits < MOST_DIGITS[then] ? to(then, digits + 1) : null
      }
      if (kind === 'number') {
        if (byte === POINT && (phase === 'zero' || phase === 'int')) return to('point')
        if (isE(byte) && complete && phase !== 'exp') return to('e')
        if ((byte === PLUS || byte === MINUS) && phase === 'e') return to('sign')
      }
      return complete ? next.step(byte) : null
    },
  }
}

/** Properties from index `from` on that may come next: the optional ones up to the first required one. */
function candidates(properties: readonly Property[], from: number): number[] {
  const indices = properties.map((_, i) => i).slice(from)
  const required = indices.find((i) => properties[i]!.required)
  return indices.filter((i) => required === undefined || i <= required)
}

/** After an opening brace. */
function members(properties: readonly Property[], next: State): State {
  const named = key(properties, candidates(properties, 0), 0, next)
  const mayEnd = !properties.some((p) => p.required)
  return {
    cost: mayEnd ? 1 + next.cost : named.cost,
    done: false,
    step: (byte) => (byte === CLOSE ? (mayEnd ? next : null) : named.step(byte)),
  }
}

/** Inside a key, one of these properties', `at` bytes of which are there. */
function key(properties: readonly Property[], of: readonly number[], at: number, next: State): State {
  const [only] = of
  if (of.length === 1 && properties[only!]!.key.length === at)
    return value(properties[only!]!.value, member(properties, only!, next))
  const costs = of.map((i) => properties[i]!.key.length + properties[i]!.value.cost + properties[i]!.after)
  return {
    cost: Math.min(...costs) - at + next.cost,
    done: false,
    step(byte) {
      const fitting = of.filter((i) => properties[i]!.key[at] === byte)
      return fitting.length > 0 ? key(properties, fitting, at + 1, next) : null
    },
  }
}

/** After the value of property i. */
function member(properties: readonly Property[], i: number, next: State): State {
  const { after } = properties[i]!
  return {
    cost: after + next.cost,
    done: false,
    step(byte) {
      if (byte === CLOSE) return after === 1 ? next : null
      if (byte !== COMMA || i + 1 === properties.length) return null
      return key(properties, candidates(properties, i + 1), 0, next)
    },
  }
}

/** After an opening bracket. */
function elements(array: NonNullable<JsonShape['array']>, next: State): State {
  const first = value(array.items, element(array, 1, next))
  return {
    cost: array.least === 0 ? 1 + next.cost : first.cost,
    done: false,
    step(byte) {
      if (byte === CLOSE_LIST) return array.least === 0 ? next : null
      return array.most > 0 ? first.step(byte) : null
    },
  }
}

/** After the `count`th element. */
function element(array: NonNullable<JsonShape['array']>, count: number, next: State): State {
  const { items, least, most } = array
  return {
    cost: Math.max(0, least - count) * (1 + items.cost) + 1 + next.cost,
    done: false,
    step(byte) {
      if (byte === CLOSE_LIST) return count >= least ? next : null
      return byte === COMMA && count < most ? value(items, element(array, count + 1, next)) : null
    },
  }
}
