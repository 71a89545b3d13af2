/** Against what CPython 3.11's `random` gave. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pythonRandom } from './mersenne.ts'

test('draws what Python draws', () => {
  const items = Array.from({ length: 12 }, (_, i) => i)
  pythonRandom(1337).shuffle(items)
  expect(items).toEqual([6, 0, 1, 4, 10, 7, 3, 11, 2, 5, 8, 9])
  expect(pythonRandom(1234).sample(100, 10)).toEqual([99, 56, 14, 0, 11, 74, 4, 85, 88, 10])
  expect(pythonRandom(1235).sample(12, 10)).toEqual([11, 6, 8, 7, 10, 1, 5, 2, 3, 0])
  expect(pythonRandom(1300).sample(2000, 3)).toEqual([738, 579, 803])
  const long = pythonRandom(2 ** 40 + 5)
  expect([1, 2, 3].map(() => long.bits(32))).toEqual([2166296868, 2220160828, 1153647273])
})

test('a sample is of different places', () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 300 }), fc.nat(), (seed, n, k) => {
      const sample = pythonRandom(seed).sample(n, k % (n + 1))
      expect(new Set(sample).size).toBe(k % (n + 1))
      expect(sample.every((i) => i >= 0 && i < n)).toBe(true)
    }),
  )
})
