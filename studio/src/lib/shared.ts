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
  const parts: Part[] = []
  for (let i = 0; i < text.length;) {
    let end = i
    while (end < text.length && lit[end] === lit[i]) end++
    parts.push({ text: text.slice(i, end), shared: lit[i] === 1 })
    i = end
  }
  return parts
}
