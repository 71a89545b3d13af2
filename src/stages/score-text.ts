/** The loss of every token of a text. The text stands after the end-of-text token, so its first token is predicted too. */
import { createBatch, type Model, tokenLosses, writeBatch } from '../nn/index.ts'
import { textStart, type Tokenizer } from '../tokenizer/index.ts'

export interface TextScore {
  ids: number[]
  /** Mean nats over predicted tokens: all of `ids`. */
  loss: number
  bitsPerByte: number
  /** Nats of each id. */
  losses: number[]
}

/**
 * Texts longer than `window` tokens (default: the model's context) are scored window by window, each beginning anew. A model knows the
 * positions that its training rows had: a context that was left longer than these makes a long text look hard.
 */
export async function scoreText(
  model: Model,
  tokenizer: Tokenizer,
  text: string,
  window = model.config.maxPositions,
): Promise<TextScore> {
  const { engine } = model
  const ids = tokenizer.encode(text)
  const time = Math.min(ids.length, window, model.config.maxPositions)
  const tensors = createBatch(engine, 1, time)
  const program = engine.capture(() => engine.noGrad(() => tokenLosses(model, tensors)))
  const endOfText = textStart(tokenizer)
  const losses: number[] = []
  for (let first = 0; first < ids.length; first += time) {
    const part = ids.slice(first, first + time)
    const targets = new Int32Array(time).fill(-1)
    targets.set(part)
    const inputs = new Int32Array(time).fill(endOfText)
    inputs.set(part.slice(0, -1), 1)
    if (first > 0) inputs[0] = ids[first - 1]!
    writeBatch(tensors, { ids: inputs, targets, starts: new Int32Array(time) }, 1)
    program.run()
    losses.push(...Array.from(await program.outputs.read()).slice(0, part.length))
  }
  program.free()
  for (const t of [tensors.ids, tensors.targets, tensors.starts, tensors.weights]) t.free()
  const nats = losses.reduce((a, b) => a + b, 0)
  const bytes = new TextEncoder().encode(text).length
  return { ids, loss: nats / ids.length, bitsPerByte: nats / Math.LN2 / bytes, losses }
}
