/**
 * Plain text as documents: a file is one document unless it is long.
 *
 * Long files are cut into documents of about `size` characters, at an empty line where there is one, else at a line end, else in
 * the middle of an over-long line, so that batches can mix parts of one book. A line that is `<|endoftext|>` (the convention of GPT-2 and
 * TinyStories dumps) always ends a document. Lines that are not UTF-8 are left out and named. Gzip and zstd are unpacked.
 */
import { fileBytes } from './bytes.ts'
import type { Bytes } from './bytes.ts'
import type { JsonlDefect } from './jsonl.ts'
import { splitLines, utf8 } from './lines.ts'

/** `line` and `offset` are those of the document's first line. */
export interface TextDocument {
  line: number
  offset: number
  text: string
}

const separator = '<|endoftext|>'
const defaultSize = 8000

export function readText(path: string, size = defaultSize): AsyncGenerator<TextDocument | JsonlDefect> {
  return parseText(fileBytes(path), size)
}

export async function* parseText(source: Bytes, size = defaultSize): AsyncGenerator<TextDocument | JsonlDefect> {
  let lines: string[] = []
  let length = 0
  let first = { line: 1, offset: 0 }
  function* finish(): Generator<TextDocument> {
    const text = lines
      .join('\n')
      .replace(/^(?:[^\S\n]*\n)+/, '')
      .trimEnd()
    lines = []
    length = 0
    if (text !== '') yield { ...first, text }
  }
  for await (const { line, offset, bytes, defect } of splitLines(source)) {
    const text = defect === undefined ? decode(bytes) : undefined
    if (text === undefined) {
      yield { line, offset, defect: defect ?? 'invalid UTF-8' }
      continue
    }
    if (text === separator) {
      yield* finish()
      continue
    }
    if (length >= 2 * size || (length >= size && text.trim() === '')) yield* finish()
    if (lines.length === 0) first = { line, offset }
    const pieces = cutLong(text, 4 * size)
    for (const piece of pieces.slice(0, -1)) {
      lines.push(piece)
      yield* finish()
    }
    lines.push(pieces.at(-1)!)
    length += pieces.at(-1)!.length + 1
  }
  yield* finish()
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes).replace(/\r$/, '')
  } catch {
    return undefined
  }
}

/** Pieces of at most `size` UTF-16 units, cut after a sentence or a space in the last tenth where there is one. */
function cutLong(text: string, size: number): string[] {
  const pieces: string[] = []
  let at = 0
  while (text.length - at > size) {
    const tail = text.slice(at + Math.floor(size * 0.9), at + size)
    const after = Math.max(
      ...['。', '！', '？', '. ', '! ', '? '].map(
        (end) => tail.lastIndexOf(end) + end.length * Number(tail.includes(end)),
      ),
    )
    const cut = after > 0 ? after : tail.lastIndexOf(' ') + 1 || tail.length
    let end = at + size - tail.length + cut
    const unit = text.charCodeAt(end)
    if (unit >= 0xdc00 && unit < 0xe000) end-- // never between the halves of one character
    pieces.push(text.slice(at, end))
    at = end
  }
  pieces.push(text.slice(at))
  return pieces
}
