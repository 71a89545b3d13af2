/**
 * What models that only count make of the same held-out text, after the same reading: a 5-gram model on the same tokens, and
 * prediction by partial matching (what a text compressor knows) on the same bytes. A model that is no better has learnt nothing
 * that counting would not have given.
 */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Ppm, ppmOrder, trainNgrams } from '../baselines/index.ts'
import { type Tokenizer, textStart } from '../tokenizer/index.ts'
import { scoredTokens } from './held-out.ts'
import { encodeDocuments } from './pretrain.ts'
import { textsOf } from './tokenizer.ts'
import { tokensOfLines } from './unseen.ts'

/** Their names, in metrics and in the exam's table. */
export const BASELINES = ['5-gram', 'PPM'] as const

/** Ends a document, where a byte has to; its bits do not count, as those of the end-of-text token do not. */
const END = 0

export interface CountedBits {
  bitsPerByte: number
  /** In the lines that were not read; null when there are none. */
  bitsPerByteUnseen: number | null
}

/** Bits per byte of the tokens that a `heldOutScorer` of this shape scores; null where there are none. */
export async function scoreBaselines(
  corpus: string,
  tokenizer: Tokenizer,
  shape: { time: number; maxTokens: number },
  unseen: ReadonlySet<string>,
): Promise<Record<(typeof BASELINES)[number], CountedBits> | null> {
  const endOfText = textStart(tokenizer)
  const training = await encodeDocuments(join(corpus, 'documents.jsonl'), tokenizer)
  const stream = await encodeDocuments(join(corpus, 'heldout.jsonl'), tokenizer)
  const { tokens } = stream
  const isNew = tokensOfLines(stream, tokenizer, unseen)
  const scored = scoredTokens(tokens.length, shape)
  if (scored === 0) return null

  const ngrams = trainNgrams(training.tokens, tokenizer.vocabSize, 5)
  const { size } = await stat(join(corpus, 'documents.jsonl'))
  const ppm = new Ppm(ppmOrder(size))
  for await (const text of textsOf(join(corpus, 'documents.jsonl'))) {
    for (const byte of Buffer.from(text)) ppm.add(byte)
    ppm.add(END)
  }
  // [everywhere, in lines that were not read]
  const sums = { '5-gram': [0, 0], PPM: [0, 0], bytes: [0, 0] }
  const count = (name: keyof typeof sums, amount: number, at: number) => {
    sums[name][0]! += amount
    if (isNew[at]) sums[name][1]! += amount
  }
  for (let i = 1; i <= scored; i++) {
    if (tokens[i] === endOfText) {
      ppm.add(END)
      continue
    }
    count('5-gram', ngrams.nats(tokens, i) / Math.LN2, i)
    for (const byte of tokenizer.bytesOf(tokens[i]!)) {
      count('PPM', ppm.add(byte), i)
      count('bytes', 1, i)
    }
  }
  const bits = ([all, some]: number[]): CountedBits => ({
    bitsPerByte: all! / sums.bytes[0]!,
    bitsPerByteUnseen: sums.bytes[1] === 0 ? null : some! / sums.bytes[1]!,
  })
  return { '5-gram': bits(sums['5-gram']), PPM: bits(sums.PPM) }
}
