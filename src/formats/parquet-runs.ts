/**
 * A Parquet page unpacked, and its run lengths checked: hyparquet writes as many values as a run claims, and a damaged or hostile one claims
 * billions. (https://parquet.apache.org/docs/file-format/data-pages/encodings/, "RLE / Bit-Packing Hybrid")
 */
import type { CompressionCodec, Compressors, SchemaTree } from 'hyparquet'
import type { PageHeader } from 'hyparquet/src/types.js'

/** The page as one that was never packed, for `readPage` with the codec UNCOMPRESSED. Throws an Error that says what is wrong. */
export function unpackPage(
  header: PageHeader,
  page: DataView,
  codec: CompressionCodec,
  path: readonly SchemaTree[],
  compressors: Compressors,
): { header: PageHeader; view: DataView } {
  const packed = new Uint8Array(page.buffer, page.byteOffset, page.byteLength)
  const { data_page_header: v1, data_page_header_v2: v2, uncompressed_page_size: size } = header
  const unpack = (bytes: Uint8Array, length: number) => {
    if (codec === 'UNCOMPRESSED' || v2?.is_compressed === false) return bytes
    const compressor = compressors[codec]
    if (compressor === undefined) throw new Error(`packed with ${codec}, which is not known`)
    return compressor(bytes, length)
  }
  const elements = path.slice(1).map(({ element }) => element)
  const repetition = elements.filter((element) => element.repetition_type === 'REPEATED').length
  const definition = elements.filter((element) => element.repetition_type !== 'REQUIRED').length
  const boolean = elements.at(-1)!.type === 'BOOLEAN'
  let bytes = packed
  if (v2 !== undefined) {
    const { num_values: values, num_nulls: nulls, num_rows: rows } = v2
    const [first, second] = [v2.repetition_levels_byte_length, v2.definition_levels_byte_length]
    const counts = [values, nulls, rows, first, second]
    if (!counts.every((n) => Number.isInteger(n) && n >= 0) || nulls > values || first + second > packed.length)
      throw new Error('the header of a page contradicts itself')
    checkRuns(packed, 0, first, bitWidth(repetition), repetition > 0 ? values : 0)
    checkRuns(packed, first, first + second, bitWidth(definition), definition > 0 ? values : 0)
    const levels = packed.subarray(0, first + second)
    bytes = Buffer.concat([levels, unpack(packed.subarray(first + second), size - first - second)])
    checkValues(bytes, first + second, v2.encoding, boolean, values - nulls)
  } else bytes = unpack(packed, size)
  if (v1 !== undefined) {
    let at = 0
    for (const levels of [repetition, definition]) {
      if (levels === 0) continue
      const end = at + 4 + prefix(bytes, at)
      checkRuns(bytes, at + 4, end, bitWidth(levels), v1.num_values)
      at = end
    }
    checkValues(bytes, at, v1.encoding, boolean, v1.num_values)
  }
  return {
    header: {
      ...header,
      compressed_page_size: bytes.length,
      ...(v2 === undefined ? {} : { data_page_header_v2: { ...v2, is_compressed: false } }),
    },
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
  }
}

const bitWidth = (value: number) => 32 - Math.clz32(value)

function prefix(bytes: Uint8Array, at: number): number {
  if (at + 4 > bytes.length) throw new Error('a page is too short for its levels')
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true)
}

/** At most `values` of them are there: nulls are left out. */
function checkValues(bytes: Uint8Array, at: number, encoding: string, boolean: boolean, values: number): void {
  if (!/^(PLAIN_DICTIONARY|RLE_DICTIONARY|RLE)$/.test(encoding) || values === 0) return
  if (boolean) checkRuns(bytes, at + 4, bytes.length, 1, values)
  else if (at < bytes.length) checkRuns(bytes, at + 1, bytes.length, bytes[at]!, values)
}

/**
 * Goes along the runs from `at` to `end` as a reader would that needs `values` values. Behind levels, which end inside the page, that reader would
 * go on; values may be fewer, as nulls have none.
 */
function checkRuns(bytes: Uint8Array, at: number, end: number, width: number, values: number): void {
  if (width > 32) throw new Error(`values of ${width} bits`)
  const last = Math.min(end, bytes.length)
  for (let seen = 0; seen < values && at < last;) {
    let [head, shift] = [0, 0]
    for (let byte = 128; byte & 128; shift += 7) {
      if (shift > 28) throw new Error('a run length of more than 32 bits')
      if (at >= last) return missing(seen)
      byte = bytes[at++]!
      head += (byte & 127) * 2 ** shift
    }
    const count = head & 1 ? Math.floor(head / 2) * 8 : Math.floor(head / 2)
    // The last run of packed values is padded to eight.
    if (count > values - seen + 7) throw new Error(`a run of ${count} values where ${values - seen} are missing`)
    at += head & 1 ? width * (count / 8) : (width + 7) >> 3
    seen += count
    if (at >= last && seen < values) return missing(seen)
  }
  function missing(seen: number) {
    if (last < bytes.length) throw new Error(`runs end after ${seen} of ${values} values`)
  }
}
