/**
 * Numbers as people write answers (1,080; 0.5; 25%; 1/3; 163(1/7)) and sums as data sets write equations (`(15/(15+1))*100%`), in exact
 * fractions. Nothing is evaluated by JavaScript. Text comes from models, so it is hostile: lengths, digits and exponents are bounded, and what cannot
 * be read is undefined.
 */

export interface Rational {
  numerator: bigint
  /** Above 0, without common factors. */
  denominator: bigint
}

const LONGEST = 200
const DIGITS = 18
const LARGEST_EXPONENT = 6

export function rational(numerator: bigint, denominator = 1n): Rational {
  let [a, b] = [numerator < 0n ? -numerator : numerator, denominator < 0n ? -denominator : denominator]
  while (b) [a, b] = [b, a % b]
  if (denominator < 0n) a = -a
  return { numerator: numerator / a, denominator: denominator / a }
}

/** a sign b, the sign one of + - * /; undefined for a division by zero. */
export function combine(a: Rational, sign: string, b: Rational): Rational | undefined {
  switch (sign) {
    case '+':
      return rational(a.numerator * b.denominator + b.numerator * a.denominator, a.denominator * b.denominator)
    case '-':
      return rational(a.numerator * b.denominator - b.numerator * a.denominator, a.denominator * b.denominator)
    case '*':
      return rational(a.numerator * b.numerator, a.denominator * b.denominator)
    default:
      return b.numerator === 0n ? undefined : rational(a.numerator * b.denominator, a.denominator * b.numerator)
  }
}

export const isEqual = (a: Rational, b: Rational): boolean =>
  a.numerator === b.numerator && a.denominator === b.denominator

/** A number as an answer states it; a currency sign before it is passed over. */
export function parseRational(text: string): Rational | undefined {
  const plain = text
    .trim()
    .replace(/[−－]/g, '-')
    .replace('％', '%')
    .replace(/^(-?)[$￥¥]/, '$1')
  if (plain.length > 64) return undefined
  const whole = /^(-?)(?=\.?[0-9])([0-9]{1,3}(?:,[0-9]{3})+|[0-9]*)(\.[0-9]*)?(%?)$/.exec(plain)
  if (whole) {
    const [, sign, digits, decimals = '', percent] = whole
    const value = decimal(digits!.replaceAll(',', ''), decimals.slice(1), percent !== '')
    return value && (sign ? { ...value, numerator: -value.numerator } : value)
  }
  const fraction =
    /^(-?)(?:([0-9]+) ?\(([0-9]+)\/([0-9]+)\)|([0-9]+) ([0-9]+)\/([0-9]+)|\(?([0-9]+)\/([0-9]+)\)?)$/.exec(plain)
  if (!fraction) return undefined
  const [, sign, i1, n1, d1, i2, n2, d2, n3, d3] = fraction
  const [integer, n, d] = [i1 ?? i2 ?? '0', n1 ?? n2 ?? n3!, d1 ?? d2 ?? d3!]
  if ([integer, n, d].some((digits) => digits.length > DIGITS) || BigInt(d) === 0n) return undefined
  const value = rational(BigInt(integer) * BigInt(d) + BigInt(n), BigInt(d))
  return sign ? { ...value, numerator: -value.numerator } : value
}

/**
 * Whether `given` is the number that `right` states: exactly; or, where `right` is a decimal fraction, which data sets round, a number that rounds to it
 * and is written as a fraction (10/3 is 3.33), or with more places than right's two or more (3.3333).
 */
export function isSameNumber(given: string, right: string): boolean {
  const [a, b] = [parseRational(given), parseRational(right)]
  if (!a || !b) return false
  if (isEqual(a, b)) return true
  const placesOf = (text: string) => /\.([0-9]+)%?$/.exec(text.trim())?.[1]?.length ?? 0
  const [own, places] = [placesOf(given), placesOf(right)]
  const mayRound = given.includes('/') ? places > 0 : places > 1 && own > places
  if (!mayRound) return false
  const unit = rational(1n, 10n ** BigInt(places + (right.trim().endsWith('%') ? 2 : 0)))
  const { numerator, denominator } = combine(a, '-', b)!
  const off = rational(2n * (numerator < 0n ? -numerator : numerator), denominator)
  return combine(off, '-', unit)!.numerator <= 0n
}

/** A whole number or a decimal fraction of six places at most as such, anything else as (n/d). */
export function formatRational({ numerator, denominator }: Rational): string {
  const scale = 1_000_000n
  if (scale % denominator !== 0n) return `(${numerator}/${denominator})`
  const scaled = (numerator * scale) / denominator
  const digits = (scaled < 0n ? -scaled : scaled).toString().padStart(7, '0')
  const text = `${digits.slice(0, -6)}.${digits.slice(-6)}`.replace(/\.?0+$/, '')
  return scaled < 0n ? `-${text}` : text
}

export interface Worked {
  value: Rational
  /** One operation a line, from the inside out: `135/3=45`. */
  steps: string[]
}

/**
 * Works out an equation's side of digits, + - * / : **, parentheses, per cent, fractions in parentheses and mixed numbers. Throws what is
 * wrong with it.
 */
export function workOut(text: string): Worked {
  if (text.length > LONGEST) throw new Error(`the equation has over ${LONGEST} characters`)
  const tokens = text.match(/[0-9]*\([0-9]+\/[0-9]+\)|(?:[0-9]+\.?[0-9]*|\.[0-9]+)%?|\*\*|\S/g) ?? []
  const steps: string[] = []
  let at = 0
  interface Term {
    value: Rational
    text: string
  }
  const apply = (a: Term, sign: string, b: Term): Term => {
    const value = sign === '**' ? power(a.value, b.value) : combine(a.value, sign === ':' ? '/' : sign, b.value)
    if (!value)
      throw new Error(sign === '**' ? `the power ${a.text}**${b.text} is not computed` : 'the equation divides by zero')
    if (value.numerator.toString().length + value.denominator.toString().length > 2 * DIGITS)
      throw new Error('the numbers grow too long')
    const shown = formatRational(value)
    steps.push(`${a.text}${sign}${b.text}=${shown}`)
    return { value, text: shown }
  }
  const factor = (): Term => {
    const token = tokens[at++]
    if (token === undefined) throw new Error('the equation ends early')
    if (token === '(') {
      const inside = sum()
      if (tokens[at++] !== ')') throw new Error('a parenthesis is not closed')
      return inside
    }
    if (token === '+') return factor()
    if (token === '-') {
      const { value, text } = factor()
      return { value: { ...value, numerator: -value.numerator }, text: `-${text}` }
    }
    const value = /^[(.]?[0-9]/.test(token) ? parseRational(token) : undefined
    if (!value) throw new Error(`the equation holds ${token}, expected a number, an operation or a parenthesis`)
    return { value, text: token }
  }
  const chain = (signs: readonly string[], operand: () => Term): Term => {
    let left = operand()
    while (signs.includes(tokens[at]!)) left = apply(left, tokens[at++]!, operand())
    return left
  }
  const product = () => chain(['*', '/', ':'], () => chain(['**'], factor))
  const sum = (): Term => chain(['+', '-'], product)
  const { value } = sum()
  if (at < tokens.length) throw new Error(`the equation goes on after its end: ${tokens.slice(at).join('')}`)
  return { value, steps }
}

// --- internal ---

function decimal(digits: string, decimals: string, percent: boolean): Rational | undefined {
  if (digits.length + decimals.length > DIGITS) return undefined
  return rational(BigInt(digits + decimals), 10n ** BigInt(decimals.length + (percent ? 2 : 0)))
}

function power(base: Rational, { numerator, denominator }: Rational): Rational | undefined {
  if (denominator !== 1n || numerator < 0n || numerator > LARGEST_EXPONENT) return undefined
  return rational(base.numerator ** numerator, base.denominator ** numerator)
}
