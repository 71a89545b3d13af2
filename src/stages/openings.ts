/** What a base model goes on from at every evaluation when a recipe names no prompts: how documents begin that it never read. */

const segmenter = new Intl.Segmenter('und', { granularity: 'word' }) // the same on every machine
const wordsOf = (text: string) => [...segmenter.segment(text)]

/** Enough to say what kind of text it is, too little to say how it goes on. */
const WORDS = 3
/** Documents looked at before giving up on as many openings as wanted. */
const LOOKED_AT = 1000

/** Ends as sentences do; a title does not. */
const SENTENCE = /[.!?。！？…]["'”’」）)]*$/

/** A Chinese name that the segmenter does not know falls into single characters. */
const isOneHan = (word: string) => /^\p{Script=Han}$/u.test(word)

/** The first words of a text's first line that is a sentence, or else of its first line; one that goes on after them. In any script. */
export function openingOf(text: string): string | undefined {
  const lines = text.slice(0, 2000).split('\n')
  for (const line of [...lines.filter((line) => SENTENCE.test(line.trim())), ...lines].map((line) => line.trim())) {
    const words = wordsOf(line).filter(({ isWordLike }) => isWordLike)
    if (words.length <= WORDS) continue
    const endOf = (n: number) => words[n - 1]!.index + words[n - 1]!.segment.length
    // Not in the middle of a name: back to two words, or to a mark after one.
    const touches = (n: number) => endOf(n) === words[n]!.index
    const isCut = (n: number) => touches(n) && (isOneHan(words[n - 1]!.segment) || isOneHan(words[n]!.segment))
    let n = WORDS
    while (isCut(n) && (n > 2 || (n === 2 && !touches(1)))) n--
    return line.slice(0, endOf(n)) + (/^[，：、]/.exec(line.slice(endOf(n)))?.[0] ?? '')
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
