/** One completion, token by token, with its text and what else the model might have said. For chat and the API. */
import type { Model } from '../nn/index.ts'
import { breathe } from './breathe.ts'
import { checkOptions, checkPrompt, type Finish, type GenerateOptions } from './sampling.ts'
import { createSession, expectIdle, type Session } from './session.ts'
import { createTextStream, type TokenText, textOf } from './text.ts'

export interface StreamOptions extends GenerateOptions {
  /** Texts that end the completion; not part of it. */
  stop?: readonly string[]
  /** Of how many of the likeliest tokens to report the probability with each token. Default 0. */
  alternatives?: number
  /** Default 0. */
  stream?: number
  /** A session to use again: a prompt that goes on from an earlier one is then not computed from its beginning. */
  session?: Session
}

export interface Alternative {
  id: number
  text: string
  /** At temperature 1, before any filter. */
  probability: number
}

export interface StreamedToken {
  id: number
  /** What can be shown since the token before: whole characters, no stop string, nothing that may become one. */
  text: string
  /** log p in nats, at temperature 1. */
  logProb: number
  alternatives: Alternative[]
  /** Set on the last token. */
  finish: Finish | null
}

/** Yields nothing when the prompt fills the context. Breaking out of the loop frees everything. */
export async function* streamText(
  model: Model,
  tokenizer: TokenText,
  prompt: ArrayLike<number>,
  options: StreamOptions,
): AsyncGenerator<StreamedToken, void, void> {
  const { stream = 0, stop = [], stopIds = [], alternatives = 0, maxTokens } = options
  const { vocabSize, maxPositions } = model.config
  checkOptions(options, vocabSize)
  const text = createTextStream(tokenizer, stop)
  expectIdle(model, options.session)
  checkPrompt('the prompt', prompt, vocabSize, options.session?.capacity ?? maxPositions)
  const session = options.session ?? createSession(model, 1, Math.min(maxPositions, prompt.length + maxTokens))
  try {
    const [sequence] = session.add([{ prompt, stream, options }])
    try {
      for (let n = 0; !text.stopped && sequence!.finish === null; n++) {
        await session.advance(1)
        const { ids, logProbs } = await session.read(sequence!, n, sequence!.finish ? sequence!.ids.length : n + 1)
        if (ids.length === 0) return
        const [id, logProb] = [ids[0]!, logProbs[0]!]
        let shown = stopIds.includes(id) ? '' : text.push(id)
        if (sequence!.finish) shown += text.end()
        const likeliest = alternatives > 0 ? topTokens(await session.logits(sequence!), tokenizer, alternatives) : []
        yield { id, text: shown, logProb, alternatives: likeliest, finish: text.stopped ? 'stop' : sequence!.finish }
        await breathe()
      }
    } finally {
      session.drop(sequence!)
    }
  } finally {
    if (!options.session) session.free()
  }
}

/** The `count` likeliest next tokens after `ids`, likeliest first. */
export async function distribution(
  model: Model,
  tokenizer: TokenText,
  ids: ArrayLike<number>,
  count: number,
): Promise<Alternative[]> {
  checkPrompt('the text', ids, model.config.vocabSize, model.config.maxPositions)
  const session = createSession(model, 1, ids.length)
  try {
    const [sequence] = session.add([{ prompt: ids, stream: 0, options: { maxTokens: 1 } }])
    await session.advance(1)
    return topTokens(await session.logits(sequence!), tokenizer, count)
  } finally {
    session.free()
  }
}

/** The `count` likeliest ids by these logits (V), likeliest first. */
export function topTokens(logits: ArrayLike<number>, tokenizer: TokenText, count: number): Alternative[] {
  const normalise = logSumExp(logits)
  return largest(logits, Math.min(count, logits.length)).map((id) => ({
    id,
    text: textOf(tokenizer, id),
    probability: Math.exp(logits[id]! - normalise),
  }))
}

/** What turns logits into log-probabilities by subtraction. */
export function logSumExp(logits: ArrayLike<number>): number {
  let top = -Infinity
  for (let i = 0; i < logits.length; i++) top = Math.max(top, logits[i]!)
  let total = 0
  for (let i = 0; i < logits.length; i++) total += Math.exp(logits[i]! - top)
  return top + Math.log(total)
}

/** Indices of the `count` largest values, largest first, lowest index first among equals. */
function largest(values: ArrayLike<number>, count: number): number[] {
  const best: number[] = []
  for (let i = 0; i < values.length; i++) {
    if (best.length === count && !(values[i]! > values[best.at(-1)!]!)) continue
    let at = best.length
    while (at > 0 && values[i]! > values[best[at - 1]!]!) at--
    best.splice(at, 0, i)
    if (best.length > count) best.pop()
  }
  return best
}
