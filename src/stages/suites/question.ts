/**
 * What a benchmark asks, as ids. Three kinds: *likeliest*, where the model's probabilities choose among texts; *exact*, where its likeliest
 * tokens must be the expected ones; *written*, where it writes and somebody judges. A text that does not fit the context loses its
 * beginning, and is counted as cropped.
 */
import { textStart, type Tokenizer } from '../../tokenizer/index.ts'

/** A text of which the tokens from `from` on are scored. */
export interface Choice {
  ids: number[]
  from: number
}

export interface Likeliest {
  kind: 'likeliest'
  choices: Choice[]
  gold: number
  /** What decides: the log-probability of a token on average, or of all of them together. */
  by: 'mean' | 'sum'
}

export interface Exact {
  kind: 'exact'
  prompt: number[]
  expected: number[]
}

export interface Written {
  kind: 'written'
  prompt: number[]
  maxTokens: number
  stopIds: readonly number[]
  /** The answer ends before the first of these. */
  until: readonly string[]
  judge(text: string): boolean | Promise<boolean>
}

export type Question = Likeliest | Exact | Written

/** The questions of one file or subject. */
export interface SuiteTask {
  name: string
  /** What guessing scores. */
  chance: number
  /** Worked examples before a question, where they fit. */
  shots: number
  size: number
  question(index: number): Question
}

/** With what stands before every text. */
export const textIds = (tokenizer: Tokenizer, text: string): number[] => [
  textStart(tokenizer),
  ...tokenizer.encode(text),
]

/** Texts that begin alike: what differs is scored. */
export function choicesAfterPrefix(texts: readonly number[][]): Choice[] {
  const from = commonLength(texts)
  return texts.map((ids) => ({ ids, from: Math.min(from, ids.length - 1) }))
}

/** Texts that end alike: the end is scored. */
export function choicesOfSuffix(texts: readonly number[][]): Choice[] {
  const length = commonLength(texts.map((ids) => ids.toReversed()))
  return texts.map((ids) => ({ ids, from: Math.max(1, ids.length - length) }))
}

/** How many first ids all have. */
export function commonLength(texts: readonly (readonly number[])[]): number {
  const [first = [], ...others] = texts
  const differs = first.findIndex((id, i) => others.some((ids) => ids[i] !== id))
  return differs < 0 ? first.length : differs
}

/** At most so many ids: the last ones. At least one id stays in front of what is scored. */
export function cropped({ ids, from }: Choice, most: number): Choice {
  const over = Math.max(0, ids.length - most)
  return { ids: ids.slice(over), from: Math.max(1, from - over) }
}
