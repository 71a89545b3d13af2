/** Damage as it happens and as somebody would make it; for the small fuzz of `npm test` and the large one of `npm run study -- readers`. */
import { constants, deflateRawSync } from 'node:zlib'

/** Numbers in [0, 1) from a seed (xorshift32): the same damage every time. */
export function numbers(seed: number): () => number {
  let state = seed * 2654435761 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

/** A copy with one to four changes: bits turned, bytes overwritten, cut out, put twice, exchanged for words that parsers care about. */
export function damaged(good: Uint8Array, random: () => number): Uint8Array {
  let bytes = Buffer.from(good)
  const int = (below: number) => Math.floor(random() * below)
  for (let changes = 1 + int(4); changes > 0 && bytes.length > 0; changes--) {
    const at = int(bytes.length)
    const length = 1 + int(random() < 0.8 ? 16 : bytes.length - at)
    const [before, part, after] = [bytes.subarray(0, at), bytes.subarray(at, at + length), bytes.subarray(at + length)]
    const kind = int(6)
    if (kind === 0) bytes[at]! ^= 1 << int(8)
    else if (kind === 1) bytes = Buffer.concat([before, Buffer.alloc(part.length, int(256)), after])
    else if (kind === 2) bytes = Buffer.concat([before, after])
    else if (kind === 3) bytes = Buffer.concat([before, part, part, after])
    else if (kind === 4) bytes = Buffer.concat([before, Buffer.from(words[int(words.length)]!, 'latin1'), after])
    else bytes = Buffer.from(before)
  }
  return bytes
}

const words = [
  'WARC/1.0\r\n',
  '\r\n\r\n',
  'Content-Length: 99999999999\r\n',
  'Content-Length: -1\r\n',
  'Content-Encoding: gzip\r\n',
  'Content-Encoding: br\r\n',
  'Transfer-Encoding: chunked\r\n',
  'ffffffff\r\n',
  '\x1f\x8b\x08\0\0\0\0\0\0\x03',
  '\x1f\x8b\x08\xff',
  '\x28\xb5\x2f\xfd',
  'PAR1',
  '\xff\xff\xff\x7f',
  '\0'.repeat(64),
  'http://a.example/ 1.2.3.4 20240101000000 text/html 99999999999\n',
]

/** A gzip member of so many MiB of zeros that is never whole in memory; its checksum is wrong, which nobody gets to see. */
export function* gzipBomb(megabytes: number): Generator<Uint8Array> {
  yield Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])
  const block = deflateRawSync(Buffer.alloc(1 << 20), { finishFlush: constants.Z_FULL_FLUSH })
  for (let i = 0; i < megabytes; i++) yield block
  yield Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 0, 0])
}

/** A zstd frame of so many MiB of zeros, in blocks that say "128 KiB of this byte" (RFC 8878, 3.1.1.2). */
export function zstdBomb(megabytes: number): Uint8Array {
  const frame = [0x28, 0xb5, 0x2f, 0xfd, 0, 0x38] // a window of 128 KiB
  for (let i = 0; i < 8 * megabytes; i++) frame.push(2, 0, 0x10, 0)
  return Uint8Array.from([...frame, 1, 0, 0])
}

/** `start`, then `unit` again and again, at least so many bytes in all. */
export function* endless(start: string, unit: string, bytes: number): Generator<Uint8Array> {
  yield Buffer.from(start)
  const block = Buffer.from(unit.repeat(Math.ceil((1 << 18) / unit.length)))
  for (let done = start.length; done < bytes; done += block.length) yield block
}
