import fc from 'fast-check'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { parseHttp } from './http.ts'

const response = (headers: string, body: string | Uint8Array) =>
  Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${headers}\r\n\r\n`), Buffer.from(body)])
const body = (headers: string, bytes: string | Uint8Array) =>
  Buffer.from(parseHttp(response(headers, bytes))!.body).toString()

test('status and headers', () => {
  expect(parseHttp(Buffer.from('HTTP/1.0 302 \r\nLocation: http://a.example/x\r\n\r\n'))).toEqual({
    status: 302,
    headers: new Map([['location', 'http://a.example/x']]),
    body: Buffer.alloc(0),
  })
  expect(parseHttp(Buffer.from('HTTP/1.1 200\nA: b\n\nhi'))).toMatchObject({ status: 200, body: Buffer.from('hi') })
  expect(parseHttp(Buffer.from('GET / HTTP/1.1\r\n\r\n'))).toBeUndefined()
  expect(parseHttp(Buffer.alloc(0))).toBeUndefined()
})

test('encodings are undone, and ignored where the body is not encoded', () => {
  const text = 'text '.repeat(100)
  expect(body('Content-Encoding: gzip', gzipSync(text))).toBe(text)
  expect(body('Content-Encoding: deflate', deflateSync(text))).toBe(text)
  expect(body('Content-Encoding: deflate', deflateRawSync(text))).toBe(text)
  expect(body('Content-Encoding: br', brotliCompressSync(text))).toBe(text)
  expect(body('Content-Encoding: zstd', zstdCompressSync(text))).toBe(text)
  expect(body('Content-Encoding: gzip, br', brotliCompressSync(gzipSync(text)))).toBe(text)
  for (const name of ['gzip', 'deflate', 'br', 'zstd', 'utf-8'])
    expect(body(`Content-Encoding: ${name}`, text)).toBe(text)
  expect(text.startsWith(body('Content-Encoding: gzip', gzipSync(text).subarray(0, 20)))).toBe(true)
})

test('a body that unpacks to too much is a defect', () => {
  const bomb = response('Content-Encoding: gzip', gzipSync(Buffer.alloc(1 << 20)))
  expect(parseHttp(bomb, 1 << 16)!.defect).toBe('the body unpacks to more than 65536 bytes')
})

test('chunks are joined; what is no chunk is kept as it is', () => {
  const chunked = 'Transfer-Encoding: chunked'
  expect(body(chunked, '3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n')).toBe('abcde')
  expect(body(chunked, '<html>not chunked</html>')).toBe('<html>not chunked</html>')
  expect(body(chunked, '3\r\nabc\r\nzz\r\nde')).toBe('abczz\r\nde')
  expect(body(chunked, 'ff\r\nabc')).toBe('abc')
})

test('any bytes at all: no crash', () => {
  const headers = fc.constantFrom(
    '',
    'Content-Encoding: gzip',
    'Content-Encoding: br',
    'Content-Encoding: deflate',
    'Transfer-Encoding: chunked',
  )
  fc.assert(fc.property(headers, fc.uint8Array({ maxLength: 100 }), (h, bytes) => void parseHttp(response(h, bytes))))
})
