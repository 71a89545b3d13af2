import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { decodeHtml, extract } from '../../src/corpus/index.ts'
import { mutate } from './mutate.ts'
import { matchSegments, matchShingles, meanScore, pooledScore } from './score.ts'
import { readSet } from './sets.ts'

test('shingles are counted as in evaluate.py, a Chinese character as a word', () => {
  expect(matchShingles('a b c d e', 'a b c d')).toEqual({ hit: 1, extra: 0, missed: 1 })
  expect(matchShingles('今天天气很好', '今天天气')).toEqual({ hit: 1, extra: 0, missed: 2 })
  expect(matchShingles('one', '')).toEqual({ hit: 0, extra: 0, missed: 1 })
  const half = { hit: 1, extra: 1, missed: 0 }
  const nothing = { hit: 0, extra: 0, missed: 2 }
  // The page without a result counts for recall only.
  expect(meanScore([half, nothing])).toMatchObject({ pages: 2, precision: 0.5, recall: 0.5, f1: 0.5 })
})

test('segments are strings that must and must not be there, white space aside', () => {
  const counts = matchSegments(['a  b', 'c'], ['d', 'e'], 'x a\nb d')
  expect(counts).toEqual({ hit: 1, extra: 1, missed: 1 })
  expect(pooledScore([counts])).toMatchObject({ precision: 0.5, recall: 0.5 })
})

const page = `<!doctype html><html lang="en"><head><title>A page</title></head><body><nav><a href="/">Home</a></nav><article><h1>A page</h1>
${'<p>A paragraph of the page, with <b>some</b> <a href="/x">links</a> in it, and long enough to be one.</p>'.repeat(8)}
<table><tr><th>Item</th><td>Price</td></tr></table><ul><li>One</li><li>Two</li></ul><pre>code</pre></article><footer>End</footer></body></html>`

test('two hundred broken copies of a page: a text, never an error, soon', () => {
  const start = performance.now()
  for (let i = 0; i < 200; i++) expect(extract(mutate(page, 1, i)).text).toBeTypeOf('string')
  expect(performance.now() - start).toBeLessThan(30_000)
  expect(mutate(page, 1, 7)).toBe(mutate(page, 1, 7))
  expect(mutate(page, 1, 7)).not.toBe(mutate(page, 1, 8))
})

const data = process.env['XUEBA_DATA'] ?? join(import.meta.dirname, '../../../../shared/data')
const has = (set: string) => existsSync(join(data, set))

test.skipIf(!has('web-readability'))(
  'pages of web-readability that no rule was made on: F1 > 0.92 (needs the shared data folder)',
  () => {
    const pages = readSet(data, 'web-readability').filter(({ half }) => half === 'validate')
    const counts = pages.map(({ bytes, gold }) =>
      matchShingles('text' in gold ? gold.text : '', extract(decodeHtml(bytes).text).text),
    )
    expect(counts.length).toBeGreaterThan(20)
    expect(meanScore(counts).f1).toBeGreaterThan(0.92)
  },
)

test.skipIf(!has('web-trafilatura'))(
  'pages of web-trafilatura that no rule was made on: segment F > 0.92 (needs the unpacked data folder)',
  () => {
    const pages = readSet(data, 'web-trafilatura').filter(({ half }) => half === 'validate')
    const counts = pages.map(({ bytes, gold }) =>
      'text' in gold
        ? { hit: 0, extra: 0, missed: 0 }
        : matchSegments(gold.present, gold.absent, extract(decodeHtml(bytes).text).text),
    )
    expect(counts.length).toBeGreaterThan(100)
    expect(pooledScore(counts).f1).toBeGreaterThan(0.92)
  },
)
