/**
 * Lines of bytes: what JSON Lines and plain text share. Gzip and zstd are unpacked; a line over the limit is refused without keeping it.
 */
import type { Bytes, Defect } from './bytes.ts'
import { decompressed } from './gzip.ts'

/** Throws on invalid UTF-8 instead of replacing it; drops a byte-order mark. */
export const utf8 = new TextDecoder('utf-8', { fatal: true })

const lineLimit = 16 << 20

export interface Line {
  line: number
  offset: number
  bytes: Uint8Array
  defect?: string
}

const nothing = new Uint8Array(0)

/** Lines without their newline; a line too long, and damage of the packed stream, come as defects in their place. */
export function splitLines(source: Bytes, maxLine?: number): AsyncGenerator<Line> {
  return linesOf(decompressed(source), maxLine)
}

/** The same, of what is unpacked already. */
export async function* linesOf(pieces: AsyncIterable<Uint8Array | Defect>, maxLine = lineLimit): AsyncGenerator<Line> {
  let line = 1
  let offset = 0 // where the current line starts
  let parts: Uint8Array[] = [] // of the current line
  let length = 0
  const end = (): Line =>
    length > maxLine
      ? { line, offset, bytes: nothing, defect: `line of ${length} bytes; more than ${maxLine} are refused` }
      : { line, offset, bytes: parts.length === 1 ? parts[0]! : Buffer.concat(parts) }
  const keep = (part: Uint8Array) => {
    length += part.length
    if (length > maxLine) parts = []
    else parts.push(part)
  }
  for await (const chunk of pieces) {
    if ('defect' in chunk) {
      const lost = length > 0 ? `; ${length} bytes of this line are lost` : ''
      yield { line, offset, bytes: nothing, defect: `${chunk.defect} (byte ${chunk.offset} of the file)${lost}` }
      ;[parts, offset, length] = [[], offset + length, 0]
      continue
    }
    for (let at = 0; at < chunk.length;) {
      const newline = chunk.indexOf(10, at)
      keep(chunk.subarray(at, newline < 0 ? chunk.length : newline))
      if (newline < 0) break
      yield end()
      ;[parts, offset, length] = [[], offset + length + 1, 0]
      line++
      at = newline + 1
    }
  }
  if (length > 0) yield end()
}
