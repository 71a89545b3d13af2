/**
 * Gzip read member by member (RFC 1952), tolerant of what archives contain.
 *
 * Each piece says at which byte of the file its member starts, which is how WARC files are indexed. A damaged member yields what
 * could be inflated, then a defect; reading goes on at the next thing that looks like a member. Node's own gunzip throws everything
 * away at the first damage and does not tell members apart, hence raw inflate with our own header, CRC-32 and length checks.
 * A bomb is refused by the limits of `unpack.ts`.
 */
import { crc32, createInflateRaw } from 'node:zlib'
import { byteReader } from './bytes.ts'
import type { ByteReader, Bytes, Defect } from './bytes.ts'
import { bombBytes, bombDefect, bombRatio, unpacker } from './unpack.ts'
import { isZstd, unzstd } from './zstd.ts'

/** Inflated bytes, and the file offset of the member they come from. */
export interface GzipPiece {
  member: number
  bytes: Uint8Array
}

const feedBytes = 1 << 16 // a bomb inflates 1032-fold at most: 64 MiB of output for one feed
const outputBytes = 1 << 16
/** Bytes of a file name or comment in a header: real ones are short, and damaged bytes would be searched again and again. */
const longestName = 1024

export async function* inflateMembers(source: Bytes): AsyncGenerator<GzipPiece | Defect> {
  const input = byteReader(source)
  let limit = bombBytes
  try {
    while (await input.fill(1)) {
      const member = input.offset
      const header = await headerLength(input)
      if (header === undefined) {
        const { padding } = await skipToMagic(input)
        if (!padding) yield { offset: member, defect: `${input.offset - member} bytes are not gzip` }
        continue
      }
      input.skip(header)
      const problem = yield* inflateBody(input, member, limit)
      if (problem === undefined) continue
      if (problem === bombDefect) limit = bombBytes >> 4 // who brings one brings more
      const { found } = await skipToMagic(input)
      const next = found ? `; reading goes on at byte ${input.offset}` : ''
      const verdict = problem === bombDefect ? problem : `is damaged: ${problem}`
      yield { offset: member, defect: `gzip member ${verdict}${next}` }
    }
  } finally {
    await input.close()
  }
}

/** Plain bytes whether the source is gzip, zstd or neither (told by its first bytes); defects keep their place in between. */
export async function* decompressed(source: Bytes): AsyncGenerator<Uint8Array | Defect> {
  const input = byteReader(source)
  await input.fill(4)
  if (isMagic(input.ahead, 0)) {
    for await (const piece of inflateMembers(rest(input))) yield 'member' in piece ? piece.bytes : piece
  } else if (isZstd(input.ahead)) yield* unzstd(rest(input))
  else yield* rest(input)
}

export function isMagic(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0x1f && bytes[at + 1] === 0x8b && bytes[at + 2] === 8
}

/** All that a reader has not skipped yet, as a stream. */
export async function* rest(input: ByteReader): AsyncGenerator<Uint8Array> {
  try {
    while (await input.fill(1)) {
      const chunk = input.ahead
      input.skip(chunk.length)
      yield chunk
    }
  } finally {
    await input.close()
  }
}

/** Length of the header that starts here, or undefined when none does. */
async function headerLength(input: ByteReader): Promise<number | undefined> {
  if (!(await input.fill(10)) || !isMagic(input.ahead, 0)) return undefined
  const flags = input.ahead[3]!
  if (flags & 0xe0) return undefined
  let length = 10
  if (flags & 4) {
    if (!(await input.fill(length + 2))) return undefined
    length += 2 + input.ahead[length]! + 256 * input.ahead[length + 1]!
  }
  for (const flag of [8, 16]) {
    if (!(flags & flag)) continue
    await input.fill(length + longestName) // or to the end of the file
    const end = input.ahead.subarray(0, length + longestName).indexOf(0, length)
    if (end < 0) return undefined
    length = end + 1
  }
  if (flags & 2) length += 2
  return (await input.fill(length)) ? length : undefined
}

/** Skips at least one byte, up to something that looks like a member. `padding`: only zeros were passed, up to the end. */
async function skipToMagic(input: ByteReader): Promise<{ found: boolean; padding: boolean }> {
  let zeros = true
  while (await input.fill(1)) {
    await input.fill(4)
    const bytes = input.ahead
    let at = 0
    do {
      zeros &&= bytes[at] === 0
      at++
    } while (at < bytes.length && !(bytes[at] === 0x1f && (at + 2 >= bytes.length || isMagic(bytes, at))))
    input.skip(at)
    if ((await input.fill(3)) && isMagic(input.ahead, 0)) return { found: true, padding: false }
  }
  return { found: false, padding: zeros }
}

/**
 * Yields one member's bytes and skips them; returns what is wrong with it, or undefined. Of a damaged member the last bytes stay
 * unskipped, because inflate may have run into the next member before it noticed.
 */
async function* inflateBody(
  input: ByteReader,
  member: number,
  limit: number,
): AsyncGenerator<GzipPiece, string | undefined> {
  const engine = unpacker(createInflateRaw({ chunkSize: outputBytes }))
  let checksum = 0
  let size = 0
  let taken = 0 // of the bytes ahead
  try {
    for (;;) {
      if (!(await input.fill(taken + 1))) return 'the file ends inside it'
      const chunk = input.ahead.subarray(taken, taken + feedBytes)
      const { output, used, failure } = await engine.push(chunk)
      for (const bytes of output) {
        checksum = crc32(bytes, checksum)
        size += bytes.length
        yield { member, bytes }
      }
      if (failure !== undefined) return failure
      taken += used
      if (size > limit && size > bombRatio * (input.offset + taken - member)) return bombDefect
      if (used < chunk.length) break // the trailer guarantees that something follows the last block
      if (taken > feedBytes) input.skip(taken - feedBytes)
      taken = Math.min(taken, feedBytes)
    }
  } finally {
    engine.close()
  }
  if (!(await input.fill(taken + 8))) return 'its checksum is missing'
  const trailer = new DataView(input.ahead.buffer, input.ahead.byteOffset + taken, 8)
  const expected = { checksum: trailer.getUint32(0, true), size: trailer.getUint32(4, true) }
  if (expected.checksum !== checksum) return 'its checksum does not match'
  if (expected.size !== size % 2 ** 32) return `it has ${size} bytes, but says ${expected.size}`
  input.skip(taken + 8)
  return undefined
}
