/** The answer of one sequence as it grows: text that can be shown, and the tokens it is made of. */
import { createTextStream, type Finish, logSumExp, textOf, type TokenText, topTokens } from '../generate/index.ts'

/** One token and how likely it was, under the model's whole distribution at temperature 1. */
export interface ScoredToken {
  /** UTF-16 units of the answer before it. */
  offset: number
  token: string
  bytes: number[]
  /** Nats. */
  logProb: number
  top: { token: string; bytes: number[]; logProb: number }[]
}

export interface Piece {
  text: string
  /** Tokens whose text has begun to show; none when nobody asked for them. */
  tokens: ScoredToken[]
  finish: Finish | null
}

export interface Answer {
  /** Takes the next token; `logits` (V) where tokens are to be scored. A stop id is no part of the answer. */
  push(id: number, finish: Finish | null, logits: ArrayLike<number> | null): Piece
}

/** `top` alternatives are reported with each token that is scored. */
export function createAnswer(
  tokenizer: TokenText,
  stop: readonly string[],
  stopIds: readonly number[],
  top: number,
): Answer {
  const stream = createTextStream(tokenizer, stop)
  let shown = 0
  let held: ScoredToken[] = []
  const score = (id: number, logits: ArrayLike<number>): ScoredToken => ({
    offset: stream.decoded,
    ...named(tokenizer, id),
    logProb: logits[id]! - logSumExp(logits),
    top: topTokens(logits, tokenizer, top).map((one) => ({
      ...named(tokenizer, one.id),
      logProb: Math.log(one.probability),
    })),
  })
  return {
    push(id, finish, logits) {
      const ends = stopIds.includes(id)
      if (logits && !ends) held.push(score(id, logits))
      let text = ends ? '' : stream.push(id)
      if (finish) text += stream.end()
      shown += text.length
      const tokens = held.filter(({ offset }) => (finish && !stream.stopped) || offset < shown)
      held = held.slice(tokens.length)
      return { text, tokens, finish: stream.stopped ? 'stop' : finish }
    },
  }
}

/** A model's vocabulary may be padded beyond the tokenizer's. */
const named = (tokenizer: TokenText, id: number) => ({
  token: textOf(tokenizer, id),
  bytes: id < tokenizer.vocabSize ? [...tokenizer.bytesOf(id)] : [],
})
