import { expect, it } from 'vitest'
import { summary } from './rank.ts'

const ranked = (drafts: string[], ranks: number[][]) => ({ prompt: 'p', drafts, ranks })

it('counts pairs, and how often somebody said the same twice, whatever order drafts came in', () => {
  expect(summary([])).toEqual({ rankings: 0, pairs: 0, comparedTwice: 0, same: 0, low: 0, high: 1 })
  const first = ranked(['x', 'y', 'z'], [[0], [1], [2]])
  expect(summary([first])).toMatchObject({ rankings: 1, pairs: 3, comparedTwice: 0, same: 0 })
  expect(summary([first, ranked(['z', 'y', 'x'], [[2], [1], [0]])])).toMatchObject({ comparedTwice: 3, same: 3 })
  expect(summary([first, ranked(['z', 'y', 'x'], [[0], [1], [2]])])).toMatchObject({ comparedTwice: 3, same: 0 })
  expect(summary([first, ranked(['x', 'y', 'z'], [[1], [0], [2]])])).toMatchObject({ comparedTwice: 3, same: 2 })
  expect(summary([first, { ...first, prompt: 'q' }])).toMatchObject({ comparedTwice: 0 })
})
