import { expect, it } from 'vitest'
import { choicesOf, pairsOf, parseOrder } from './ranking.ts'

it.each([
  ['b a c', [[1], [0], [2]]],
  ['BAC', [[1], [0], [2]]],
  ['b>a>c', [[1], [0], [2]]],
  ['b=a, c', [[1, 0], [2]]],
  ['c = b ＝ a', [[2, 1, 0]]],
])('%s is an order', (text, ranks) => {
  expect(parseOrder(text, 3)).toEqual({ ranks })
})

it.each([
  ['', 'A B C', ''],
  ['a b', 'C', ''],
  ['a b c d', '', 'D'],
  ['a a b', 'C', 'A'],
  ['a 7 b c', '', '7'],
])('%s is none', (text, missing, extra) => {
  expect(parseOrder(text, 3)).toEqual({ missing, extra })
})

it('two drafts on different ranks are a pair; ties and all-bad give none', () => {
  const ranking = { prompt: 'Q', drafts: ['x', 'y', 'z'], ranks: [[1], [0, 2]] }
  const said = pairsOf(ranking).map(({ chosen, rejected }) => `${chosen[1]!.content}>${rejected[1]!.content}`)
  expect(said).toEqual(['y>x', 'y>z'])
  expect(pairsOf({ ...ranking, ranks: [[0, 1, 2]] })).toEqual([])
  expect(pairsOf({ ...ranking, ranks: [] })).toEqual([])
  expect(pairsOf({ ...ranking, ranks: [[2], [0], [1]] })).toHaveLength(3)
})

it('a ranking is a chain of choices; what is tied does not compete with itself', () => {
  expect(choicesOf([[2], [0], [1]])).toEqual([
    [2, 0, 1],
    [0, 1],
  ])
  expect(choicesOf([[2, 0], [1]])).toEqual([
    [2, 1],
    [0, 1],
  ])
  expect(choicesOf([[1], [0, 2]])).toEqual([[1, 0, 2]])
  expect(choicesOf([[0, 1, 2]])).toEqual([])
  expect(choicesOf([])).toEqual([])
})
