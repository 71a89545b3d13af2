/**
 * Rows of tables as they are, for those who make something else of them than documents (dialogues, say): JSONL, JSON arrays, CSV and Parquet,
 * packed or not, from wherever a source of a recipe may lie. Pages, archives and plain text have no rows and are refused by name.
 */
import { openParquet, parseCsv, parseJsonl, parseJsonRows } from '../formats/index.ts'
import { patience as usual } from '../remote/index.ts'
import type { Patience } from '../remote/index.ts'
import { UserError } from '../run/errors.ts'
import { fetched, openAccess, openBytes } from './readers.ts'
import { listSource } from './sources.ts'
import type { SourceFile, SourceSpec } from './sources.ts'

/** `line`: of the file; of Parquet and JSON arrays, the number of the row, from 1. */
export type TableRow = { source: string; line: number } & ({ value: unknown } | { defect: string })

/** All rows of all files, in order. Throws a UserError for what is not there, or has no rows. */
export async function* tableRows(spec: SourceSpec, patience: Patience = usual): AsyncGenerator<TableRow> {
  for (const file of await listSource(spec, patience)) {
    if ('rule' in file) yield { source: file.source, line: file.line ?? 0, defect: file.detail }
    else yield* rowsOf(file, patience)
  }
}

async function* rowsOf(file: SourceFile, patience: Patience): AsyncGenerator<TableRow> {
  const source = file.name
  if (file.kind !== 'jsonl' && file.kind !== 'csv' && file.kind !== 'parquet')
    throw new UserError(
      `${file.path}: rows are read from .jsonl, .json, .csv (or .gz, .zst of them) and .parquet, not from this kind of file (${file.kind})`,
      `${file.path}：数据行要从 .jsonl、.json、.csv（或其 .gz、.zst）和 .parquet 里读，不能从这种文件（${file.kind}）里读`,
    )
  const { path } = await fetched(file, patience)
  if (file.kind === 'parquet') return yield* parquetRows(source, path, patience)
  const bytes = await openBytes(path, patience)
  if (file.kind === 'csv')
    for await (const item of parseCsv(bytes))
      yield { source, line: item.line, ...('defect' in item ? { defect: item.defect } : { value: item.row }) }
  else
    for await (const item of /\.json(\.\w+)?$/i.test(source) ? parseJsonRows(bytes) : parseJsonl(bytes))
      yield { source, line: item.line, ...('defect' in item ? { defect: item.defect } : { value: item.value }) }
}

async function* parquetRows(source: string, path: string, patience: Patience): AsyncGenerator<TableRow> {
  const access = await openAccess(path, patience)
  try {
    const file = await openParquet(access.source)
    if (typeof file === 'string') return yield { source, line: 0, defect: file }
    for await (const item of file.read(file.columns))
      yield { source, line: item.row + 1, ...('defect' in item ? { defect: item.defect } : { value: item.value }) }
  } finally {
    await access.close()
  }
}
