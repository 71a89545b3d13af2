/**
 * WARC/1.1 records as bytes (ISO 28500), a gzip member each: concatenate them and write the file.
 *
 * Nothing here looks at the clock or draws a number: the caller states the date, and the record's id is a digest of its content, so
 * equal input gives equal records. (The packed bytes may differ between builds of zlib; the records inside do not.)
 */
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { base32 } from './base32.ts'

export interface WarcResponse {
  url: string
  /** Of the capture, `2024-01-31T12:00:00Z`. */
  date: string
  body: string | Uint8Array
  /** Default 200. */
  status?: number
  /** Default `{'Content-Type': 'text/html; charset=utf-8'}`; Content-Length is added. */
  headers?: Readonly<Record<string, string>>
}

/** A response record, packed. */
export function encodeWarcResponse({ url, date, body, status = 200, headers }: WarcResponse): Uint8Array {
  const payload = typeof body === 'string' ? Buffer.from(body) : body
  const fields = {
    ...(headers ?? { 'Content-Type': 'text/html; charset=utf-8' }),
    'Content-Length': String(payload.length),
  }
  const head = Buffer.from(lines([`HTTP/1.1 ${status} ${status === 200 ? 'OK' : ''}`.trimEnd(), ...named(fields)]))
  const content = Buffer.concat([head, payload])
  return encodeRecord('response', content, {
    'WARC-Target-URI': url,
    'WARC-Date': date,
    'WARC-Payload-Digest': `sha1:${base32(createHash('sha1').update(payload).digest())}`,
    'Content-Type': 'application/http; msgtype=response',
  })
}

/** The record that opens a file, packed: who wrote it, and how. */
export function encodeWarcInfo(date: string, fields: Readonly<Record<string, string>>): Uint8Array {
  const content = Buffer.from(lines(named(fields)).slice(0, -2))
  return encodeRecord('warcinfo', content, { 'WARC-Date': date, 'Content-Type': 'application/warc-fields' })
}

function encodeRecord(type: string, content: Uint8Array, fields: Record<string, string>): Uint8Array {
  const hash = createHash('sha1').update(JSON.stringify(fields)).update(content).digest('hex')
  const id = `${hash.slice(0, 8)}-${hash.slice(8, 12)}-5${hash.slice(13, 16)}-a${hash.slice(17, 20)}-${hash.slice(20, 32)}`
  const head = lines([
    'WARC/1.1',
    ...named({
      'WARC-Type': type,
      'WARC-Record-ID': `<urn:uuid:${id}>`,
      ...fields,
      'Content-Length': String(content.length),
    }),
  ])
  const packed = gzipSync(Buffer.concat([Buffer.from(head), content, Buffer.from('\r\n\r\n')]))
  packed[9] = 255 // operating system: unknown, so that the bytes do not depend on it
  return packed
}

const lines = (list: readonly string[]) => `${list.join('\r\n')}\r\n\r\n`

function named(fields: Readonly<Record<string, string>>): string[] {
  return Object.entries(fields).map(([name, value]) => {
    if (/[\r\n]/.test(name + value))
      throw new Error(`WARC field ${JSON.stringify(name)} has a line break: ${JSON.stringify(value)}`)
    return `${name}: ${value}`
  })
}
