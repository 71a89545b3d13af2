import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isWorth, parseExpression } from './expression.ts'

const worth = (text: string, target: number) => {
  const expression = parseExpression(text)
  return expression !== undefined && isWorth(expression, target)
}

describe('parseExpression', () => {
  test('knows precedence, left association and fractions', () => {
    expect(worth('2+3*4', 14)).toBe(true)
    expect(worth('(2+3)*4', 20)).toBe(true)
    expect(worth('20-8-3', 9)).toBe(true)
    expect(worth('20-(8-3)', 15)).toBe(true)
    expect(worth('8/(3-8/3)', 24)).toBe(true)
    expect(worth('（8 − 3）× 4 ÷ 2', 10)).toBe(true)
    expect(worth('1/3*3', 1)).toBe(true)
    expect(worth('1/3', 0)).toBe(false)
    expect(parseExpression('12*(3+4)')!.numbers).toEqual([12, 3, 4])
  })

  test('refuses what is no expression', () => {
    const hostile = ['', '()', '1+', '+1', '-1', '1 2', '(1', '1)', '1**2', '1e3', '0x10', 'a', '1.5', '１+２', '1=1']
    for (const text of [...hostile, '1234567', '('.repeat(99), '1+'.repeat(60) + '1', '9'.repeat(1_000_000)])
      expect(parseExpression(text), text.slice(0, 20)).toBeUndefined()
  })

  test('a division by zero is an expression without value', () => {
    expect(parseExpression('1/(2-2)')!.value).toBeUndefined()
    expect(worth('0*(1/0)', 0)).toBe(false)
  })

  test('never throws, and agrees with JavaScript on sums of products', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789+-*/() ') }), (text) => void parseExpression(text)),
    )
    const product = fc.array(fc.integer({ min: 0, max: 99 }), { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(fc.array(product, { minLength: 1, maxLength: 6 }), (terms) => {
        const target = terms.reduce((sum, factors) => sum + factors.reduce((a, b) => a * b, 1), 0)
        expect(worth(terms.map((factors) => factors.join('*')).join('+'), target)).toBe(true)
      }),
    )
  })
})
