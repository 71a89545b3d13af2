/** What a caller may ask of the sampler, checked, and as the rows that the `sample` kernel reads. */

export interface Sampling {
  /** 0 = always the best token. Default 1. */
  temperature?: number
  /** Keep the k best; 0 = all. */
  topK?: number
  /** Keep the fewest best that have this probability together; 1 = all. */
  topP?: number
  /** Keep what has at least this share of the best token's probability; 0 = all. */
  minP?: number
  /** Divide positive and multiply negative logits of tokens already there; 1 = off. */
  repetitionPenalty?: number
  seed?: number
}

export interface GenerateOptions extends Sampling {
  /** At most so many new tokens, the stop id counted. */
  maxTokens: number
  /** Ids that end a sequence; five at most. */
  stopIds?: readonly number[]
}

/** Ended by a stop id or stop string; or by `maxTokens` or the end of the context. */
export type Finish = 'stop' | 'length'

function expect(ok: boolean, name: string, expected: string, value: unknown): void {
  if (!ok) throw new Error(`generate: ${name} must be ${expected}, got ${String(value)}`)
}

/** A row of the kernel's settings; throws naming the option that is out of range. */
export function settingsOf(options: Sampling & Pick<GenerateOptions, 'stopIds'>): number[] {
  const { temperature = 1, topK = 0, topP = 1, minP = 0, repetitionPenalty = 1 } = options
  expect(temperature >= 0 && temperature < Infinity, 'temperature', '0 or more', temperature)
  expect(Number.isInteger(topK) && topK >= 0, 'topK', 'a whole number, 0 for no limit', topK)
  expect(topP > 0 && topP <= 1, 'topP', 'above 0 and at most 1', topP)
  expect(minP >= 0 && minP <= 1, 'minP', 'between 0 and 1', minP)
  expect(repetitionPenalty > 0 && repetitionPenalty < Infinity, 'repetitionPenalty', 'above 0', repetitionPenalty)
  const more = [2, 3, 4].map((i) => (options.stopIds?.[i] ?? -1) + 1)
  return [temperature, topK, topP, minP, repetitionPenalty, ...more]
}

/** A row of the kernel's state for a sequence that starts now. */
export function stateOf(options: GenerateOptions, stream: number, room: number, vocabSize: number): number[] {
  const { seed = 0, maxTokens, stopIds = [] } = options
  const isId = (id: number) => Number.isInteger(id) && id >= 0 && id < vocabSize
  expect(Number.isInteger(maxTokens) && maxTokens >= 1, 'maxTokens', 'a whole number from 1', maxTokens)
  expect(
    stopIds.length <= 5 && stopIds.every(isId),
    'stopIds',
    `at most five ids below ${vocabSize}`,
    stopIds.join(', '),
  )
  expect(Number.isInteger(seed), 'seed', 'a whole number', seed)
  expect(Number.isInteger(stream), 'stream', 'a whole number', stream)
  const [stop1 = -1, stop2 = -1] = stopIds
  return [seed | 0, stream | 0, 0, 1, Math.min(maxTokens, room), stop1, stop2, 0]
}

/** Throws, naming the option that is out of range, before anything is allocated for it. */
export function checkOptions(options: GenerateOptions, vocabSize: number): void {
  settingsOf(options)
  stateOf(options, 0, 1, vocabSize)
}

/** Throws unless the prompt is one or more ids of the vocabulary and fits the context. */
export function checkPrompt(name: string, ids: ArrayLike<number>, vocabSize: number, capacity: number): void {
  if (ids.length === 0) throw new Error(`generate: ${name} is empty; a model needs one token to start from`)
  if (ids.length > capacity)
    throw new Error(`generate: ${name} has ${ids.length} tokens, the context holds ${capacity}`)
  for (let i = 0; i < ids.length; i++)
    if (!Number.isInteger(ids[i]) || ids[i]! < 0 || ids[i]! >= vocabSize)
      throw new Error(`generate: token ${i} of ${name} is ${ids[i]}, expected an id from 0 to ${vocabSize - 1}`)
}
