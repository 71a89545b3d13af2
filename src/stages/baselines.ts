/**
 * What models that only count make of the same held-out text, after the same reading: a 5-gram model on the same tokens, and
 * prediction by partial matching (what a text compressor knows) on the same bytes. A model that is no better has learnt nothing
 * that counting would not have given.
 */
import { join } from 'node:path'
import { Ppm, trainNgrams } from '../baselines/index.ts'
import type { Tokenizer } from '../tokenizer/index.ts'
import { scoredTokens } from './held-out.ts'
import { encodeDocuments } from './pretrain.ts'
import { textsOf } from './tokenizer.ts'

/** Their names, in metrics and in the exam's table. */
export const BASELINES = ['5-gram', 'PPM'] as const

/** Ends a document, where a byte has to; its bits do not count, as those of the end-of-text token do not. */
const END = 0

/** Bits per byte of the tokens that a `heldOutScorer` of this shape scores; null where there are none. */
export async function scoreBaselines(
  corpus: string,
  tokenizer: Tokenizer,
  shape: { time: number; maxTokens: number },
): Promise<Record<(typeof BASELINES)[number], number> | null> {
  const endOfText = tokenizer.idOf('<|endoftext|>')
  const training = await encodeDocuments(join(corpus, 'documents.jsonl'), tokenizer)
  const { tokens } = await encodeDocuments(join(corpus, 'heldout.jsonl'), tokenizer)
  const count = scoredTokens(tokens.length, shape)
  if (count === 0) return null

  const ngrams = trainNgrams(training.tokens, tokenizer.vocabSize, 5)
  const ppm = new Ppm()
  for await (const text of textsOf(join(corpus, 'documents.jsonl'))) {
    for (const byte of Buffer.from(text)) ppm.add(byte)
    ppm.add(END)
  }
  let [nats, bits, bytes] = [0, 0, 0]
  for (let i = 1; i <= count; i++) {
    if (tokens[i] === endOfText) {
      ppm.add(END)
      continue
    }
    nats += ngrams.nats(tokens, i)
    for (const byte of tokenizer.bytesOf(tokens[i]!)) {
      bits += ppm.add(byte)
      bytes++
    }
  }
  return { '5-gram': nats / Math.LN2 / bytes, PPM: bits / bytes }
}
