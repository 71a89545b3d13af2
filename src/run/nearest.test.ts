import fc from 'fast-check'
import { expect, it } from 'vitest'
import { distance, nearest } from './nearest.ts'

it('measures distance as the literature does', () => {
  expect(distance('kitten', 'sitting')).toBe(3)
  expect(distance('ab', 'ba')).toBe(1)
  expect(distance('', 'abc')).toBe(3)
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      expect(distance(a, b)).toBe(distance(b, a))
      expect(distance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length))
      expect(distance(a, b) === 0).toBe(a === b)
    }),
  )
})

it('guesses slips, cases, hyphens and beginnings, and nothing else', () => {
  const known = ['steps', 'learningRate', 'batch', 'optimizer']
  expect(nearest('stpes', known)).toBe('steps')
  expect(nearest('learning_rate', known)).toBe('learningRate')
  expect(nearest('opt', known)).toBe('optimizer')
  expect(nearest('batchSize', known)).toBe('batch')
  expect(nearest('banana', known)).toBeUndefined()
  expect(nearest('9', ['0', '1'])).toBeUndefined()
  expect(nearest('x', [])).toBeUndefined()
})
