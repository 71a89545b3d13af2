/**
 * Completions for many prompts: as many at a time as the session has slots, and the next prompt starts when one ends. What
 * comes out depends on prompt, settings, seed and stream, not on how many run together — up to rounding, where a backend
 * sums the products of small and large batches in another order. The rollouts of RL come from here.
 */
import type { Model } from '../nn/index.ts'
import { breathe } from './breathe.ts'
import { checkOptions, checkPrompt, type Finish, type GenerateOptions } from './sampling.ts'
import { createSession, expectIdle, type Session } from './session.ts'

/** Steps between two looks at which sequences have ended: a look costs a few microseconds, an ended row a step's share. */
const STEPS = 8
/** Sequences at a time when no session is given. */
const SLOTS = 64

export interface BatchOptions extends GenerateOptions {
  /** The random stream of each prompt. Default: its place in the list. */
  streams?: readonly number[]
  /** A session to use again (an RL loop keeps one): its size limits a sequence, and it is left open. */
  session?: Session
}

export interface Completion {
  /** New tokens, the stop id included. */
  ids: Int32Array
  /** log p of each in nats, under the model's whole distribution at temperature 1. */
  logProbs: Float32Array
  finish: Finish
}

/** One completion for each prompt, in order. Throws, naming the prompt, when one is empty or longer than the context. */
export async function generateBatch(
  model: Model,
  prompts: readonly ArrayLike<number>[],
  options: BatchOptions,
): Promise<Completion[]> {
  if (prompts.length === 0) return []
  const { streams } = options
  if (streams && streams.length !== prompts.length)
    throw new Error(`generate: ${streams.length} streams for ${prompts.length} prompts`)
  checkOptions(options, model.config.vocabSize)
  expectIdle(model, options.session)
  const context = options.session?.capacity ?? model.config.maxPositions
  prompts.forEach((prompt, i) => checkPrompt(`prompt ${i}`, prompt, model.config.vocabSize, context))
  const longest = prompts.reduce((a, p) => Math.max(a, p.length), 0)
  const session =
    options.session ??
    createSession(model, Math.min(SLOTS, prompts.length), Math.min(context, longest + options.maxTokens))
  try {
    session.forget() // the weights may have changed since
    return await run(session, prompts, options)
  } finally {
    if (!options.session) session.free()
  }
}

async function run(
  session: Session,
  prompts: readonly ArrayLike<number>[],
  options: BatchOptions,
): Promise<Completion[]> {
  const completions: Completion[] = []
  const places = new Map<unknown, number>()
  for (let next = 0; next < prompts.length || session.running > 0;) {
    const batch = prompts.slice(next, next + session.room)
    const requests = batch.map((prompt, i) => ({ prompt, stream: options.streams?.[next + i] ?? next + i, options }))
    requests.forEach((request, i) => places.set(request, next + i))
    session.add(requests)
    next += batch.length
    for (const { request, ids, logProbs, finish } of await session.advance(STEPS))
      completions[places.get(request)!] = { ids, logProbs, finish: finish! }
    await breathe()
  }
  return completions
}
