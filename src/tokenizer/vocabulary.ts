/**
 * What a tokenizer is, as plain data: the bytes of every token, the merges, the special tokens. Training makes one, `tokenizer.json`
 * stores one, `Tokenizer` works with one.
 */

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
}

export interface Vocabulary {
  /** The bytes of each id; of a special token, its text in UTF-8. */
  tokens: readonly Uint8Array[]
  /** Best (first learned) first. */
  merges: readonly Merge[]
  special: readonly SpecialToken[]
}
