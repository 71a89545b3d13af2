/** xueba/generate: completions of prompts, many at once or streamed token by token. Runs in Node and in a browser. */
export { usualContext } from './cache.ts'
export { type BatchOptions, type Completion, generateBatch } from './generate.ts'
export type { Finish, GenerateOptions, Sampling } from './sampling.ts'
export { createSession, type Request, type Sequence, type Session, type SessionOptions } from './session.ts'
export {
  type Alternative,
  distribution,
  logSumExp,
  type StreamedToken,
  type StreamOptions,
  streamText,
  topTokens,
} from './stream.ts'
export { createTextStream, textOf, type TextStream, type TokenText } from './text.ts'
