/** A block of lines of a documents.jsonl as tokens: what a thread does for `shards.ts`. */
import { type Tokenizer, textStart } from '../tokenizer/index.ts'

export interface EncodedBlock {
  /** Each document begins with the token that begins a text. */
  tokens: Uint32Array
  /** Tokens of each document, that one included. */
  lengths: Uint32Array
  /** Number of each document's source, where documents have one. */
  mixture: Uint16Array
  /** Of the block. */
  bytes: number
  /** What is wrong with the line after the last one encoded. */
  defect?: string
}

const decoder = new TextDecoder('utf-8', { fatal: true })

export function encodeBlock(block: Uint8Array, tokenizer: Tokenizer): EncodedBlock {
  const start = textStart(tokenizer)
  const documents: number[][] = []
  const mixture: number[] = []
  let defect: string | undefined
  for (let at = 0; at < block.length && defect === undefined;) {
    const newline = block.indexOf(10, at)
    const end = newline < 0 ? block.length : newline
    try {
      const row = JSON.parse(decoder.decode(block.subarray(at, end))) as { text?: unknown; mixture?: number }
      if (typeof row.text !== 'string') defect = 'no string "text"'
      else {
        documents.push(tokenizer.encode(row.text))
        if (row.mixture !== undefined) mixture.push(row.mixture)
      }
    } catch (error) {
      defect = (error as Error).message
    }
    at = end + 1
  }
  const tokens = new Uint32Array(documents.reduce((sum, ids) => sum + ids.length + 1, 0))
  let at = 0
  for (const ids of documents) {
    tokens[at] = start
    tokens.set(ids, at + 1)
    at += ids.length + 1
  }
  return {
    tokens,
    lengths: Uint32Array.from(documents, ({ length }) => length + 1),
    mixture: Uint16Array.from(mixture),
    bytes: block.length,
    ...(defect === undefined ? {} : { defect }),
  }
}
