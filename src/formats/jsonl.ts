/**
 * JSON Lines: one JSON value a line, UTF-8, plain, gzip or zstd.
 *
 * Every line is yielded as a value or as a named defect with its line and the byte at which it starts (in the unpacked text);
 * blank lines are passed over. Invalid UTF-8 is a defect, never a replacement character. Lines over a limit are refused unread.
 */
import { openAtomic } from './atomic.ts'
import { fileBytes } from './bytes.ts'
import type { Bytes, Defect } from './bytes.ts'
import { splitLines, utf8 } from './lines.ts'
import type { Line } from './lines.ts'

export interface JsonlValue {
  line: number
  offset: number
  value: unknown
}
export type JsonlDefect = Defect & { line: number }

/** The lines of a file; see `parseJsonl`. */
export function readJsonl(path: string): AsyncGenerator<JsonlValue | JsonlDefect> {
  return parseJsonl(fileBytes(path))
}

/** Lines longer than `maxLine` bytes (16 MiB) are a defect. */
export function parseJsonl(source: Bytes, maxLine?: number): AsyncGenerator<JsonlValue | JsonlDefect> {
  return parseLines(splitLines(source, maxLine))
}

export async function* parseLines(lines: AsyncIterable<Line>): AsyncGenerator<JsonlValue | JsonlDefect> {
  for await (const { line, offset, bytes, defect } of lines) {
    if (defect !== undefined) {
      yield { line, offset, defect }
      continue
    }
    const parsed = parseLine(bytes)
    if (parsed !== undefined) yield { line, offset, ...parsed }
  }
}

/** Writes values as lines; the file appears when it is closed. */
export async function openJsonl(path: string) {
  const file = await openAtomic(path)
  return { ...file, write: (value: unknown) => file.write(`${JSON.stringify(value)}\n`) }
}

function parseLine(bytes: Uint8Array): { value: unknown } | { defect: string } | undefined {
  let text
  try {
    text = utf8.decode(bytes)
  } catch {
    return { defect: 'invalid UTF-8' }
  }
  if (/^\s*$/.test(text)) return undefined
  try {
    return { value: JSON.parse(text) as unknown }
  } catch (error) {
    return { defect: `malformed JSON: ${(error as Error).message}` }
  }
}
