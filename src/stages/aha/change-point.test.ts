/** The test's error rates, measured on simulated series with fixed seeds. */
import { describe, expect, it } from 'vitest'
import { random } from '../../tensor/random.ts'
import { changePoint, holm, SHORTEST } from './change-point.ts'

/** Shares of 256 answers, each marked with a chance that may depend on the step; the binomial by its normal approximation. */
function shares(seed: number, length: number, chance: (t: number) => number): number[] {
  const r = random(seed, 'simulated shares')
  return Array.from({ length }, (_, t) => {
    const p = chance(t)
    return Math.max(0, Math.round(256 * (p + Math.sqrt((p * (1 - p)) / 256) * r.normal()))) / 256
  })
}
const rate = (count: number, test: (i: number) => boolean) =>
  Array.from({ length: count }, (_, i) => test(i)).filter(Boolean).length / count

describe('the change-point test', () => {
  // The verdict asks for p < 0.01. Of 200 series a true rate of 5 % shows as more than 8.5 % in 1 of 40 such measurements.
  it.each([
    [60, 0.5],
    [150, 0.02],
  ])('of stationary series of %i steps it calls at most 1 % and 5 % changed, at those levels', (length, chance) => {
    const ps = Array.from(
      { length: 200 },
      (_, i) =>
        changePoint(
          shares(i, length, () => chance),
          i,
        )?.p ?? 1,
    )
    expect(ps.filter((p) => p < 0.01).length / 200).toBeLessThanOrEqual(0.025)
    expect(ps.filter((p) => p < 0.05).length / 200).toBeLessThanOrEqual(0.085)
  })

  it('five series of a run give a false alarm in at most 5 % of runs, after correction', () => {
    const found = rate(60, (i) => {
      const all = [0.1, 0.3, 0.5, 0.05, 0.8].map((p, s) =>
        changePoint(
          shares(1000 + 5 * i + s, 60, () => p),
          i,
        ),
      )
      return holm(all.map((one) => one?.p ?? 1)).some((p) => p < 0.01)
    })
    expect(found).toBeLessThanOrEqual(0.05)
  })

  it('of neighbours that are alike (AR(1), 0.3), too, it calls at most 5 % changed', () => {
    const found = rate(200, (i) => {
      const r = random(i, 'simulated drift')
      let x = 0
      const values = Array.from({ length: 150 }, () => (x = 0.3 * x + r.normal()))
      return changePoint(values, i)!.p < 0.01
    })
    expect(found).toBeLessThanOrEqual(0.05)
  })

  it('finds planted jumps, near where they are', () => {
    const jumps = Array.from({ length: 40 }, (_, i) =>
      changePoint(
        shares(7000 + i, 120, (t) => (t < 80 ? 0.05 : 0.1)),
        i,
      )!,
    )
    expect(jumps.filter(({ p }) => p < 0.01).length).toBeGreaterThanOrEqual(38)
    expect(jumps.filter(({ at }) => Math.abs(at - 80) <= 8).length).toBeGreaterThanOrEqual(32)
    for (const { before, after } of jumps) expect(after).toBeGreaterThan(before)
  })

  it('says nothing of what is short or always the same, and the same twice', () => {
    expect(changePoint(Array<number>(50).fill(0.2), 1)).toBeUndefined()
    expect(
      changePoint(
        Array.from({ length: SHORTEST - 1 }, (_, i) => i),
        1,
      ),
    ).toBeUndefined()
    const series = shares(3, 60, () => 0.5)
    expect(changePoint(series, 1)).toEqual(changePoint(series, 1))
    const step = Array.from({ length: 60 }, (_, t) => Number(t >= 35))
    expect(changePoint(step, 1)).toMatchObject({ at: 35, before: 0, after: 1 })
    expect(changePoint(step, 1)!.p).toBeLessThan(0.005)
  })
})

it('corrects for the number of tests, in their order', () => {
  expect(holm([0.01, 0.04, 0.03, 0.005])).toEqual([0.03, 0.06, 0.06, 0.02])
  expect(holm([0.9, 0.9])).toEqual([1, 1])
  expect(holm([])).toEqual([])
})
