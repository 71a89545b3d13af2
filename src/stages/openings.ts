/** What a base model goes on from at every evaluation when a recipe names no prompts: how documents begin that it never read. */

const segmenter = new Intl.Segmenter('und', { granularity: 'word' }) // the same on every machine
const wordsOf = (text: string) => [...segmenter.segment(text)]

/** Enough to say what kind of text it is, too little to say how it goes on. */
const WORDS = 3
/** Documents looked at before giving up on as many openings as wanted. */
const LOOKED_AT = 1000

/** Ends as sentences do; a title does not. */
const SENTENCE = /[.!?。！？…]["'”’」）)]*$/

/** The first words of a text's first line that is a sentence, or else of its first line; one that goes on after them. In any script. */
export function openingOf(text: string): string | undefined {
  const lines = text.slice(0, 2000).split('\n')
  for (const line of [...lines.filter((line) => SENTENCE.test(line.trim())), ...lines]) {
    const words = wordsOf(line.trim())
    const last = words.filter(({ isWordLike }) => isWordLike)[WORDS - 1]
    const end = last === undefined ? Infinity : last.index + last.segment.length
    if (last !== undefined && words.some(({ index, isWordLike }) => isWordLike && index >= end))
      return line.trim().slice(0, end)
  }
  return undefined
}

/** As many openings, no two with the same first word, so that they show several kinds of text; fewer where there are not as many. */
export async function openingsOf(texts: AsyncIterable<string>, wanted: number): Promise<string[]> {
  const found = new Map<string, string>()
  let seen = 0
  for await (const text of texts) {
    if (found.size === wanted || ++seen > LOOKED_AT) break
    const opening = openingOf(text)
    const first = opening && wordsOf(opening)[0]!.segment
    if (opening && first && !found.has(first)) found.set(first, opening)
  }
  return [...found.values()]
}
