/**
 * Text from ids that arrive one at a time: what could still become part of a character is held back until it is decided.
 *
 * The pieces joined are `tokenizer.decode` of all ids. Special tokens are left out, as there.
 */
import type { Tokenizer } from './tokenizer.ts'

export interface TextStream {
  /** The text that one more id completes; often '', when it ends inside a character. */
  push(id: number): string
  /** What is still held back: U+FFFD for a character that never came whole. The stream then starts afresh. */
  end(): string
}

/** `special` writes special tokens as their text. */
export function textStream(tokenizer: Tokenizer, { special = false }: { special?: boolean } = {}): TextStream {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  return {
    push(id) {
      const bytes = tokenizer.bytesOf(id)
      return !special && tokenizer.isSpecialId(id) ? '' : decoder.decode(bytes, { stream: true })
    },
    end: () => decoder.decode(),
  }
}
