/**
 * What a tokenizer is, as plain data: the bytes of every token, the merges, the special tokens, and what its pipeline does beside merging.
 * Training makes one, `tokenizer.json` stores one, `Tokenizer` works with one.
 */

import type { PreSplit } from './pretokenize.ts'

/** Ends a document; also the padding and the beginning of text. */
export const END_OF_TEXT = '<|endoftext|>'
/** Opens a turn of a dialogue (ChatML). */
export const IM_START = '<|im_start|>'
/** Closes a turn. */
export const IM_END = '<|im_end|>'

/** The special tokens every vocabulary of ours has, in the order of their ids. */
export const SPECIAL_TOKENS: readonly string[] = [END_OF_TEXT, IM_START, IM_END]

/** A pair of ids and the id it becomes. */
export type Merge = readonly [left: number, right: number, merged: number]

export interface SpecialToken {
  id: number
  text: string
  /** Text like any other, though always one token (Qwen3's <think>): read in every text, and shown. */
  plain?: true
}

export interface Vocabulary {
  /** The bytes of each id; of a special token, its text in UTF-8. */
  tokens: readonly Uint8Array[]
  /** Best (first learned) first. */
  merges: readonly Merge[]
  special: readonly SpecialToken[]
  /** Where words end; absent: Qwen2's way. See pretokenize.ts. */
  split?: PreSplit
  /** Texts are brought into Unicode's composed form (NFC) first. */
  nfc?: true
  /** A word that is a token is that token, whatever the merges say (`ignore_merges`). */
  wholeWords?: true
  /** Pairs that make one token have one rank, the token's id, as in tiktoken; absent: the ranks are the order of `merges`. */
  byToken?: true
  /** Ids that the file's post-processor puts before every text; `encode` does not. */
  begin?: readonly number[]
}
