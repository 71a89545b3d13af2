/** JSON files that are one array of rows, as many data sets are published, or JSON Lines under another name. */
import { readFile } from 'node:fs/promises'
import type { Bytes, Defect } from './bytes.ts'
import { decompressed } from './gzip.ts'
import { parseLines } from './jsonl.ts'
import type { JsonlDefect, JsonlValue } from './jsonl.ts'
import { linesOf, utf8 } from './lines.ts'

const arrayLimit = 256 << 20

/** The rows of a file. Throws an Error that says what is wrong: no UTF-8, no JSON, no array. */
export async function readJsonArray(path: string): Promise<unknown[]> {
  return arrayOf(await readFile(path))
}

function arrayOf(bytes: Uint8Array): unknown[] {
  let text
  try {
    text = utf8.decode(bytes)
  } catch {
    throw new Error('invalid UTF-8')
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new Error(`malformed JSON: ${(error as Error).message}`, { cause: error })
  }
  if (!Array.isArray(value)) throw new Error('expected an array of rows, [{…}, {…}]')
  return value
}

/**
 * The rows of an array, or JSON Lines: the first character says which; gzip and zstd are unpacked. The `line` of a row of an array is its number
 * in it. An array is kept in memory: more than 256 MiB are a defect.
 */
export async function* parseJsonRows(source: Bytes): AsyncGenerator<JsonlValue | JsonlDefect> {
  const pieces = decompressed(source)
  const first: (Uint8Array | Defect)[] = []
  let start: number | undefined
  while (start === undefined) {
    const { value, done } = await pieces.next()
    if (done === true) break
    first.push(value)
    if (!('defect' in value)) start = value.find((byte) => byte > 32 && byte < 0x80) // after a byte-order mark
  }
  async function* all(): AsyncGenerator<Uint8Array | Defect> {
    yield* first
    yield* pieces
  }
  if (start !== 0x5b) return yield* parseLines(linesOf(all()))
  const parts: Uint8Array[] = []
  let size = 0
  for await (const piece of all()) {
    if ('defect' in piece) return yield { ...piece, line: 1 }
    parts.push(piece)
    if ((size += piece.length) > arrayLimit)
      return yield {
        line: 1,
        offset: 0,
        defect: `an array of more than ${arrayLimit} bytes is refused; JSON Lines have no limit`,
      }
  }
  try {
    const rows = arrayOf(Buffer.concat(parts))
    for (const [index, value] of rows.entries()) yield { line: index + 1, offset: 0, value }
  } catch (error) {
    yield { line: 1, offset: 0, defect: (error as Error).message }
  }
}
