/** Reads the CSV of `mawps.ts` from a file. */
import { readCsv } from '../formats/index.ts'
import type { MawpsRow } from './mawps.ts'
import type { NumberedRow, RejectedRow } from './pool.ts'

const COLUMNS = ['Question', 'Numbers', 'Equation', 'Answer'] as const

/** The rows, and the lines that are no rows. Throws with path and column when the header lacks a column. */
export async function loadMawpsRows(path: string): Promise<{ rows: NumberedRow<MawpsRow>[]; rejected: RejectedRow[] }> {
  const rows: NumberedRow<MawpsRow>[] = []
  const rejected: RejectedRow[] = []
  for await (const item of readCsv(path)) {
    if ('defect' in item) {
      rejected.push({ line: item.line, reason: item.defect })
      continue
    }
    const missing = COLUMNS.filter((column) => !(column in item.row))
    if (missing.length > 0)
      throw new Error(`${path}: no column ${missing.join(', ')} (found: ${Object.keys(item.row).join(', ')})`)
    const [Question, Numbers, Equation, Answer] = COLUMNS.map((column) => item.row[column]!) as [
      string,
      string,
      string,
      string,
    ]
    rows.push({ line: item.line, row: { Question, Numbers, Equation, Answer } })
  }
  return { rows, rejected }
}
