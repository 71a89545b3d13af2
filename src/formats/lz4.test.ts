import { expect, test } from 'vitest'
import { unpackHadoopLz4, unpackLz4 } from './lz4.ts'

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()
// "abc", then 9 bytes from 3 back, then "xyz!!": by hand from the specification; pyarrow's LZ4_RAW is read in parquet.test.ts.
const block = Buffer.from([0x35, ...Buffer.from('abc'), 3, 0, 0x50, ...Buffer.from('xyz!!')])

test('literals and matches that overlap themselves', () => {
  expect(text(unpackLz4(block, 17))).toBe('abcabcabcabcxyz!!')
  const long = Buffer.from([0xf0, 255, 10, ...Buffer.alloc(280, 'q')])
  expect(text(unpackLz4(long, 280))).toBe('q'.repeat(280))
  const lengths = Buffer.from([0, 0, 0, 17, 0, 0, 0, block.length])
  expect(text(unpackHadoopLz4(Buffer.concat([lengths, block, lengths, block]), 34))).toBe('abcabcabcabcxyz!!'.repeat(2))
})

test.each([
  ['too short', block.subarray(0, 9), 17],
  ['another length', block, 18],
  ['too long', block, 16],
  ['a match before the beginning', Buffer.from([0x10, 97, 9, 0]), 5],
  ['a length without an end', Buffer.from([0xf0, 255]), 900],
])('%s is an error', (_, bytes, length) => expect(() => unpackLz4(bytes, length)).toThrow(/^LZ4: /))
