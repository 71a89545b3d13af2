/** Reads the rows of a task from its files: one JSON array each, or JSON lines, packed or not. What is no row of the wanted form is named. */
import type { z } from 'zod'
import { fileBytes, parseJsonRows } from '../formats/index.ts'
import { UserError } from '../run/errors.ts'
import type { NumberedRow, RejectedRow } from './pool.ts'

/** Throws a UserError that names the file, the line and the key when a file has no row of this form at all. */
export async function readTaskRows<Row>(
  files: readonly string[],
  schema: z.ZodType<Row>,
): Promise<{ rows: NumberedRow<Row>[]; rejected: RejectedRow[] }> {
  const rows: NumberedRow<Row>[] = []
  const rejected: RejectedRow[] = []
  for (const source of files) {
    const before = rows.length
    let first: RejectedRow | undefined
    for await (const item of parseJsonRows(fileBytes(source))) {
      const parsed = 'defect' in item ? undefined : schema.safeParse(item.value)
      if (parsed?.success) {
        rows.push({ line: item.line, row: parsed.data, source })
        continue
      }
      const [issue] = parsed?.error?.issues ?? []
      const reason = 'defect' in item ? item.defect : `${issue!.path.join('.') || 'row'}: ${issue!.message}`
      const defect = { line: item.line, reason, source }
      first ??= defect
      rejected.push(defect)
    }
    if (rows.length > before) continue
    throw new UserError(
      first ? `${source}, line ${first.line} is no exercise of this task: ${first.reason}` : `${source} has no rows`,
      first ? `${source} 第 ${first.line} 行不是这种题：${first.reason}` : `${source} 里一道题也没有`,
    )
  }
  return { rows, rejected }
}
