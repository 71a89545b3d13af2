import fc from 'fast-check'
import { expect, test } from 'vitest'
import { combine, formatRational, isEqual, isSameNumber, parseRational, rational, workOut } from './rational.ts'

const whole = fc.bigInt({ min: -(10n ** 9n), max: 10n ** 9n })
const positive = fc.bigInt({ min: 1n, max: 10n ** 6n })
const fraction = fc.tuple(whole, positive).map(([n, d]) => rational(n, d))

test('numbers as answers state them', () => {
  const value = (text: string) => {
    const found = parseRational(text)
    return found && `${found.numerator}/${found.denominator}`
  }
  expect(
    [
      '42',
      '-7',
      '1,080',
      '0.50',
      '25%',
      '12.5％',
      '$3',
      '1/3',
      '(11/20)',
      '-2/4',
      '163(1/7)',
      '1 1/2',
      '－3',
      '007',
    ].map(value),
  ).toEqual([
    '42/1',
    '-7/1',
    '1080/1',
    '1/2',
    '1/4',
    '1/8',
    '3/1',
    '1/3',
    '11/20',
    '-1/2',
    '1142/7',
    '3/2',
    '-3/1',
    '7/1',
  ])
  const none = [
    '',
    ' ',
    '1e3',
    '１２',
    '1,08',
    '1/0',
    '--1',
    '1 2',
    'x',
    '5 apples',
    '9'.repeat(40),
    'NaN',
    '1/2/3',
    '2(1/0)',
  ]
  expect(none.map(value)).toEqual(none.map(() => undefined))
})

test('equal numbers are equal however they are written, and rounding is forgiven where data round', () => {
  const same: [string, string][] = [
    ['0.25', '25%'],
    ['1/4', '0.25'],
    ['10/3', '3.33'],
    ['3.3333', '3.33'],
    ['1(1/2)', '1.5'],
    ['93.75%', '15/16'],
  ]
  for (const [given, right] of same) expect([given, right, isSameNumber(given, right)]).toEqual([given, right, true])
  const other: [string, string][] = [
    ['0.5', '0.54'],
    ['0.54', '0.5'],
    ['4', '3.9'],
    ['3.3', '3.33'],
    ['3.4', '10/3'],
    ['42.001', '42'],
    ['85/2', '42'],
    ['', '0'],
    ['25', '25%'],
  ]
  for (const [given, right] of other) expect([given, right, isSameNumber(given, right)]).toEqual([given, right, false])
})

test('what is written reads back', () => {
  fc.assert(
    fc.property(fraction, (value) => {
      const text = formatRational(value)
      const read = parseRational(text.replace(/^\(-/, '-('))
      expect(read && isEqual(read, value)).toBe(true)
    }),
  )
})

test('sums are those of exact fractions', () => {
  fc.assert(
    fc.property(fraction, fraction, fc.constantFrom('+', '-', '*', '/'), (a, b, sign) => {
      const value = combine(a, sign, b)
      if (sign === '/' && b.numerator === 0n) {
        expect(value).toBeUndefined()
        return
      }
      const back = combine(value!, { '+': '-', '-': '+', '*': '/', '/': '*' }[sign]!, b)
      if (back) expect(isEqual(back, a)).toBe(true)
    }),
  )
})

test('equations are worked out from the inside, one operation a line', () => {
  expect(workOut('(15/(15+1))*100%').steps).toEqual(['15+1=16', '15/16=0.9375', '0.9375*100%=0.9375'])
  expect(workOut('1-(1/5)-(1/4)').steps).toEqual(['1-(1/5)=0.8', '0.8-(1/4)=0.55'])
  expect(workOut('126(8/9)*3').steps).toEqual(['126(8/9)*3=(1142/3)'])
  expect(workOut('2+3*4**2').steps).toEqual(['4**2=16', '3*16=48', '2+48=50'])
  expect(workOut('-3+10:4').steps).toEqual(['10:4=2.5', '-3+2.5=-0.5'])
  expect(workOut('.5*+4').steps).toEqual(['.5*4=2'])
  expect(parseRational('.5')).toEqual(parseRational('0.50'))
  expect(parseRational('3.')).toEqual(parseRational('3'))
  expect([parseRational('.'), parseRational('%')]).toEqual([undefined, undefined])
  expect(workOut(' 7 ')).toMatchObject({ steps: [] })
})

test.each([
  ['', 'ends early'],
  ['1+', 'ends early'],
  ['(1+2', 'not closed'],
  ['1 2', 'goes on'],
  ['1+x', 'holds x'],
  ['5/(3-3)', 'divides by zero'],
  ['9**9**9', 'not computed'],
  ['2**0.5', 'not computed'],
  ['process.exit()', 'holds p'],
  ['1'.repeat(300), 'over 200'],
  ['99999999999999999*99999999999999999*99999999999999999', 'grow too long'],
])('%j is refused: %s', (equation, reason) => {
  expect(() => workOut(equation)).toThrow(reason)
})

test('hostile text costs nothing and throws nothing but errors', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[-+*/:()0-9.% ]{0,200}$/), (text) => {
      parseRational(text)
      isSameNumber(text, '0.5')
      try {
        workOut(text)
      } catch (error) {
        expect(error).toBeInstanceOf(Error)
      }
    }),
  )
})
