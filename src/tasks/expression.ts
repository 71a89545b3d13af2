/**
 * Integer expressions with + - * / and parentheses, as a model writes them: parsed by hand, computed in exact fractions.
 *
 * `×`, `÷`, `−` and full-width parentheses are read as their ASCII signs. There is no unary minus and no power; a literal has at
 * most six ASCII digits and an expression at most 100 characters, so hostile input costs nothing. Anything else is undefined.
 */

import { combine as combineRationals, type Rational } from './rational.ts'

export interface Expression {
  /** The literals, in order. */
  numbers: number[]
  /** Exact value as a reduced fraction; undefined after a division by zero. */
  value: Rational | undefined
}

type Fraction = Expression['value']

const LONGEST = 100
const SIGNS: Record<string, string> = { '×': '*', '÷': '/', '−': '-', '（': '(', '）': ')' }

export function parseExpression(text: string): Expression | undefined {
  if (text.length > LONGEST) return undefined
  const plain = text.replace(/[×÷−（）]/g, (sign) => SIGNS[sign]!)
  const tokens = plain.match(/[0-9]+|[^ ]/g) ?? []
  const numbers: number[] = []
  let at = 0

  /** Moves past the end, where nothing can follow and the last check fails. */
  const fail = (): Fraction => {
    at = tokens.length + 1
    return undefined
  }
  const factor = (): Fraction => {
    const token = tokens[at++]
    if (token === '(') {
      const inside = sum()
      return tokens[at++] === ')' ? inside : fail()
    }
    if (token === undefined || !/^[0-9]{1,6}$/.test(token)) return fail()
    numbers.push(Number(token))
    return { numerator: BigInt(token), denominator: 1n }
  }
  const chain = (signs: string, operand: () => Fraction): Fraction => {
    let left = operand()
    while (at < tokens.length && signs.includes(tokens[at]!)) left = combine(left, tokens[at++]!, operand())
    return left
  }
  const product = (): Fraction => chain('*/', factor)
  const sum = (): Fraction => chain('+-', product)

  const value = sum()
  return at !== tokens.length ? undefined : { numbers, value }
}

/** True when the expression is worth exactly the integer `target`. */
export function isWorth(expression: Expression, target: number): boolean {
  const value = expression.value
  return value !== undefined && value.numerator === BigInt(target) * value.denominator
}

const combine = (a: Fraction, sign: string, b: Fraction): Fraction => a && b && combineRationals(a, sign, b)
