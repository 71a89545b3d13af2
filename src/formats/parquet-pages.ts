/**
 * A column of a Parquet row group, page by page, so that memory is bounded by pages (about 1 MiB each) and not by row groups, which other
 * writers make gigabytes long. Pages are decoded by hyparquet; what their headers claim is checked first.
 */
import type { ColumnMetaData, Compressors, ParquetParsers, SchemaTree } from 'hyparquet'
import { parquetHeader, readPage } from 'hyparquet/src/column.js'
import { convert, DEFAULT_PARSERS } from 'hyparquet/src/convert.js'
import { snappyUncompress } from 'hyparquet/src/snappy.js'
import type { ColumnDecoder, DecodedArray, PageHeader } from 'hyparquet/src/types.js'
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import type { RandomAccess } from './bytes.ts'
import { utf8 } from './lines.ts'
import { unpackHadoopLz4, unpackLz4 } from './lz4.ts'
import { unpackPage } from './parquet-runs.ts'

/** Bytes of a page, packed or not. */
export const pageLimit = 256 << 20
/** Bytes asked for at once. */
const window = 4 << 20

/** Each gives exactly so many bytes, or throws. */
export const compressors: Compressors = {
  SNAPPY: (input, length) => {
    const output = new Uint8Array(length)
    snappyUncompress(input, output)
    return output
  },
  GZIP: (input, maxOutputLength) => gunzipSync(input, { maxOutputLength: maxOutputLength || 1 }),
  BROTLI: (input, maxOutputLength) => brotliDecompressSync(input, { maxOutputLength: maxOutputLength || 1 }),
  ZSTD: (input, maxOutputLength) => zstdDecompressSync(input, { maxOutputLength: maxOutputLength || 1 }),
  LZ4_RAW: unpackLz4,
  LZ4: unpackHadoopLz4,
}

/** Text that is not UTF-8 stays bytes, so that nobody takes it for text. */
export const parsers: ParquetParsers = {
  ...DEFAULT_PARSERS,
  stringFromBytes(bytes: Uint8Array | undefined): unknown {
    if (!(bytes instanceof Uint8Array)) return bytes
    try {
      return utf8.decode(bytes)
    } catch {
      return bytes
    }
  },
}

/** Values in the order of rows, nulls included, an array a page. `path`: the schema from its root to the column. Throws an Error. */
export async function* columnPages(
  source: RandomAccess,
  column: ColumnMetaData,
  path: SchemaTree[],
): AsyncGenerator<DecodedArray> {
  const decoder = {
    ...column,
    pathInSchema: column.path_in_schema,
    element: path.at(-1)!.element,
    schemaPath: path,
    codec: 'UNCOMPRESSED',
    parsers,
  } as unknown as ColumnDecoder
  let dictionary: DecodedArray | undefined
  for await (const { header, view } of pagesOf(source, column, path)) {
    const { data } = readPage({ view, offset: 0 }, header, decoder, dictionary, undefined, 0)
    if (header.type === 'DICTIONARY_PAGE') dictionary = data && convert(data, decoder)
    else if (data !== undefined) yield data
  }
}

/** The pages of a column in the order of the file, unpacked; none of them claims anything impossible. Throws an Error. */
export async function* pagesOf(
  source: RandomAccess,
  column: ColumnMetaData,
  path: SchemaTree[],
): AsyncGenerator<{ header: PageHeader; view: DataView }> {
  const { start, end } = chunkRange(column, source.byteLength)
  const values = Number(column.num_values)
  let held = new ArrayBuffer(0)
  let heldFrom = start
  const hold = async (at: number, length: number) => {
    if (at >= heldFrom && at + length <= heldFrom + held.byteLength) return
    ;[held, heldFrom] = [await source.slice(at, Math.min(end, at + Math.max(length, window))), at]
  }
  let seen = 0
  for (let at = start; seen < values;) {
    if (at >= end) throw new Error(`it ends after ${seen} of ${values} values`)
    const ahead = async (length: number) => {
      await hold(at, Math.min(length, end - at))
      return new DataView(held, at - heldFrom)
    }
    const { header, bytes } = await readHeader(ahead, end - at)
    const size = checkPage(header, values, end - at - bytes)
    await hold(at, bytes + size)
    yield unpackPage(header, new DataView(held, at - heldFrom + bytes, size), column.codec, path, compressors)
    at += bytes + size
    seen += header.data_page_header?.num_values ?? header.data_page_header_v2?.num_values ?? 0
  }
}

export function chunkRange(column: ColumnMetaData, byteLength: number): { start: number; end: number } {
  const { dictionary_page_offset: dictionary, data_page_offset: first, total_compressed_size: size } = column
  const start = Number(dictionary !== undefined && dictionary > 0n && dictionary < first ? dictionary : first)
  const end = start + Number(size)
  if (!(start >= 4 && end >= start && end <= byteLength))
    throw new Error(`it lies at bytes ${start} to ${end} of a file of ${byteLength}`)
  return { start, end }
}

/** A header's length is not known before it is read: more is asked for until it fits. Long statistics make it long. */
async function readHeader(view: (length: number) => Promise<DataView>, left: number) {
  for (let length = 1024; ; length *= 16) {
    const reader = { view: await view(length), offset: 0 }
    try {
      const header = parquetHeader(reader)
      return { header, bytes: reader.offset }
    } catch (error) {
      if (length >= left || length >= window) throw error
    }
  }
}

/** The packed size of a page whose header claims nothing impossible. */
function checkPage(header: PageHeader, values: number, left: number): number {
  const { compressed_page_size: packed, uncompressed_page_size: unpacked } = header
  if (!(packed >= 0 && packed <= left)) throw new Error(`a page says ${packed} bytes; there are ${left}`)
  if (!(unpacked >= 0 && unpacked <= pageLimit))
    throw new Error(`a page unpacks to ${unpacked} bytes; more than ${pageLimit} are refused`)
  const { num_values: count } =
    header.data_page_header ?? header.data_page_header_v2 ?? header.dictionary_page_header ?? {}
  if (count !== undefined && !(count >= 0 && count <= Math.max(values, unpacked)))
    throw new Error(`a page says ${count} values; the column has ${values}`)
  return packed
}
