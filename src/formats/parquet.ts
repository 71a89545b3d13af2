/**
 * Parquet (https://parquet.apache.org/docs/file-format/) read row by row, from a file or over HTTP ranges; only the columns asked for.
 *
 * Flat columns stream page by page; nested ones (lists, structs, maps) are read a row group at a time, refused over 256 MiB. A row group that is
 * damaged is one defect, and reading goes on with the next. hyparquet knows the format: the footer, encodings, nesting. Left out:
 * encryption, columns in other files, and what hyparquet lacks (BSON, INTERVAL).
 */
import type { ColumnChunk, FileMetaData, RowGroup, SchemaTree } from 'hyparquet'
import { parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet'
import { getTreePath } from 'hyparquet/src/schema.js'
import type { RandomAccess } from './bytes.ts'
import { chunkRange, columnPages, compressors, pageLimit, pagesOf, parsers } from './parquet-pages.ts'

export interface ParquetRow {
  /** From 0, in the file. */
  row: number
  /** Numbers, texts, booleans, null; lists and objects of them; dates as ISO 8601; bytes where text is not UTF-8. */
  value: Record<string, unknown>
}

/** Rows from `row` on that could not be read. */
export interface ParquetDefect {
  row: number
  rows: number
  defect: string
}

export interface ParquetFile {
  /** Names of the columns at the top. */
  columns: string[]
  rows: number
  /** All columns by default. */
  read(columns?: readonly string[]): AsyncGenerator<ParquetRow | ParquetDefect>
}

const footerLimit = 64 << 20
const groupRows = 1 << 26
const nestedLimit = 256 << 20

/** What is in the file, or what is wrong with it. Throws only what `source` throws. */
export async function openParquet(source: RandomAccess): Promise<ParquetFile | string> {
  const problem = await checkFooter(source)
  if (problem !== undefined) return problem
  let metadata: FileMetaData
  let schema: SchemaTree
  try {
    metadata = await parquetMetadataAsync(source, { geoparquet: false })
    schema = parquetSchema(metadata)
  } catch (error) {
    if (!isTheirs(error)) throw error
    return `the footer is damaged: ${error.message}`
  }
  return {
    columns: schema.children.map(({ element }) => element.name),
    rows: metadata.row_groups.reduce((sum, group) => sum + Number(group.num_rows), 0),
    read: (columns) => readRows(source, metadata, schema, columns),
  }
}

/** What hyparquet says about the contents of a file are plain errors; those of the disk and the network are not. */
const isTheirs = (error: unknown): error is Error =>
  error instanceof Error &&
  (error.constructor === Error ||
    error instanceof RangeError ||
    error instanceof TypeError ||
    error instanceof SyntaxError) &&
  !('code' in error && /^E[A-Z]+$/.test(String(error.code)))

async function checkFooter(source: RandomAccess): Promise<string | undefined> {
  const { byteLength } = source
  if (byteLength < 12) return `no Parquet file: it has ${byteLength} bytes`
  const tail = new DataView(await source.slice(byteLength - 8, byteLength))
  const magic = tail.getUint32(4, true)
  if (magic === 0x45524150) return 'the footer is encrypted'
  if (magic !== 0x31524150) return 'no Parquet file, or a torn one: it does not end with PAR1'
  const length = tail.getUint32(0, true)
  if (length > byteLength - 12) return `the footer is damaged: it says ${length} bytes in a file of ${byteLength}`
  if (length > footerLimit) return `a footer of ${length} bytes; more than ${footerLimit} are refused`
  return undefined
}

async function* readRows(
  source: RandomAccess,
  metadata: FileMetaData,
  schema: SchemaTree,
  columns: readonly string[] | undefined,
): AsyncGenerator<ParquetRow | ParquetDefect> {
  const names = schema.children.map(({ element }) => element.name)
  const wanted = columns === undefined ? names : names.filter((name) => columns.includes(name))
  let first = 0
  for (const [index, group] of metadata.row_groups.entries()) {
    const rows = Number(group.num_rows)
    let done = 0
    try {
      if (!(rows >= 0 && rows <= groupRows)) throw new Error(`it says ${rows} rows; more than ${groupRows} are refused`)
      for await (const value of groupValues(
        source,
        { ...metadata, row_groups: [group], num_rows: group.num_rows },
        schema,
        wanted,
      )) {
        yield { row: first + done, value }
        done++
      }
    } catch (error) {
      if (!isTheirs(error)) throw error
      yield { row: first + done, rows: rows - done, defect: `row group ${index}: ${error.message}` }
    }
    first += rows
  }
}

/** The rows of the one group in `metadata`, columns side by side as their pages come. */
async function* groupValues(
  source: RandomAccess,
  metadata: FileMetaData,
  schema: SchemaTree,
  wanted: readonly string[],
): AsyncGenerator<Record<string, unknown>> {
  const group = metadata.row_groups[0]!
  const rows = Number(group.num_rows)
  const cursors = wanted.map((name) => {
    const tree = schema.children.find(({ element }) => element.name === name)!
    const flat = tree.children.length === 0 && tree.element.repetition_type !== 'REPEATED'
    const pages = flat ? flatPages(source, group, schema, name) : nestedPage(source, metadata, schema, name)
    return { name, pages, page: [] as ArrayLike<unknown>, at: 0 }
  })
  try {
    for (let done = 0; done < rows;) {
      await Promise.all(
        cursors.map(async (cursor) => {
          while (cursor.at >= cursor.page.length) {
            const next = await cursor.pages.next()
            if (next.done) throw new Error(`column ${cursor.name}: it ends after ${done} of ${rows} rows`)
            ;[cursor.page, cursor.at] = [next.value, 0]
          }
        }),
      )
      const step = Math.min(rows - done, ...cursors.map(({ page, at }) => page.length - at))
      for (let i = 0; i < step; i++)
        yield Object.fromEntries(cursors.map(({ name, page, at }) => [name, plain(page[at + i])]))
      for (const cursor of cursors) cursor.at += step
      done += step
    }
  } finally {
    await Promise.all(cursors.map(({ pages }) => pages.return(undefined)))
  }
}

async function* flatPages(
  source: RandomAccess,
  group: RowGroup,
  schema: SchemaTree,
  name: string,
): AsyncGenerator<ArrayLike<unknown>> {
  try {
    const chunk = chunksOf(group, name)[0]
    if (chunk === undefined) throw new Error('it is missing')
    yield* columnPages(source, metaOf(chunk), getTreePath(schema, [name]))
  } catch (error) {
    throw isTheirs(error) ? new Error(`column ${name}: ${error.message}`, { cause: error }) : error
  }
}

/** A nested column of a whole row group, as one page. */
async function* nestedPage(
  source: RandomAccess,
  metadata: FileMetaData,
  schema: SchemaTree,
  name: string,
): AsyncGenerator<ArrayLike<unknown>> {
  const chunks = chunksOf(metadata.row_groups[0]!, name).map(metaOf)
  const ranges = chunks.map((chunk) => chunkRange(chunk, source.byteLength))
  const unpacked = chunks.reduce((sum, chunk) => sum + Number(chunk.total_uncompressed_size), 0)
  const values = chunks.reduce((sum, chunk) => sum + Number(chunk.num_values), 0)
  if (!(unpacked <= nestedLimit && values <= pageLimit))
    throw new Error(
      `column ${name}: nested, ${unpacked} bytes and ${values} values; more than ${nestedLimit} are refused`,
    )
  const bytes = ranges.reduce((sum, { start, end }) => sum + end - start, 0)
  if (bytes > nestedLimit)
    throw new Error(`column ${name}: nested, ${bytes} bytes packed; more than ${nestedLimit} are refused`)
  try {
    const buffers = await Promise.all(ranges.map(({ start, end }) => source.slice(start, end)))
    const file: RandomAccess = {
      byteLength: source.byteLength,
      async slice(start, end = source.byteLength) {
        const i = ranges.findIndex((range) => range.start <= start && end <= range.end)
        return i < 0 ? source.slice(start, end) : buffers[i]!.slice(start - ranges[i]!.start, end - ranges[i]!.start)
      },
    }
    for (const chunk of chunks) for await (const _ of pagesOf(file, chunk, getTreePath(schema, chunk.path_in_schema))); // only checked
    const options = { file, metadata, columns: [name], compressors, parsers, geoparquet: false }
    const rows = await parquetReadObjects(options)
    yield rows.map((row) => row[name] as unknown)
  } catch (error) {
    throw isTheirs(error) ? new Error(`column ${name}: ${error.message}`, { cause: error }) : error
  }
}

const chunksOf = (group: RowGroup, name: string): ColumnChunk[] =>
  group.columns.filter(({ meta_data: meta }) => meta?.path_in_schema[0] === name)

function metaOf({ meta_data: meta, file_path: path, crypto_metadata: crypto }: ColumnChunk) {
  if (meta === undefined || crypto !== undefined) throw new Error('it is encrypted')
  if (path !== undefined && path !== '') throw new Error(`it lies in another file, ${path}`)
  return meta
}

/** JSON's kinds of values; bytes stay bytes. */
function plain(value: unknown): unknown {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  if (value === undefined || value === null) return null
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  if (value instanceof Uint8Array) return value
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<unknown>, plain)
  if (Array.isArray(value)) return value.map(plain)
  return Object.fromEntries(Object.entries(value as object).map(([key, part]) => [key, plain(part)]))
}
