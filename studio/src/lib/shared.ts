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

/** Words, and whatever else as single characters, Han among them: what one compares texts by. */
const pieces = (text: string): string[] => text.match(/(?:(?!\p{Script=Han})[\p{L}\p{N}])+|[\s\S]/gu) ?? []

/** A text's beginning of about so many characters, no word cut in two. */
export function beginning(text: string, characters: number): string {
  let end = 0
  for (const piece of pieces(text.slice(0, characters + 100))) {
    if (end >= characters) break
    end += piece.length
  }
  return text.slice(0, end)
}

/** What two short texts have in common in the same order: their longest common subsequence of pieces, stretches of 2 characters or more only. */
export function commonParts(a: string, b: string): [Part[], Part[]] {
  const [as, bs] = [pieces(a), pieces(b)]
  const width = bs.length + 1
  const best = new Uint16Array((as.length + 1) * width)
  for (let i = as.length - 1; i >= 0; i--)
    for (let j = bs.length - 1; j >= 0; j--)
      best[i * width + j] =
        as[i] === bs[j]
          ? best[(i + 1) * width + j + 1]! + 1
          : Math.max(best[(i + 1) * width + j]!, best[i * width + j + 1]!)
  const [litA, litB] = [new Uint8Array(a.length), new Uint8Array(b.length)]
  for (let i = 0, j = 0, atA = 0, atB = 0; i < as.length && j < bs.length;) {
    if (as[i] === bs[j]) {
      let run = ''
      while (i < as.length && as[i] === bs[j]) {
        run += as[i++]
        j++
      }
      if (run.trim().length >= 2) {
        litA.fill(1, atA, atA + run.length)
        litB.fill(1, atB, atB + run.length)
      }
      atA += run.length
      atB += run.length
    } else if (best[(i + 1) * width + j]! >= best[i * width + j + 1]!) atA += as[i++]!.length
    else atB += bs[j++]!.length
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
