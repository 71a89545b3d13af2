import { expect, test } from 'vitest'
import { random } from '../tensor/random.ts'
import { dedupConfig, deduplicator, minHash, textHash } from './dedup.ts'

const config = dedupConfig.parse({})
const r = random(7, 'dedup test')
const english = Array.from({ length: 3000 }, (_, i) => `w${i}`)
const chinese = Array.from({ length: 3000 }, (_, i) => String.fromCharCode(0x4e00 + i))
const article = (words: readonly string[], length: number, joiner: string) =>
  Array.from({ length }, () => r.pick(words)).join(joiner)

test('exact: case, width, spaces and punctuation are no difference', () => {
  expect(textHash('Hello, World!')).toBe(textHash('hello　ｗｏｒｌｄ'))
  expect(textHash('今天，天气好。')).toBe(textHash('今天天气好'))
  expect(textHash('今天天气好')).not.toBe(textHash('今天天气不好'))
  const dedup = deduplicator(config)
  expect(dedup.check('a', 'Hello, World!')).toBeNull()
  expect(dedup.check('b', 'hello world')).toEqual({ of: 'a', rule: 'exact-duplicate', detail: 'the same text as a' })
})

test('the share of equal minima estimates the Jaccard similarity of the shingles', () => {
  const words = Array.from({ length: 1200 }, () => r.pick(english))
  const a = new Set(words.slice(0, 900).map((_, i) => words.slice(i, i + 5).join(' ')))
  const b = new Set(words.slice(200, 1100).map((_, i) => words.slice(200 + i, 205 + i).join(' ')))
  const [one, two] = [minHash(words.slice(0, 904).join(' '), config), minHash(words.slice(200, 1104).join(' '), config)]
  const both = [...a].filter((shingle) => b.has(shingle)).length
  const jaccard = both / (a.size + b.size - both)
  const equal = one.filter((value, i) => value === two[i]).length / one.length
  expect(Math.abs(equal - jaccard)).toBeLessThan(0.12) // three standard deviations of 112 hashes
})

test.each([
  ['English', english, ' '],
  ['Chinese', chinese, ''],
])('%s: planted near-duplicates are found, other documents stay', (_, words, joiner) => {
  const dedup = deduplicator(config)
  const originals = Array.from({ length: 100 }, () => article(words, 300, joiner))
  for (const [i, text] of originals.entries()) expect(dedup.check(`o${i}`, text)).toBeNull()
  let found = 0
  for (const [i, text] of originals.entries()) {
    // A sentence in front and another word near the end, as reprints have: about 90 % of the shingles are shared.
    const copy = `${article(words, 8, joiner)}${joiner}${text.slice(0, -20)}${joiner}${article(words, 3, joiner)}`
    const duplicate = dedup.check(`c${i}`, copy)
    if (duplicate !== null) {
      expect(duplicate).toMatchObject({ of: `o${i}`, rule: 'near-duplicate' })
      found++
    }
  }
  expect(found).toBeGreaterThanOrEqual(97)
  for (let i = 0; i < 100; i++) expect(dedup.check(`n${i}`, article(words, 300, joiner))).toBeNull()
})

test('a chain of near-duplicates is one cluster; empty texts meet nobody', () => {
  const dedup = deduplicator(config)
  const words = Array.from({ length: 400 }, () => r.pick(english))
  dedup.check('first', words.join(' '))
  let now = words
  for (let step = 0; step < 10; step++) {
    now = [...now.slice(15), ...Array.from({ length: 15 }, () => r.pick(english))]
    expect(dedup.check(`step${step}`, now.join(' '))).toMatchObject({ of: 'first' })
  }
  const other = deduplicator({ ...config, exact: false })
  expect([other.check('x', '...'), other.check('y', '!!!')]).toEqual([null, null])
})
