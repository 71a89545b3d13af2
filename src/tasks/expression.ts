/**
 * Integer expressions with + - * / and parentheses, as a model writes them: parsed by hand, computed in exact fractions.
 *
 * `×`, `÷`, `−` and full-width parentheses are read as their ASCII signs. There is no unary minus and no power; a literal has at
 * most six ASCII digits and an expression at most 100 characters, so hostile input costs nothing. Anything else is undefined.
 */

export interface Expression {
  /** The literals, in order. */
  numbers: number[]
  /** Exact value as a reduced fraction; undefined after a division by zero. */
  value: { numerator: bigint; denominator: bigint } | undefined
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

function combine(a: Fraction, sign: string, b: Fraction): Fraction {
  if (!a || !b) return undefined
  switch (sign) {
    case '+':
      return reduce(a.numerator * b.denominator + b.numerator * a.denominator, a.denominator * b.denominator)
    case '-':
      return reduce(a.numerator * b.denominator - b.numerator * a.denominator, a.denominator * b.denominator)
    case '*':
      return reduce(a.numerator * b.numerator, a.denominator * b.denominator)
    default:
      return b.numerator === 0n ? undefined : reduce(a.numerator * b.denominator, a.denominator * b.numerator)
  }
}

function reduce(numerator: bigint, denominator: bigint): Fraction {
  let [a, b] = [numerator < 0n ? -numerator : numerator, denominator < 0n ? -denominator : denominator]
  while (b) [a, b] = [b, a % b]
  if (denominator < 0n) a = -a
  return { numerator: numerator / a, denominator: denominator / a }
}
