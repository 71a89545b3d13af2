/** Answers in the forms of OpenAI's two endpoints, whole and in pieces. */
import type { Finish } from '../generate/index.ts'
import type { Piece, ScoredToken } from './answer.ts'

export interface Usage {
  prompt_tokens: number
  completion_tokens: number
  total_tokens: number
}

/** An endpoint's words for the same things. */
export interface Form {
  /** Before the random part of an id. */
  prefix: string
  object: string
  chunkObject: string
  /** A choice of a whole answer. */
  choice(index: number, answer: Answered): object
  /** The choices of chunks: before the first token, with a piece, and at the end. */
  opening(index: number): object | null
  delta(index: number, piece: Answered): object
  closing(index: number, finish: Finish): object
}

/** A piece, or all pieces together; `tokens` null where nobody asked for them. */
export interface Answered {
  text: string
  tokens: readonly ScoredToken[] | null
  finish: Finish | null
}

export const chatForm: Form = {
  prefix: 'chatcmpl-',
  object: 'chat.completion',
  chunkObject: 'chat.completion.chunk',
  choice: (index, { text, tokens, finish }) => ({
    index,
    message: { role: 'assistant', content: text, refusal: null },
    logprobs: chatLogProbs(tokens),
    finish_reason: finish,
  }),
  opening: (index) => ({
    index,
    delta: { role: 'assistant', content: '', refusal: null },
    logprobs: null,
    finish_reason: null,
  }),
  delta: (index, { text, tokens }) => ({
    index,
    delta: { content: text },
    logprobs: chatLogProbs(tokens),
    finish_reason: null,
  }),
  closing: (index, finish) => ({ index, delta: {}, logprobs: null, finish_reason: finish }),
}

export const completionForm: Form = {
  prefix: 'cmpl-',
  object: 'text_completion',
  chunkObject: 'text_completion',
  choice: (index, { text, tokens, finish }) => ({ index, text, logprobs: textLogProbs(tokens), finish_reason: finish }),
  opening: () => null,
  delta: (index, { text, tokens }) => ({ index, text, logprobs: textLogProbs(tokens), finish_reason: null }),
  closing: (index, finish) => ({ index, text: '', logprobs: null, finish_reason: finish }),
}

function chatLogProbs(tokens: readonly ScoredToken[] | null) {
  if (!tokens) return null
  const shown = ({ token, bytes, logProb }: { token: string; bytes: number[]; logProb: number }) => ({
    token,
    logprob: finite(logProb),
    bytes,
  })
  return { content: tokens.map((one) => ({ ...shown(one), top_logprobs: one.top.map(shown) })), refusal: null }
}

function textLogProbs(tokens: readonly ScoredToken[] | null) {
  if (!tokens) return null
  return {
    tokens: tokens.map(({ token }) => token),
    token_logprobs: tokens.map(({ logProb }) => finite(logProb)),
    top_logprobs: tokens.map((one) =>
      Object.fromEntries([...one.top, one].map(({ token, logProb }) => [token, finite(logProb)])),
    ),
    text_offset: tokens.map(({ offset }) => offset),
  }
}

/** As at OpenAI, −9999 for what is less likely than JSON can say. */
const finite = (logProb: number) => (Number.isFinite(logProb) ? logProb : -9999)

/** Pieces of one answer, joined. */
export function join(pieces: readonly Piece[], scored: boolean): Answered {
  return {
    text: pieces.map(({ text }) => text).join(''),
    tokens: scored ? pieces.flatMap(({ tokens }) => tokens) : null,
    finish: pieces.at(-1)?.finish ?? null,
  }
}
