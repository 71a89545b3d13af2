/**
 * An HTTP/1 response as crawlers store it: status line, headers, body with its transfer and content encodings undone.
 *
 * Crawlers often keep the headers but store the body already decoded, so an encoding that does not fit is ignored, not an error;
 * a body that ends too early gives what could be decoded; one that is damaged is a defect.
 */
import { brotliDecompressSync, constants, gunzipSync, inflateRawSync, inflateSync, zstdDecompressSync } from 'node:zlib'

export interface HttpResponse {
  status: number
  /** Names in lower case. */
  headers: Map<string, string>
  body: Uint8Array
  defect?: string
}

const bodyLimit = 64 << 20
const headLimit = 1 << 20

/** Undefined when the bytes do not start with an HTTP status line. `maxBody`: a body that unpacks to more bytes is a defect. */
export function parseHttp(content: Uint8Array, maxBody = bodyLimit): HttpResponse | undefined {
  const start = bodyStart(content)
  const [first, ...lines] = latin1(content.subarray(0, Math.min(start, headLimit))).split(/\r*\n/)
  const status = /^(?:HTTP\/\d+(?:\.\d+)?|ICY) +(\d{3})(?: |$)/.exec(first!.trimEnd())
  if (status === null) return undefined
  const headers = new Map<string, string>()
  let last = ''
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (/^[ \t]/.test(line) && last !== '') headers.set(last, `${headers.get(last)} ${line.trim()}`)
    else if (colon > 0) {
      last = line.slice(0, colon).trim().toLowerCase()
      headers.set(last, line.slice(colon + 1).trim())
    }
  }
  let body = content.subarray(start)
  if (isChunked(headers)) body = dechunk(body)
  const encodings = (headers.get('content-encoding') ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
  let defect: string | undefined
  for (const encoding of encodings.toReversed()) {
    const result = unpack(body, encoding, maxBody)
    if (typeof result === 'string') defect = result
    else body = result
  }
  return { status: Number(status[1]), headers, body, ...(defect === undefined ? {} : { defect }) }
}

/** Where the body of a request or response starts: after the first empty line; the end where there is none within 1 MiB. */
export function bodyStart(content: Uint8Array): number {
  for (let at = content.indexOf(10); at >= 0 && at < headLimit; at = content.indexOf(10, at + 1)) {
    if (content[at + 1] === 10) return at + 2
    if (content[at + 1] === 13 && content[at + 2] === 10) return at + 3
  }
  return content.length
}

export function isChunked(headers: ReadonlyMap<string, string>): boolean {
  return /chunked/i.test(headers.get('transfer-encoding') ?? '')
}

/** Chunks joined; from the first thing that is no chunk on, the bytes as they are. */
export function dechunk(body: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = []
  for (let at = 0; at < body.length;) {
    const newline = body.indexOf(10, at)
    const size =
      newline < 0
        ? null
        : /^([0-9a-f]{1,8})[ \t]*(?:;.*)?\r?$/i.exec(latin1(body.subarray(at, Math.min(newline, at + 256))))
    if (size === null) {
      parts.push(body.subarray(at))
      break
    }
    const length = Number.parseInt(size[1]!, 16)
    if (length === 0) break
    parts.push(body.subarray(newline + 1, newline + 1 + length))
    at = newline + 1 + length
    if (body[at] === 13) at++
    if (body[at] === 10) at++
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}

/** The unpacked body, the same body where it is not packed that way, or what is wrong. A torn stream gives what it has. */
function unpack(body: Uint8Array, encoding: string, maxOutputLength: number): Uint8Array | string {
  if (body.length === 0) return body
  const finishFlush = constants.Z_SYNC_FLUSH
  try {
    if (encoding === 'gzip' || encoding === 'x-gzip') {
      if (body[0] !== 0x1f || body[1] !== 0x8b) return body
      return gunzipSync(body, { finishFlush, maxOutputLength })
    }
    if (encoding === 'deflate') {
      const zlib = (body[0]! & 15) === 8 && (body[0]! * 256 + body[1]!) % 31 === 0
      return (zlib ? inflateSync : inflateRawSync)(body, { finishFlush, maxOutputLength })
    }
    if (encoding === 'br')
      return brotliDecompressSync(body, { finishFlush: constants.BROTLI_OPERATION_FLUSH, maxOutputLength })
    if (encoding === 'zstd') return zstdDecompressSync(body, { finishFlush: constants.ZSTD_e_flush, maxOutputLength })
    return body
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      return `the body unpacks to more than ${maxOutputLength} bytes`
    if (encoding !== 'gzip' && encoding !== 'x-gzip' && looksLikeText(body)) return body
    return `the body is not ${encoding}: ${(error as Error).message}`
  }
}

/** No control characters but tabs and line ends at the start: a body that was stored decoded. */
function looksLikeText(body: Uint8Array): boolean {
  return body.subarray(0, 512).every((byte) => byte >= 32 || byte === 9 || byte === 10 || byte === 13)
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}
