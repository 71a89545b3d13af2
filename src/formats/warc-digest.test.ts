import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { base32 } from './base32.ts'
import { checkDigests } from './warc-digest.ts'

const http = (head: string, body: string) => Buffer.from(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${body}`)
const sha1 = (text: string | Uint8Array) => createHash('sha1').update(text).digest()
const check = (content: Uint8Array, headers: Record<string, string>, type = 'response') =>
  checkDigests({ type, headers: new Map(Object.entries({ 'content-type': 'application/http', ...headers })), content })

const content = http('A: b', 'body')
test.each([
  ['base32', `sha1:${base32(sha1('body'))}`],
  ['small letters', `SHA1:${base32(sha1('body')).toLowerCase()}`],
  ['hex', `sha1:${sha1('body').toString('hex')}`],
  ['base64', `sha1:${sha1('body').toString('base64')}`],
  ['base64url', `sha-1: ${sha1('body').toString('base64url')}`],
  ['SHA-256', `sha256:${createHash('sha256').update('body').digest('hex')}`],
  ['MD5', `md5:${createHash('md5').update('body').digest('hex')}`],
])('%s', (_, stated) => {
  expect(check(content, { 'warc-payload-digest': stated })).toEqual({ payload: 'ok' })
  expect(check(http('A: b', 'other'), { 'warc-payload-digest': stated })).toEqual({ payload: 'mismatch' })
})

test('block and payload; a chunked body either way', () => {
  const chunked = http('Transfer-Encoding: chunked', '3\r\nbod\r\n1\r\ny\r\n0\r\n\r\n')
  const block = `sha1:${base32(sha1(chunked))}`
  for (const payload of ['body', '3\r\nbod\r\n1\r\ny\r\n0\r\n\r\n']) {
    const stated = { 'warc-block-digest': block, 'warc-payload-digest': `sha1:${base32(sha1(payload))}` }
    expect(check(chunked, stated)).toEqual({ block: 'ok', payload: 'ok' })
  }
})

test('what is not of this block is not looked at; what is not known is said', () => {
  const stated = { 'warc-payload-digest': `sha1:${base32(sha1('elsewhere'))}` }
  expect(check(content, stated, 'revisit')).toEqual({})
  expect(check(content, stated, 'continuation')).toEqual({})
  expect(check(content, { ...stated, 'warc-segment-number': '1' })).toEqual({})
  expect(check(content, { 'warc-payload-digest': 'crc:1', 'warc-block-digest': 'abc' })).toEqual({
    block: 'unknown',
    payload: 'unknown',
  })
  const resource = { 'content-type': 'text/plain', 'warc-payload-digest': `sha1:${base32(sha1('a\n\nb'))}` }
  expect(check(Buffer.from('a\n\nb'), resource, 'resource')).toEqual({ payload: 'ok' })
})
