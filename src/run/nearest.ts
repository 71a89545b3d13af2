/** The word a person probably meant. */

/** Insertions, deletions, substitutions and swaps of neighbours between two words (optimal string alignment; Damerau 1964). */
export function distance(a: string, b: string): number {
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      row[j] = Math.min(above[j]! + 1, row[j - 1]! + 1, change)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j]!, before[j - 2]! + 1)
    }
    ;[before, above] = [above, row]
  }
  return above[b.length]!
}

const plain = (text: string) => text.toLowerCase().replaceAll(/[-_]/g, '')

/** The nearest known word if it is near enough to be a slip: a third of the letters at most, or one is the other's start. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const rated = known.map((candidate) => ({ candidate, far: distance(plain(word), plain(candidate)) }))
  const best = rated.sort((a, b) => a.far - b.far)[0]
  const slips = best ? Math.max(1, Math.floor(Math.max(word.length, best.candidate.length) / 3)) : 0
  if (best && best.far <= slips && best.far < word.length) return best.candidate
  if (word.length < 3) return undefined
  return known.find(
    (candidate) =>
      plain(candidate).startsWith(plain(word)) || (candidate.length >= 3 && plain(word).startsWith(plain(candidate))),
  )
}
