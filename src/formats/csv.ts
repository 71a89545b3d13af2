/**
 * CSV with a header line (RFC 4180): quoted fields may hold commas, doubled quotes and line ends; gzip and zstd are unpacked.
 *
 * Every row is an object by column name, or a defect with its line: too many or too few fields, a quote that never closes, text
 * after a closing quote, invalid UTF-8. Reading goes on at the next line. Delimiters other than the comma are left out.
 */
import { byteReader, fileBytes } from './bytes.ts'
import type { ByteReader, Bytes } from './bytes.ts'
import { decompressed } from './gzip.ts'
import type { JsonlDefect } from './jsonl.ts'
import { utf8 } from './lines.ts'

export interface CsvRow {
  line: number
  offset: number
  row: Record<string, string>
}

const rowLimit = 16 << 20
const quote = 0x22
const newline = 10
const comma = 0x2c

export function readCsv(path: string): AsyncGenerator<CsvRow | JsonlDefect> {
  return parseCsv(fileBytes(path))
}

/** Rows longer than `maxRow` bytes (16 MiB) are a defect. */
export async function* parseCsv(source: Bytes, maxRow = rowLimit): AsyncGenerator<CsvRow | JsonlDefect> {
  const damage: string[] = []
  const input = byteReader(plainBytes(source, damage))
  let line = 1
  let header: string[] | undefined
  try {
    while (await input.fill(1)) {
      const offset = input.offset
      const { length, lines, defect } = await findRow(input, maxRow)
      const start = line
      const bytes = input.ahead.subarray(0, length)
      input.skip(length)
      line += lines
      if (defect !== undefined) {
        yield { line: start, offset, defect }
        continue
      }
      const fields = parseRow(bytes)
      if (typeof fields === 'string') yield { line: start, offset, defect: fields }
      else if (fields.length === 1 && fields[0] === '') continue
      else if (header === undefined) header = columnNames(fields)
      else if (fields.length !== header.length) {
        yield { line: start, offset, defect: `${fields.length} fields; the header has ${header.length}` }
      } else yield { line: start, offset, row: Object.fromEntries(header.map((name, i) => [name, fields[i]!])) }
    }
    for (const defect of damage) yield { line, offset: input.offset, defect }
  } finally {
    await input.close()
  }
}

async function* plainBytes(source: Bytes, damage: string[]): AsyncGenerator<Uint8Array> {
  for await (const chunk of decompressed(source)) {
    if ('defect' in chunk) damage.push(`${chunk.defect} (byte ${chunk.offset} of the file)`)
    else yield chunk
  }
}

/** How many bytes and lines the row ahead has, its end included; a row that never ends counts as one line and a defect. */
async function findRow(input: ByteReader, maxRow: number): Promise<{ length: number; lines: number; defect?: string }> {
  let quoted = false
  let atStart = true // of a field: only there a quote opens one, or right after one that closed (a doubled quote)
  let closed = -1
  let lines = 0
  let firstLine = -1
  let at = 0
  while (at < maxRow && (await input.fill(at + 1))) {
    const bytes = input.ahead
    const end = Math.min(bytes.length, maxRow)
    for (; at < end; at++) {
      const byte = bytes[at]
      if (byte === quote && quoted) [quoted, closed] = [false, at]
      else if (byte === quote && (atStart || closed === at - 1)) quoted = true
      atStart = byte === comma || (input.offset === 0 && at < 3 && bytes[0] === 0xef) // after a byte-order mark
      if (byte === newline) {
        lines++
        if (firstLine < 0) firstLine = at + 1
        if (!quoted) return { length: at + 1, lines }
      }
    }
  }
  const tooLong = at >= maxRow && (await input.fill(at + 1))
  if (!quoted && !tooLong) return { length: at, lines: lines + 1 }
  const defect = tooLong ? `row of more than ${maxRow} bytes` : 'a quote opens and never closes'
  return {
    length: firstLine < 0 ? at : firstLine,
    lines: 1,
    defect: quoted && tooLong ? `${defect}, or a quote that never closes` : defect,
  }
}

/** The fields of a row, or what is wrong with it. */
function parseRow(bytes: Uint8Array): string[] | string {
  let text
  try {
    text = utf8.decode(bytes)
  } catch {
    return 'invalid UTF-8'
  }
  text = text.replace(/\r?\n$/, '')
  const fields: string[] = []
  for (let at = 0; ; at++) {
    if (text[at] === '"') {
      let value = ''
      for (at++; ; at++) {
        const close = text.indexOf('"', at)
        if (close < 0) return 'a quote opens and never closes'
        value += text.slice(at, close)
        at = close + 1
        if (text[at] !== '"') break
        value += '"'
      }
      if (at < text.length && text[at] !== ',') return `text after the closing quote of field ${fields.length + 1}`
      fields.push(value)
    } else {
      const comma = text.indexOf(',', at)
      fields.push(text.slice(at, comma < 0 ? text.length : comma))
      at = comma < 0 ? text.length : comma
    }
    if (at >= text.length) return fields
  }
}

/** Columns without a name, or with one that is taken, get one of their own, so that no value is lost. */
function columnNames(fields: readonly string[]): string[] {
  const names: string[] = []
  for (const [i, field] of fields.entries()) {
    const base = field.trim() || `column${i + 1}`
    let name = base
    for (let n = 2; names.includes(name); n++) name = `${base}_${n}`
    names.push(name)
  }
  return names
}
