/**
 * The files of a benchmark, and their rows: JSONL, a JSON array, CSV or Parquet, packed or not, from this disk or from a dataset on the
 * Hugging Face Hub (copied into the cache, pinned to a commit). Here a damaged row is an error that names file and line: a score on part
 * of the questions would be another benchmark's.
 */
import { readdir, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { z } from 'zod'
import { fileAccess, fileBytes, openParquet, parseCsv, parseJsonl, parseJsonRows } from '../../formats/index.ts'
import { datasetFolder, hubManner, keepCopy, openDataset, patience } from '../../remote/index.ts'
import { UserError } from '../../run/index.ts'

/** A file of this disk, and how it is called: its path inside the folder that was named. */
export interface DataFile {
  path: string
  name: string
}

export interface Row {
  /** `FILE:LINE`, for errors. */
  place: string
  value: Record<string, unknown>
}

const READABLE = /\.(jsonl|ndjson|json|csv)(\.gz|\.zst)?$|\.parquet$/i

/** `where`: a file, a folder, or `hf:owner/name`, then `:config` and `@revision` as wanted. `split`: of a dataset. */
export async function filesAt(where: string, split = 'test'): Promise<DataFile[]> {
  if (where.startsWith('hf:')) return datasetFiles(where.slice(3), split)
  const info = await stat(where).catch(() => undefined)
  if (!info) throw new UserError(`${where}: no such file or folder`, `${where}：没有这个文件或文件夹`)
  if (info.isFile()) return [{ path: where, name: where.split(sep).at(-1)! }]
  const names = await readdir(where, { recursive: true })
  const files = names.filter((name) => READABLE.test(name) && !name.split(sep).some((part) => part.startsWith('.')))
  if (files.length === 0)
    throw new UserError(
      `${where}: no .jsonl, .json, .csv or .parquet file in it`,
      `${where}：里面没有 .jsonl、.json、.csv 或 .parquet 文件`,
    )
  return files.sort().map((name) => {
    const path = join(where, name)
    return { path, name: relative(where, path).split(sep).join('/') }
  })
}

async function datasetFiles(text: string, split: string): Promise<DataFile[]> {
  const match = /^([\w.-]+\/[\w.-]+)(?::([\w.-]+))?(?:@([\w./-]+))?$/.exec(text)
  if (!match)
    throw new UserError(
      `hf:${text}: expected hf:owner/name, hf:owner/name:config or hf:owner/name:config@revision`,
      `hf:${text}：应写成 hf:所有者/名字、hf:所有者/名字:config 或 hf:所有者/名字:config@版本`,
    )
  const [, name = '', config, revision = 'main'] = match
  const query = { name, revision, split, ...(config === undefined ? {} : { config }) }
  const { files, revision: commit } = await openDataset(query, patience)
  const copies: DataFile[] = []
  for (const file of files) {
    const path = datasetFolder(name, commit, ...file.path.split('/'))
    await keepCopy(file, path, hubManner(patience))
    copies.push({ path, name: file.path })
  }
  return copies
}

/** `header`: the columns of a CSV whose first row is a row like the others. */
export async function readRows({ path, name }: DataFile, header?: readonly string[]): Promise<Row[]> {
  const rows: Row[] = []
  const less = header ? 1 : 0
  for await (const item of itemsOf(path, header)) {
    const place = `${name}:${item.line - less}`
    if ('defect' in item) throw bad(place, item.defect, item.defect)
    const { value } = item
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw bad(place, 'expected an object with keys', '这一行应是带键的对象')
    rows.push({ place, value: value as Record<string, unknown> })
  }
  if (rows.length === 0) throw new UserError(`${name}: no questions in it`, `${name}：里面没有题`)
  return rows
}

type Item = { line: number } & ({ value: unknown } | { defect: string })

async function* itemsOf(path: string, header: readonly string[] | undefined): AsyncGenerator<Item> {
  if (/\.parquet$/i.test(path)) return yield* parquetItems(path)
  const bytes = header ? withHeader(fileBytes(path), header) : fileBytes(path)
  if (/\.csv(\.\w+)?$/i.test(path))
    for await (const item of parseCsv(bytes)) yield 'defect' in item ? item : { line: item.line, value: item.row }
  else yield* /\.json(\.\w+)?$/i.test(path) ? parseJsonRows(bytes) : parseJsonl(bytes)
}

async function* withHeader(bytes: AsyncIterable<Uint8Array>, header: readonly string[]) {
  yield Buffer.from(`${header.join(',')}\n`)
  yield* bytes
}

async function* parquetItems(path: string): AsyncGenerator<Item> {
  const source = await fileAccess(path)
  try {
    const file = await openParquet(source)
    if (typeof file === 'string') return yield { line: 1, defect: file }
    for await (const item of file.read(file.columns))
      yield 'defect' in item ? { line: item.row + 1, defect: item.defect } : { line: item.row + 1, value: item.value }
  } finally {
    await source.close()
  }
}

/** The row as the schema wants it. Throws a UserError that names file, line and key. */
export function checked<T>(schema: z.ZodType<T>, { place, value }: Row): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  const key = issue.path.join('.')
  const zh = z.locales.zhCN().localeError(issue as never)
  const said = typeof zh === 'string' ? zh : (zh?.message ?? issue.message)
  return fail(place, `${key}: ${issue.message}`, `${key}：${said}`)
}

export const bad = (place: string, en: string, zh: string) => new UserError(`${place}: ${en}`, `${place}：${zh}`)

export function fail(place: string, en: string, zh: string): never {
  throw bad(place, en, zh)
}
