/**
 * How good an extraction is: precision, recall and F1 over shingles of four words, each page weighing the same, as in Zyte's
 * article-extraction-benchmark. A word is a run of letters and digits; each Chinese character or kana is one by itself.
 */

export interface Score {
  precision: number
  recall: number
  f1: number
}

export function scoreExtraction(pairs: Iterable<{ expected: string; actual: string }>, n = 4): Score {
  let hit = 0
  let extra = 0
  let missed = 0
  for (const { expected, actual } of pairs) {
    const wanted = shingles(expected, n)
    const found = shingles(actual, n)
    let h = 0
    let e = 0
    let m = 0
    for (const key of new Set([...wanted.keys(), ...found.keys()])) {
      const [want, have] = [wanted.get(key) ?? 0, found.get(key) ?? 0]
      h += Math.min(want, have)
      e += Math.max(0, have - want)
      m += Math.max(0, want - have)
    }
    const total = Math.max(1, h + e + m)
    hit += h / total
    extra += e / total
    missed += m / total
  }
  const precision = hit / Math.max(1e-12, hit + extra)
  const recall = hit / Math.max(1e-12, hit + missed)
  return { precision, recall, f1: (2 * precision * recall) / Math.max(1e-12, precision + recall) }
}

function shingles(text: string, n: number): Map<string, number> {
  const words =
    text
      .toLowerCase()
      .match(
        /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[\p{L}\p{N}\p{M}_]+?(?=[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|[^\p{L}\p{N}\p{M}_]|$)/gu,
      ) ?? []
  const counts = new Map<string, number>()
  for (let i = 0; i < Math.max(1, words.length - n + 1) && words.length > 0; i++) {
    const key = words.slice(i, i + n).join(' ')
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return counts
}
