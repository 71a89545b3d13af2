import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { random } from '../tensor/index.ts'
import { deviation, mean, pairedGain, passAtK, wilson } from './statistics.ts'

describe('wilson', () => {
  it('gives published intervals', () => {
    // Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I, method 3
    const close = ([r, n]: [number, number], low: number, high: number) => {
      const interval = wilson(r, n)
      expect(interval.low).toBeCloseTo(low, 4)
      expect(interval.high).toBeCloseTo(high, 4)
    }
    close([81, 263], 0.2553, 0.3662)
    close([15, 148], 0.0624, 0.1605)
    close([0, 20], 0, 0.1611)
    close([1, 29], 0.0061, 0.1718)
  })

  it('holds the share, lies within 0 and 1, and narrows with the count', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, share) => {
        const { low, high } = wilson(share * n, n)
        expect(low).toBeGreaterThanOrEqual(0)
        expect(high).toBeLessThanOrEqual(1)
        expect(low).toBeLessThanOrEqual(share + 1e-12)
        expect(high).toBeGreaterThanOrEqual(share - 1e-12)
        const wider = wilson(share * 4 * n, 4 * n)
        expect(wider.high - wider.low).toBeLessThan(high - low)
      }),
    )
    expect(wilson(0, 0)).toEqual({ low: 0, high: 1 })
  })
})

describe('passAtK', () => {
  it('is the share of all subsets of k answers that hold a right one', () => {
    const subsets = (n: number, k: number): number[][] =>
      k === 0 ? [[]] : n < k ? [] : [...subsets(n - 1, k), ...subsets(n - 1, k - 1).map((s) => [...s, n - 1])]
    for (let n = 1; n <= 7; n++)
      for (let c = 0; c <= n; c++)
        for (let k = 1; k <= n; k++) {
          const all = subsets(n, k)
          expect(passAtK(n, c, k)).toBeCloseTo(all.filter((s) => s.some((i) => i < c)).length / all.length, 12)
        }
  })

  it('refuses more answers than there are', () => {
    expect(() => passAtK(4, 1, 5)).toThrow(RangeError)
    expect(() => passAtK(4, 5, 1)).toThrow('pass@1 of 5 right answers among 4')
  })
})

it('mean and deviation', () => {
  expect(mean([1, 2, 6])).toBe(3)
  expect(deviation([2, 4, 4, 4, 5, 5, 7, 9])).toBe(2)
  expect(deviation([0.3, 0.3, 0.3])).toBe(0)
})

describe('pairedGain', () => {
  const pairs = (won: number, lost: number, both: number, none: number) => {
    const cells = [
      [won, [false, true]],
      [lost, [true, false]],
      [both, [true, true]],
      [none, [false, false]],
    ] as const
    const all = cells.flatMap(([n, pair]) => Array.from({ length: n }, () => pair))
    return pairedGain(
      all.map(([before]) => before),
      all.map(([, after]) => after),
    )
  }

  it('counts only what changed', () => {
    const { gain, low, high } = pairs(30, 10, 5, 55)
    expect(gain).toBeCloseTo(0.2, 12)
    expect(low).toBeGreaterThan(0.05)
    expect(high).toBeLessThan(0.35)
    expect(pairs(0, 0, 5, 5)).toMatchObject({ gain: 0 })
    const other = pairs(10, 30, 5, 55)
    expect([-other.gain, -other.high, -other.low]).toEqual([gain, low, high])
    expect(() => pairedGain([true], [])).toThrow('pairs of 1 and 0')
  })

  it('covers the true difference about as often as it says', () => {
    const draw = random(1, 'coverage')
    let covered = 0
    for (let trial = 0; trial < 2000; trial++) {
      const answers = Array.from({ length: 100 }, () => {
        const before = draw.uniform() < 0.3
        return [before, draw.uniform() < (before ? 0.8 : 0.3)] as const
      })
      const { low, high } = pairedGain(
        answers.map(([before]) => before),
        answers.map(([, after]) => after),
      )
      const truth = 0.3 * 0.8 + 0.7 * 0.3 - 0.3
      if (low <= truth && truth <= high) covered++
    }
    expect(covered / 2000).toBeGreaterThan(0.935)
    expect(covered / 2000).toBeLessThan(0.975)
  })
})
