/**
 * The BPE trainer: from the words of a corpus to a vocabulary.
 *
 * Starting from the 256 bytes, the most frequent pair of neighbours becomes a new token, until the vocabulary is full (Sennrich et
 * al. 2016, "Neural machine translation of rare words with subword units"). Ties go to the pair of smaller ids, so that the result
 * depends on the counts of words alone. A pair is never joined across half a character: every token is whole characters or a
 * piece of one. Counts are kept up to date, not recounted: a merge touches only the positions of its own pair (pair-counts.ts). Pairs that occur once are not merged: they would learn nothing but that one place.
 */
import { PairCounts } from './pair-counts.ts'
import { Tokenizer } from './tokenizer.ts'
import { SPECIAL_TOKENS, type Merge } from './vocabulary.ts'
import { WordCounts } from './word-counts.ts'

export interface TrainOptions {
  /** Number of ids: 256 bytes, the merges, and the special tokens, which come last. */
  vocabSize: number
  /** The longest run of Han characters that is counted as one word; `none` does not cut. Default 4. */
  hanCap?: 2 | 4 | 'none'
  /** Special tokens beside <|endoftext|>, <|im_start|> and <|im_end|>. */
  special?: readonly string[]
}

/** The vocabulary asked for is larger than the text can fill; `largest` is what it can. */
export class VocabularyTooLarge extends Error {
  readonly largest: number

  constructor(vocabSize: number, largest: number, special: number) {
    super(
      `this text is too small for a vocabulary of ${vocabSize} tokens: it can fill at most ${largest} ` +
        `(256 bytes, ${largest - special - 256} merges of pairs that occur twice or more, ${special} special tokens). ` +
        `Ask for ${largest} or fewer, or give more text.`,
    )
    this.name = 'VocabularyTooLarge'
    this.largest = largest
  }
}

/** Reads all documents once. Throws VocabularyTooLarge, or a RangeError for a vocabulary below 256 bytes and special tokens. */
export async function trainTokenizer(
  documents: Iterable<string> | AsyncIterable<string>,
  options: TrainOptions,
): Promise<Tokenizer> {
  checkOptions(options)
  const { hanCap = 4 } = options
  const words = new WordCounts()
  for await (const text of documents) words.addText(text, hanCap === 'none' ? Infinity : hanCap)
  return trainOnCounts(words, options)
}

/** Throws a RangeError for a vocabulary below 256 bytes and special tokens, and for special tokens that are none. */
export function checkOptions({ vocabSize, special = [] }: TrainOptions) {
  const specialTexts = [...SPECIAL_TOKENS, ...special]
  checkSpecial(specialTexts)
  const smallest = 256 + specialTexts.length
  if (Number.isInteger(vocabSize) && vocabSize >= smallest) return
  throw new RangeError(
    `vocabSize is ${vocabSize}: expected an integer of at least ${smallest} (256 bytes and ${specialTexts.length} special tokens)`,
  )
}

/** From words already counted, with options already checked. Throws VocabularyTooLarge. */
export function trainOnCounts(words: WordCounts, { vocabSize, special = [] }: TrainOptions): Tokenizer {
  const specialTexts = [...SPECIAL_TOKENS, ...special]
  const smallest = 256 + specialTexts.length
  const pairs = new PairCounts(words)
  const merges: Merge[] = []
  while (smallest + merges.length < vocabSize) {
    const merge = pairs.mergeBest(2)
    if (!merge) throw new VocabularyTooLarge(vocabSize, smallest + merges.length, specialTexts.length)
    merges.push(merge)
  }
  const { tokens } = pairs
  const encoder = new TextEncoder()
  return new Tokenizer({
    tokens: [...tokens, ...specialTexts.map((text) => encoder.encode(text))],
    merges,
    special: specialTexts.map((text, i) => ({ id: tokens.length + i, text })),
  })
}

function checkSpecial(texts: readonly string[]) {
  texts.forEach((text, i) => {
    if (text === '') throw new RangeError('a special token is empty: expected some text')
    if (texts.indexOf(text) < i) throw new RangeError(`the special token ${JSON.stringify(text)} is given twice`)
  })
}
