/**
 * How good extractions are, in the two ways that are published.
 *
 * Shingles: Zyte's article-extraction-benchmark (evaluate.py). Precision and recall over shingles of four words, averaged over pages, F1 of the
 * averages. A word is a run of letters and digits; here each Chinese character and kana is one by itself, since there a run is a sentence.
 * Segments: trafilatura's evaluation (eval_common.py). Strings that must and must not be there, white space aside, counted over all pages.
 */

export interface Score {
  pages: number
  precision: number
  recall: number
  f1: number
}

export interface Counts {
  hit: number
  extra: number
  missed: number
}

const precisionOf = ({ hit, extra, missed }: Counts) =>
  extra === 0 && missed === 0 ? 1 : hit / Math.max(1, hit + extra)
const recallOf = ({ hit, extra, missed }: Counts) => (extra === 0 && missed === 0 ? 1 : hit / Math.max(1, hit + missed))

/** Of one page. */
export function f1Of(counts: Counts): number {
  return harmonic(precisionOf(counts), recallOf(counts))
}

/** Every page weighs the same. Pages where nothing was found count for recall only, as in evaluate.py. */
export function meanScore(pages: readonly Counts[]): Score {
  const found = pages.filter(({ hit, extra }) => hit + extra > 0)
  const wanted = pages.filter(({ hit, missed }) => hit + missed > 0)
  const precision = mean(found.map(precisionOf))
  const recall = mean(wanted.map(recallOf))
  return { pages: pages.length, precision, recall, f1: harmonic(precision, recall) }
}

/** Every string weighs the same. */
export function pooledScore(pages: readonly Counts[]): Score {
  const sum = (key: keyof Counts) => pages.reduce((all, page) => all + page[key], 0)
  const all = { hit: sum('hit'), extra: sum('extra'), missed: sum('missed') }
  return { pages: pages.length, precision: precisionOf(all), recall: recallOf(all), f1: f1Of(all) }
}

export function matchShingles(expected: string, actual: string, n = 4): Counts {
  const wanted = shingles(expected, n)
  const found = shingles(actual, n)
  const counts = { hit: 0, extra: 0, missed: 0 }
  for (const key of new Set([...wanted.keys(), ...found.keys()])) {
    const [want, have] = [wanted.get(key) ?? 0, found.get(key) ?? 0]
    counts.hit += Math.min(want, have)
    counts.extra += Math.max(0, have - want)
    counts.missed += Math.max(0, want - have)
  }
  return counts
}

export function matchSegments(present: readonly string[], absent: readonly string[], actual: string): Counts {
  const text = spaces(actual)
  const hit = present.filter((segment) => text.includes(spaces(segment))).length
  const extra = absent.filter((segment) => text.includes(spaces(segment))).length
  return { hit, extra, missed: present.length - hit }
}

const word =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[\p{L}\p{N}\p{M}_]+?(?=[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[^\p{L}\p{N}\p{M}_]|$)/gu

function shingles(text: string, n: number): Map<string, number> {
  const words = text.match(word) ?? []
  const counts = new Map<string, number>()
  for (let i = 0; i < Math.max(1, words.length - n + 1) && words.length > 0; i++) {
    const key = words.slice(i, i + n).join(' ')
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return counts
}

const spaces = (text: string) => text.replace(/\s+/g, ' ').trim()
const harmonic = (a: number, b: number) => (a + b === 0 ? 0 : (2 * a * b) / (a + b))
const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / Math.max(1, values.length)
