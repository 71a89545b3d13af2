import fc from 'fast-check'
import { expect, test } from 'vitest'
import { random } from '../tensor/random.ts'
import { EXACT, findClusters, KEPT, NEAR, signTexts } from './clusters.ts'
import { dedupConfig, textHash } from './dedup.ts'
import { keyTable } from './key-table.ts'
import { jaccard, meetingChance, minHash, rangesOf, shinglesOf } from './minhash.ts'

const config = dedupConfig.parse({})
const r = random(7, 'dedup test')
const english = Array.from({ length: 3000 }, (_, i) => `w${i}`)
const chinese = Array.from({ length: 3000 }, (_, i) => String.fromCharCode(0x4e00 + i))
const article = (words: readonly string[], length: number, joiner: string) =>
  Array.from({ length }, () => r.pick(words)).join(joiner)

test('exact: case, width, spaces and punctuation are no difference', async () => {
  expect(textHash('Hello, World!')).toBe(textHash('hello　ｗｏｒｌｄ'))
  expect(textHash('今天，天气好。')).toBe(textHash('今天天气好'))
  expect(textHash('今天天气好')).not.toBe(textHash('今天天气不好'))
  expect(textHash('2+2')).not.toBe(textHash('2*2'))
  const { first, kind } = await findClusters(signTexts(['Hello, World!', 'Another.', 'hello world'], config))
  expect([...first]).toEqual([0, 1, 0])
  expect([...kind]).toEqual([KEPT, KEPT, EXACT])
})

test('the share of equal minima estimates the Jaccard similarity of the shingles', () => {
  const words = Array.from({ length: 1200 }, () => r.pick(english))
  const [one, two] = [words.slice(0, 904).join(' '), words.slice(200, 1104).join(' ')]
  const similarity = jaccard(shinglesOf(one, config), shinglesOf(two, config))
  expect(similarity).toBeCloseTo(700 / 1100, 2) // 900 shingles each, 200 of either alone
  const [a, b] = [minHash(one, config), minHash(two, config)]
  const equal = a.filter((value, i) => value === b[i]).length / a.length
  expect(Math.abs(equal - similarity)).toBeLessThan(0.14) // three standard deviations of 112 hashes
})

test.each([
  ['English', english, ' '],
  ['Chinese', chinese, ''],
])('%s: planted near-duplicates are found, other documents stay', async (_, words, joiner) => {
  const originals = Array.from({ length: 100 }, () => article(words, 300, joiner))
  // A sentence in front and another word near the end, as reprints have: about 90 % of the shingles are shared.
  const copies = originals.map(
    (text) => `${article(words, 8, joiner)}${joiner}${text.slice(0, -20)}${joiner}${article(words, 3, joiner)}`,
  )
  const others = Array.from({ length: 100 }, () => article(words, 300, joiner))
  const { first, kind, bands } = await findClusters(signTexts([...originals, ...copies, ...others], config))
  for (let i = 0; i < 100; i++) expect([first[i], first[200 + i]]).toEqual([i, 200 + i])
  const found = copies.filter((_copy, i) => first[100 + i] === i && kind[100 + i] === NEAR && bands[100 + i]! > 0)
  expect(found.length).toBeGreaterThanOrEqual(97)
})

test('how many are found follows the S-curve', async () => {
  for (const shared of [0.5, 0.7, 0.8]) {
    const texts: string[] = []
    let chance = 0
    const count = 250
    for (let i = 0; i < count; i++) {
      const length = 240
      const [a, b] = [article(english, length, ' ').split(' '), article(english, length, ' ').split(' ')]
      const common = Math.round((2 * shared * length) / (1 + shared)) // Jaccard `shared` but for the seam
      const pair = [a.join(' '), [...a.slice(0, common), ...b.slice(common)].join(' ')]
      chance += meetingChance(jaccard(shinglesOf(pair[0]!, config), shinglesOf(pair[1]!, config)), config)
      texts.push(...pair)
    }
    const { first } = await findClusters(signTexts(texts, config))
    const found = texts.filter((_, i) => i % 2 === 1 && first[i] === i - 1).length
    const deviation = Math.sqrt(chance * (1 - chance / count)) + 0.5
    expect(Math.abs(found - chance)).toBeLessThan(4 * deviation)
  }
})

test('a chain of near-duplicates is one cluster', async () => {
  let now = Array.from({ length: 400 }, () => r.pick(english))
  const chain = [now.join(' ')]
  for (let step = 0; step < 10; step++) {
    now = [...now.slice(15), ...Array.from({ length: 15 }, () => r.pick(english))]
    chain.push(now.join(' '))
  }
  const { first } = await findClusters(signTexts(chain, config))
  expect(new Set(first)).toEqual(new Set([0]))
})

test('what has no shingles is only compared exactly', async () => {
  const { first } = await findClusters(signTexts(['...', '!!!', '???'], { ...config, exact: false }), { exact: false })
  expect([...first]).toEqual([0, 1, 2])
})

test('a document that is like two others goes, and they stay', async () => {
  const key = (...keys: number[]) => Uint32Array.from(keys.flatMap((k) => [k, k]))
  const signatures = {
    documents: 4,
    bands: 2,
    hashes: () => [Uint32Array.from({ length: 16 }, (_, i) => i + 1)],
    band: (band: number) => [band === 0 ? key(1, 2, 1, 3) : key(5, 6, 6, 6)],
  }
  const { first, met, bands } = await findClusters(signatures)
  expect([...first]).toEqual([0, 1, 0, 1])
  expect([...met]).toEqual([0, 1, 0, 1])
  expect([...bands]).toEqual([0, 0, 2, 1])
})

test('several passes find what one does, and both what comparing all with all finds', async () => {
  const keys = fc.array(fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 3, maxLength: 3 }), { maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(keys, async (rows) => {
      const column = (i: number) => [Uint32Array.from(rows.flatMap((row) => [row[i]!, Math.sign(row[i]!) * 7]))]
      const signatures = {
        documents: rows.length,
        bands: 2,
        hashes: () => [Uint32Array.from(rows.flatMap((row) => [row[0]! + 1, 0, 0, 1]))],
        band: (band: number) => column(band + 1),
      }
      const found = await findClusters(signatures)
      expect(await findClusters(signatures, { perPass: 7 })).toEqual(found)
      const same = rows.map((row, i) => rows.findIndex((other) => other[0] === row[0]) < i)
      rows.forEach((row, i) => {
        const meets = (other: number[], k: number) =>
          !same[k] && [1, 2].some((band) => row[band] !== 0 && row[band] === other[band])
        const earliest = same[i]
          ? rows.findIndex((other) => other[0] === row[0])
          : rows.findIndex((other, k) => k < i && meets(other, k))
        expect(found.met[i]).toBe(earliest < 0 ? i : earliest)
      })
    }),
  )
})

test('a table of keys is a map, whatever it holds', () => {
  const pair = fc.tuple(fc.nat(40), fc.nat(3))
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 300 }), (pairs) => {
      const table = keyTable(4, 2)
      const map = new Map<string, number>()
      pairs.forEach(([a, b], i) => {
        const name = `${a} ${b}`
        if (!map.has(name)) map.set(name, i)
        expect(table.add(Uint32Array.of(a, b), 0, i)).toBe(map.get(name))
      })
    }),
  )
})

test('shared shingles are shown where they lie', () => {
  const text = 'Before it all began. One two three four five six! Then it ended.'
  const shared = shinglesOf('one TWO three four five six', config)
  const found = rangesOf(text, shared, config).map(([from, to]) => text.slice(from, to))
  expect(found).toEqual(['One two three four five six'])
})
