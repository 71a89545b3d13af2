/**
 * A record of a web archive as a raw document, as the reason why it is none, or as a line of an inventory (`xueba corpus warc`).
 *
 * Left out: segments are not joined (a record cut into several is a rejection), and a revisit is not replaced by the capture it repeats.
 */
import { checkDigests, parseHttp } from '../formats/index.ts'
import type { HttpResponse, WarcDefect, WarcRecord } from '../formats/index.ts'
import { decodeHtml } from './charset.ts'
import type { RawDocument, Rejection } from './document.ts'
import { textDocument } from './document.ts'

/** Undefined for records that are not about a page's content: requests, metadata, the description of the file. `number`: of the record in its file. */
export function fromRecord(record: WarcRecord, source: string, number: number): RawDocument | Rejection | undefined {
  const { type, url, offset, content, headers } = record
  const date = headers.get('warc-date')
  const place = { source, offset, ...(url === undefined ? {} : { url }) }
  const id = `${source}#${number}`
  const dated = { ...place, id, ...(date === undefined ? {} : { date }) }
  const reject = (rule: string, detail: string): Rejection => ({ ...place, id, rule, detail })
  if (type === 'continuation' || headers.has('warc-segment-number'))
    return reject(
      'segment',
      `segment ${headers.get('warc-segment-number') ?? '?'} of a record; segments are not joined`,
    )
  if (type === 'conversion') return textDocument(new TextDecoder().decode(content), dated)
  if (type === 'revisit') return reject('revisit', 'the content was captured before')
  if (type === 'resource') {
    const mime = headers.get('content-type') ?? ''
    return isPage(mime)
      ? { ...dated, html: decodeHtml(content, mime).text }
      : reject('not-a-page', `content type ${mime || 'missing'}`)
  }
  if (type !== 'response') return undefined
  if (url !== undefined && !/^https?:/i.test(url)) return reject('not-a-page', `address ${url.slice(0, 100)}`)
  const response = parseHttp(content)
  if (response === undefined) return reject('defect', 'the response has no HTTP status line')
  if (response.status !== 200) return reject('http-status', `status ${response.status}`)
  if (response.defect !== undefined) return reject('defect', response.defect)
  const mime = response.headers.get('content-type') ?? ''
  if (!isPage(mime) && !(mime === '' && looksLikeHtml(response.body)))
    return reject('not-a-page', `content type ${mime || 'missing'}`)
  const { text, charset } = decodeHtml(response.body, mime)
  if (/^text\/plain/i.test(mime) && !looksLikeHtml(response.body)) return textDocument(text, dated)
  return { ...dated, html: text, meta: { charset } }
}

const isPage = (mime: string) => /^(text\/html|application\/xhtml\+xml|text\/plain)\b/i.test(mime)
const looksLikeHtml = (body: Uint8Array) =>
  /^\s*(<!doctype html|<html|<head|<body)/i.test(new TextDecoder('latin1').decode(body.subarray(0, 512)))

/** What an inventory says about a record, or about a stretch of bytes that is none. Keys that are unknown are absent. */
export interface RecordLine {
  /** Byte of the file where the record, or its gzip member, starts. */
  offset: number
  type?: string
  url?: string
  /** As the archive says, ISO 8601 where it is well-formed. */
  date?: string
  /** WARC-Record-ID without its brackets. */
  id?: string
  /** HTTP status of a response or revisit. */
  status?: number
  /** Content type without its parameters: of the HTTP response where there is one, else of the record. */
  mime?: string
  charset?: string
  /** Of the payload, its encodings undone; of other records, of the block. */
  bytes?: number
  /** Whether the digests that the record states are right; absent when it states none that can be checked. */
  digestOk?: boolean
  /** What is wrong with the record, or the place. */
  defect?: string
}

export function describeRecord(item: WarcRecord | WarcDefect): RecordLine {
  const { offset } = item
  const record = 'defect' in item ? item.record : item
  if (record === undefined) return { offset, ...('defect' in item ? { defect: item.defect } : {}) }
  const { type, url, headers, content } = record
  const response = type === 'response' || type === 'revisit' ? parseHttp(content) : undefined
  const torn = 'defect' in item
  const digests = torn ? {} : checkDigests(record)
  const verdicts = Object.entries(digests).filter(([, verdict]) => verdict !== 'unknown')
  const wrong = verdicts
    .filter(([, verdict]) => verdict === 'mismatch')
    .map(([name]) => `${name} digest does not match`)
  const defects = [
    ...(torn ? [item.defect] : []),
    ...(response?.defect === undefined ? [] : [response.defect]),
    ...wrong,
  ]
  const contentType = response === undefined ? headers.get('content-type') : response.headers.get('content-type')
  const line = {
    offset,
    type,
    url,
    date: headers.get('warc-date'),
    id: headers.get('warc-record-id')?.replace(/^<(.*)>$/, '$1'),
    status: response?.status,
    mime: contentType?.split(';', 1)[0]!.trim().toLowerCase() || undefined,
    charset: charsetOf(record, response, contentType),
    bytes: response === undefined ? content.length : response.body.length,
    digestOk: verdicts.length === 0 ? undefined : wrong.length === 0,
    defect: defects.length === 0 ? undefined : defects.join('; '),
  }
  return Object.fromEntries(Object.entries(line).filter(([, value]) => value !== undefined)) as unknown as RecordLine
}

/** What the header says, else, of a page, what its bytes say. */
function charsetOf({ type, content }: WarcRecord, response: HttpResponse | undefined, mime = ''): string | undefined {
  const stated = /charset\s*=\s*["']?([\w.:-]+)/i.exec(mime)?.[1]
  if (stated !== undefined) return stated.toLowerCase()
  const body = response?.body ?? content
  if (type === 'revisit' || body.length === 0 || !isPage(mime)) return undefined
  return decodeHtml(body, mime).charset
}
