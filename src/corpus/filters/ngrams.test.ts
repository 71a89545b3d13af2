import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ngrams } from './ngrams.ts'
import { viewOf } from './view.ts'

/** The same by comparing texts, nothing left out: words of one letter, so that a word is a character. */
function naive(words: string[], n: number) {
  const gram = (i: number) => words.slice(i, i + n).join(' ')
  const counts = new Map<string, number>()
  for (let i = 0; i + n <= words.length; i++) counts.set(gram(i), (counts.get(gram(i)) ?? 0) + 1)
  const top = Math.max(1, ...counts.values())
  const seen = new Set<string>()
  let repeated = 0
  for (let i = 0; i + n <= words.length;)
    if (seen.has(gram(i))) {
      repeated += n
      i += n
    } else seen.add(gram(i++))
  const all = Math.max(1, 2 * words.length - 1)
  return { top: top === 1 ? 0 : Math.min(1, (top * (2 * n - 1)) / all), duplicate: repeated / all }
}

test('shares of repeated n-grams are those of a plain count, whatever was asked before', () => {
  const lengths = fc
    .uniqueArray(fc.integer({ min: 1, max: 7 }), { maxLength: 4 })
    .map((all) => all.sort((a, b) => a - b))
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 60 }),
      lengths,
      lengths,
      (words, tops, more) => {
        const grams = ngrams(viewOf(words.join(' '), 'en'))
        for (const n of tops) expect(grams.top(n).share).toBeCloseTo(naive(words, n).top, 12)
        const longest = tops.at(-1) ?? 0
        for (const n of more.filter((n) => n >= longest))
          expect(grams.duplicate(n).share).toBeCloseTo(naive(words, n).duplicate, 12)
      },
    ),
  )
})
