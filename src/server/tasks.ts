/** From checked parameters to the sequences that the batcher runs. */
import { randomInt } from 'node:crypto'
import { constrainToJson, type JsonShape, readSchema, SchemaError, type TokenTree } from '../generate/json/index.ts'
import { UserError } from '../run/index.ts'
import { type Message, renderChat, stopIds, textStart, type Tokenizer } from '../tokenizer/index.ts'
import type { Task } from './batcher.ts'
import { ApiError, invalid } from './errors.ts'
import type { CommonParameters } from './parameters.ts'

/** What is served. */
export interface Served {
  /** The model's name in the API. */
  id: string
  tokenizer: Tokenizer
  tree: TokenTree
  vocabSize: number
  /** Tokens of a prompt and its answer. */
  context: number
  /** Bytes of the longest token. */
  longest: number
  /** False for a base model, which knows no dialogue. */
  chats: boolean
  slots: number
}

/** A dialogue as ids, ending where the assistant begins. */
export function chatPrompt(served: Served, messages: readonly Message[]): number[] {
  checkText(served, 'messages', messages.map(({ content }) => content).join(''))
  try {
    return renderChat(served.tokenizer, messages, { generationPrompt: true }).ids
  } catch (error) {
    // A template of somebody else's may refuse: no system message, turns that do not alternate. Its own words, not where it lies.
    if (error instanceof UserError && error.cause instanceof Error)
      throw invalid('messages', `Invalid 'messages': the model's chat template refuses them: ${error.cause.message}.`)
    throw error
  }
}

/** A text to be gone on with; ids are taken as they are. */
export function textPrompt(served: Served, prompt: string | readonly number[]): number[] {
  const { tokenizer, vocabSize } = served
  if (typeof prompt === 'string') {
    checkText(served, 'prompt', prompt)
    return [textStart(tokenizer), ...tokenizer.encode(prompt)]
  }
  const wrong = prompt.find((id) => id >= vocabSize)
  if (wrong !== undefined) throw invalid('prompt', `Invalid 'prompt': token ${wrong} is not below ${vocabSize}.`)
  return [...prompt]
}

/**
 * A task for each of the `n` answers of each prompt, those of a prompt together. `top`: see `Task`. An answer may be cut short by
 * the context, as `finish_reason` then says; without a limit a text gets 16 tokens, as at OpenAI, and a dialogue all there is.
 */
export function tasksOf(
  served: Served,
  param: 'messages' | 'prompt',
  prompts: readonly number[][],
  given: CommonParameters & { max_completion_tokens?: number },
  top: number | null,
): Task[] {
  const { tokenizer, tree, vocabSize, context, slots } = served
  const n = given.n ?? 1
  if (prompts.length * n > slots)
    throw invalid('n', `At most ${slots} answers at a time; this request asks for ${prompts.length * n}.`)
  const shape = shapeOf(given.response_format)
  const seed = given.seed ?? randomInt(2 ** 32)
  const stop = typeof given.stop === 'string' ? [given.stop] : (given.stop ?? [])
  const ends = stopIds(tokenizer)
  return prompts.flatMap((prompt) => {
    if (prompt.length >= context) throw tooLong(served, param, `${prompt.length}`)
    const asked = given.max_completion_tokens ?? given.max_tokens ?? (param === 'prompt' && !shape ? 16 : context)
    const maxTokens = Math.min(asked, context - prompt.length)
    if (shape && shape.cost > maxTokens)
      throw invalid(
        given.max_completion_tokens === undefined ? 'max_tokens' : 'max_completion_tokens',
        `The shortest answer of this JSON schema has ${shape.cost} bytes, and only ${maxTokens} tokens are left for it.`,
      )
    const options = {
      maxTokens,
      seed,
      stopIds: ends,
      temperature: given.temperature,
      topP: given.top_p === undefined ? undefined : Math.max(given.top_p, 1e-6), // 0: only the best
      topK: given.top_k,
      minP: given.min_p,
      repetitionPenalty: given.repetition_penalty,
    }
    return Array.from({ length: n }, (_, stream): Task => {
      const constraint = shape && constrainToJson(shape, tree, tokenizer, vocabSize, ends)
      return { prompt, stream, options, stop, top, constraint }
    })
  })
}

function shapeOf(format: CommonParameters['response_format']): JsonShape | null {
  if (format?.type !== 'json_schema') return null
  try {
    return readSchema(format.json_schema.schema)
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error
    throw invalid(
      'response_format',
      `Invalid schema for response_format '${format.json_schema.name}': ${error.message}.`,
    )
  }
}

const tooLong = ({ context }: Served, param: string, tokens: string) =>
  new ApiError(
    400,
    'context_length_exceeded',
    `This model's maximum context length is ${context} tokens, answer included. However, your ${param} resulted in ${tokens} tokens.`,
    { param },
  )

/** Refuses a text that is far too long before it is encoded. */
function checkText(served: Served, param: string, text: string): void {
  const least = Math.ceil(text.length / served.longest)
  if (least >= served.context) throw tooLong(served, param, `at least ${least}`)
}
