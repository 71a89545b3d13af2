/** The parts that two texts share: stretches made of runs of 8 characters that occur in both, as deduplication counts them. */
const RUN = 8

export interface Part {
  text: string
  shared: boolean
}

export function sharedParts(a: string, b: string): [Part[], Part[]] {
  return [partsOf(a, runsOf(b)), partsOf(b, runsOf(a))]
}

function runsOf(text: string): Set<string> {
  const runs = new Set<string>()
  for (let i = 0; i + RUN <= text.length; i++) runs.add(text.slice(i, i + RUN))
  return runs
}

function partsOf(text: string, runs: ReadonlySet<string>): Part[] {
  const lit = new Uint8Array(text.length)
  for (let i = 0; i + RUN <= text.length; i++) if (runs.has(text.slice(i, i + RUN))) lit.fill(1, i, i + RUN)
  return split(text, lit)
}

/** What two short texts have in common in the same order: their longest common subsequence, stretches of 2 or more only. */
export function commonParts(a: string, b: string): [Part[], Part[]] {
  const width = b.length + 1
  const best = new Uint16Array((a.length + 1) * width)
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      best[i * width + j] =
        a[i] === b[j]
          ? best[(i + 1) * width + j + 1]! + 1
          : Math.max(best[(i + 1) * width + j]!, best[i * width + j + 1]!)
  const [litA, litB] = [new Uint8Array(a.length), new Uint8Array(b.length)]
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i] === b[j]) {
      let run = 1
      while (i + run < a.length && j + run < b.length && a[i + run] === b[j + run]) run++
      if (run >= 2) {
        litA.fill(1, i, i + run)
        litB.fill(1, j, j + run)
      }
      i += run
      j += run
    } else if (best[(i + 1) * width + j]! >= best[i * width + j + 1]!) i++
    else j++
  }
  return [split(a, litA), split(b, litB)]
}

function split(text: string, lit: Uint8Array): Part[] {
  const parts: Part[] = []
  for (let i = 0; i < text.length;) {
    let end = i
    while (end < text.length && lit[end] === lit[i]) end++
    parts.push({ text: text.slice(i, end), shared: lit[i] === 1 })
    i = end
  }
  return parts
}
