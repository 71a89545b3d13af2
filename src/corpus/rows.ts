/** A row of JSONL, CSV or Parquet as a raw document: its text by the name of the field, and `id`, `url` and `date` where it has them. */
import type { Place, RawDocument, Rejection } from './document.ts'
import { textDocument } from './document.ts'

/** `field`: a key of the row, or a path of keys with dots. Rows without an id are called by their place. */
export function fromRow(row: unknown, field: string, place: Place & { line: number }): RawDocument | Rejection {
  if (typeof row !== 'object' || row === null || Array.isArray(row))
    return { ...place, rule: 'defect', detail: `an object was expected, not ${JSON.stringify(row).slice(0, 40)}` }
  const { id, url, date } = row as Record<string, unknown>
  const own = {
    id: typeof id === 'string' && id !== '' ? id : `${place.source}#${place.line}`,
    ...(typeof url === 'string' && url !== '' ? { url } : {}),
  }
  const dated = typeof date === 'string' && date !== '' ? { date } : {}
  const text = at(row as Record<string, unknown>, field)
  if (typeof text === 'string') return textDocument(text, { ...own, ...dated, ...place })
  const reject = (rule: string, detail: string): Rejection => ({ ...place, ...own, rule, detail })
  if (text instanceof Uint8Array) return reject('defect', `"${field}" is not UTF-8`)
  if ('messages' in row || 'conversations' in row)
    return reject('dialogue', '"messages" are for the sft stage, not for the corpus')
  const keys = Object.keys(row).slice(0, 10).join(', ')
  return reject('defect', `no string "${field}"; the row has ${keys || 'no keys'}`)
}

function at(row: Record<string, unknown>, field: string): unknown {
  if (Object.hasOwn(row, field)) return row[field]
  return field
    .split('.')
    .reduce<unknown>(
      (part, key) => (typeof part === 'object' && part !== null ? (part as Record<string, unknown>)[key] : undefined),
      row,
    )
}
