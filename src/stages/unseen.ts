/**
 * Which held-out text is new: lines that occur, word for word, in no document to be read. Documents held out by chance share
 * sentences with the others; what a model scores there is partly memory, so it is scored on the new lines alone as well.
 */
import { join } from 'node:path'
import type { Tokenizer } from '../tokenizer/index.ts'
import { textsOf } from './tokenizer.ts'
import type { TokenStream } from './tokens.ts'

const linesOf = (text: string) => text.split('\n').filter((line) => line !== '')

/** The lines of a corpus folder's held-out documents that its other documents do not have. */
export async function unseenLines(corpus: string): Promise<Set<string>> {
  const unseen = new Set<string>()
  for await (const text of textsOf(join(corpus, 'heldout.jsonl'))) for (const line of linesOf(text)) unseen.add(line)
  for await (const text of textsOf(join(corpus, 'documents.jsonl')))
    for (const line of linesOf(text)) unseen.delete(line)
  return unseen
}

/** The share of held-out text, by characters of its lines, that was read, too. Null when nothing is held out. */
export async function seenShare(corpus: string): Promise<number | null> {
  const unseen = await unseenLines(corpus)
  let [total, seen] = [0, 0]
  for await (const text of textsOf(join(corpus, 'heldout.jsonl')))
    for (const line of linesOf(text)) {
      total += line.length
      if (!unseen.has(line)) seen += line.length
    }
  return total === 0 ? null : seen / total
}

/** 1 for each token of a stream of held-out documents that begins in an unseen line; a line break belongs to the line it ends. */
export function tokensOfLines(stream: TokenStream, tokenizer: Tokenizer, lines: ReadonlySet<string>): Uint8Array {
  const { tokens, borders } = stream
  const marks = new Uint8Array(tokens.length)
  for (let d = 0; d + 1 < borders.length; d++) {
    const [first, end] = [borders[d]! + 1, borders[d + 1]!] // without the end-of-text token
    const bytes = [...tokens.subarray(first, end)].map((id) => tokenizer.bytesOf(id))
    const text = Buffer.concat(bytes)
    const isNew: boolean[] = [] // of each byte
    for (let at = 0; at < text.length;) {
      const newline = text.indexOf(0x0a, at)
      const stop = newline < 0 ? text.length : newline + 1
      const line = lines.has(text.toString('utf8', at, newline < 0 ? stop : newline))
      while (at < stop) isNew[at++] = line
    }
    let at = 0
    bytes.forEach((piece, i) => {
      if (isNew[at]) marks[first + i] = 1
      at += piece.length
    })
  }
  return marks
}
