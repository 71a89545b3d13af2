import fc from 'fast-check'
import { expect, it } from 'vitest'
import { random } from '../tensor/index.ts'
import { BINS, calibration, confidenceOf, marginHistogram } from './calibration.ts'

/** Margins of a judge who says σ(margin) and is right so often when σ(scale · margin) is the truth. */
function draw(count: number, scale: number): number[] {
  const r = random(1, 'calibration.test')
  return Array.from({ length: count }, () => {
    const margin = 3 * r.normal()
    const isRight = r.uniform() < 1 / (1 + Math.exp(-scale * Math.abs(margin)))
    return isRight ? Math.abs(margin) : -Math.abs(margin)
  })
}

it('is near zero for who is as sure as right, and large for who is too sure or not sure enough', () => {
  expect(calibration(draw(5000, 1)).error).toBeLessThan(0.02)
  expect(calibration(draw(5000, 0.1)).error).toBeGreaterThan(0.15)
  expect(calibration(draw(5000, 10).map((margin) => margin / 10)).error).toBeGreaterThan(0.1)
})

it('by hand: two pairs of 60 % and one of 90 %', () => {
  const logit = (p: number) => Math.log(p / (1 - p))
  const { bins, error } = calibration([logit(0.65), -logit(0.65), logit(0.92)])
  expect(bins.map(({ pairs }) => pairs)).toEqual([0, 2, 0, 0, 1])
  expect(bins[1]).toMatchObject({ from: 0.6, accuracy: 0.5, confidence: expect.closeTo(0.65, 9) as number })
  expect(error).toBeCloseTo((2 / 3) * 0.15 + (1 / 3) * 0.08, 9)
})

it('every pair is in one bin, whatever its margin', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ noNaN: true }), { minLength: 1 }), (margins) => {
      const { bins, error } = calibration(margins)
      expect(bins).toHaveLength(BINS)
      expect(bins.reduce((sum, { pairs }) => sum + pairs, 0)).toBe(margins.length)
      expect(error).toBeGreaterThanOrEqual(0)
      expect(error).toBeLessThanOrEqual(1)
      for (const margin of margins) expect(confidenceOf(margin)).toBeGreaterThanOrEqual(0.5)
    }),
    { numRuns: 50 },
  )
})

it('the histogram counts every margin once, wrong ones left of nought and right ones right of it', () => {
  const half = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0)
  fc.assert(
    fc.property(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 }), (margins) => {
      const { from, width, counts } = marginHistogram(margins)
      expect(from).toBeCloseTo((-width * counts.length) / 2, 6)
      expect(half(counts.slice(0, counts.length / 2))).toBe(margins.filter((margin) => margin < 0).length)
      expect(half(counts)).toBe(margins.length)
    }),
    { numRuns: 100 },
  )
  const { counts } = marginHistogram([-1, 0.1, 0.95, 1, 1, 50, ...Array<number>(300).fill(0.5)])
  expect(counts.at(-1)).toBe(4)
  expect(counts[0]).toBe(1)
})
