/** Text from a model, as it comes. */
import { type StreamOptions, streamText } from '../generate/index.ts'
import { UserError } from '../run/index.ts'
import { renderChat, stopIds, textStart, type Turn } from '../tokenizer/index.ts'
import type { LoadedModel } from './load.ts'

/** How tokens are drawn; `maxTokens` is 200 and `temperature` 0.7 unless given. */
export type GenerateTextOptions = Partial<Omit<StreamOptions, 'stopIds' | 'session' | 'alternatives'>>

/**
 * Pieces of the answer to a dialogue, or of what a text goes on with: whole characters, nothing that may become a stop string. Breaking
 * out of the loop ends it. Throws a UserError when a base model is given a dialogue, or the prompt fills the context.
 */
export async function* generate(
  { model, tokenizer, isBase }: LoadedModel,
  prompt: string | Turn[],
  options: GenerateTextOptions = {},
): AsyncGenerator<string, void, void> {
  if (typeof prompt !== 'string' && isBase)
    throw new UserError(
      'this is a base model, which goes on with a text: give it a string, not a dialogue',
      '这是基座模型，只会往下续写：请给它一段文字，而不是对话',
    )
  const ids =
    typeof prompt === 'string'
      ? [textStart(tokenizer), ...tokenizer.encode(prompt)]
      : renderChat(tokenizer, prompt, { generationPrompt: true }).ids
  if (ids.length >= model.config.maxPositions)
    throw new UserError(
      `the prompt has ${ids.length} tokens; the model holds ${model.config.maxPositions}`,
      `提示有 ${ids.length} 个词元，模型最多容纳 ${model.config.maxPositions} 个`,
    )
  const drawing = { maxTokens: 200, temperature: 0.7, seed: 1, ...options, stopIds: stopIds(tokenizer) }
  for await (const { text } of streamText(model, tokenizer, ids, drawing)) if (text !== '') yield text
}
