/**
 * WARC-Block-Digest and WARC-Payload-Digest of a record, checked (ISO 28500, 5.8 and 5.9).
 *
 * The payload of a request or response is its HTTP body; tools disagree whether a chunked one is hashed as it was sent or with the chunks
 * joined, so both are right. A revisit's payload digest is that of the capture it repeats, and a segment's is that of the whole: they
 * are not looked at. Algorithms are those of node:crypto; values are base32, hex, or base64 of either alphabet.
 */
import { createHash, getHashes } from 'node:crypto'
import { base32 } from './base32.ts'
import { bodyStart, dechunk } from './http.ts'
import type { WarcRecord } from './warc.ts'

/** `unknown`: the digest names no algorithm that is known here. Absent: the record states none. */
export type DigestVerdict = 'ok' | 'mismatch' | 'unknown'

export interface Digests {
  block?: DigestVerdict
  payload?: DigestVerdict
}

export function checkDigests(record: Pick<WarcRecord, 'type' | 'headers' | 'content'>): Digests {
  const { type, headers, content } = record
  const block = headers.get('warc-block-digest')
  const payload = headers.get('warc-payload-digest')
  const whole = type !== 'revisit' && type !== 'continuation' && !headers.has('warc-segment-number')
  return {
    ...(block === undefined ? {} : { block: verify(block, () => [content]) }),
    ...(payload === undefined || !whole ? {} : { payload: verify(payload, () => payloads(record)) }),
  }
}

/** What may count as the payload. */
function* payloads({
  type,
  headers,
  content,
}: Pick<WarcRecord, 'type' | 'headers' | 'content'>): Generator<Uint8Array> {
  const http = /^(request|response)$/.test(type) && !/^(?!application\/http)/i.test(headers.get('content-type') ?? '')
  const body = http ? content.subarray(bodyStart(content)) : content
  yield body
  const joined = http ? dechunk(body) : body
  if (joined.length !== body.length) yield joined
}

function verify(stated: string, candidates: () => Iterable<Uint8Array>): DigestVerdict {
  const colon = stated.indexOf(':')
  const algorithm = stated
    .slice(0, colon)
    .trim()
    .toLowerCase()
    .replace(/^sha-(?=\d)/, 'sha')
  const value = unpadded(stated.slice(colon + 1).trim())
  if (colon < 0 || !known.has(algorithm)) return 'unknown'
  for (const bytes of candidates()) {
    const digest = createHash(algorithm).update(bytes).digest()
    const forms = [
      digest.toString('hex'),
      base32(digest),
      unpadded(digest.toString('base64')),
      digest.toString('base64url'),
    ]
    // Hex and base32 are often written in the other case; base64 must not be.
    if (forms.includes(value) || forms[0] === value.toLowerCase() || forms[1] === value.toUpperCase()) return 'ok'
  }
  return 'mismatch'
}

const unpadded = (text: string) => text.replace(/=+$/, '')

const known = new Set(getHashes().map((name) => name.toLowerCase()))
