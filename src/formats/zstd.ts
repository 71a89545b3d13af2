/**
 * Zstandard read frame by frame (RFC 8878), tolerant of what files contain.
 *
 * Node's decompressor stops at the end of the first frame and says nothing when the last one is torn, so frames and blocks are walked here
 * and each frame gets a decompressor of its own. A block unpacks to 128 KiB at most, so memory is bounded by how many are fed at once. What
 * could be unpacked of a damaged frame is given, then a defect; reading goes on at the next frame. Left out: dictionaries, and windows
 * over 128 MiB (`zstd --long=28` and more), which are refused by Node.
 */
import { createZstdDecompress } from 'node:zlib'
import { byteReader } from './bytes.ts'
import type { ByteReader, Bytes, Defect } from './bytes.ts'
import { bombBytes, bombDefect, bombRatio, unpacker } from './unpack.ts'

const blocksAtOnce = 64 // 8 MiB of output
const bytesAtOnce = 1 << 20

export function isZstd(bytes: Uint8Array): boolean {
  return isFrame(bytes, 0) || isSkippable(bytes, 0)
}

/** The unpacked bytes; defects keep their place in between, with their offset in the packed file. */
export async function* unzstd(source: Bytes): AsyncGenerator<Uint8Array | Defect> {
  const input = byteReader(source)
  try {
    while (await input.fill(1)) {
      const offset = input.offset
      await input.fill(4)
      if (isSkippable(input.ahead, 0)) {
        if (await skipFrame(input)) continue
        yield { offset, defect: 'the file ends inside a skippable zstd frame' }
        continue
      }
      if (!isFrame(input.ahead, 0)) {
        await skipToFrame(input)
        yield { offset, defect: `${input.offset - offset} bytes are not zstd` }
        continue
      }
      const problem = yield* readFrame(input)
      if (problem === undefined) continue
      const found = await skipToFrame(input)
      const next = found ? `; reading goes on at byte ${input.offset}` : ''
      yield { offset, defect: `zstd frame ${problem}${next}` }
    }
  } finally {
    await input.close()
  }
}

const isFrame = (b: Uint8Array, at: number) =>
  b[at] === 0x28 && b[at + 1] === 0xb5 && b[at + 2] === 0x2f && b[at + 3] === 0xfd
const isSkippable = (b: Uint8Array, at: number) =>
  (b[at]! & 0xf0) === 0x50 && b[at + 1] === 0x2a && b[at + 2] === 0x4d && b[at + 3] === 0x18

async function skipFrame(input: ByteReader): Promise<boolean> {
  if (!(await input.fill(8))) {
    input.skip(input.ahead.length)
    return false
  }
  let left = 8 + littleEndian(input.ahead, 4, 4)
  while (left > 0 && (await input.fill(1))) {
    const part = Math.min(left, input.ahead.length)
    input.skip(part)
    left -= part
  }
  return left === 0
}

/** Skips at least one byte, up to a frame; false when there is none. */
async function skipToFrame(input: ByteReader): Promise<boolean> {
  if (await input.fill(1)) input.skip(1)
  while (await input.fill(4)) {
    const bytes = input.ahead
    let at = 0
    while (at + 4 <= bytes.length && !isFrame(bytes, at) && !isSkippable(bytes, at)) at++
    input.skip(at)
    if (at + 4 <= bytes.length) return true
  }
  input.skip(input.ahead.length)
  return false
}

/** Yields a frame's bytes and skips what was read of it; returns what is wrong with it, or undefined. */
async function* readFrame(input: ByteReader): AsyncGenerator<Uint8Array, string | undefined> {
  if (!(await input.fill(5))) return 'is torn: the file ends inside it'
  const descriptor = input.ahead[4]!
  const single = (descriptor >> 5) & 1
  const dictionary = [0, 1, 2, 4][descriptor & 3]!
  const sized = [single, 2, 4, 8][descriptor >> 6]!
  let ready = 5 + (single ? 0 : 1) + dictionary + sized // bytes ahead that may be fed
  const engine = unpacker(createZstdDecompress())
  let packed = 0
  let unpacked = 0
  try {
    for (let last = false; !last;) {
      let torn = false
      for (let blocks = 0; blocks < blocksAtOnce && ready < bytesAtOnce && !last && !torn; blocks++) {
        if (!(await input.fill(ready + 3))) torn = true
        else {
          const head = littleEndian(input.ahead, ready, 3)
          const type = (head >> 1) & 3
          if (type === 3) return 'is damaged: a block of the reserved type'
          const size = type === 1 ? 1 : head >> 3
          const end = ready + 3 + size + ((head & 1) === 1 && descriptor & 4 ? 4 : 0)
          torn = !(await input.fill(end))
          if (!torn) [ready, last] = [end, (head & 1) === 1]
        }
      }
      const { output, used, failure } = await engine.push(input.ahead.slice(0, ready))
      for (const bytes of output) {
        unpacked += bytes.length
        yield bytes
      }
      if (failure !== undefined) return `is damaged: ${failure}`
      if (used < ready) return 'is damaged: it ends before its last block'
      input.skip(ready)
      packed += ready
      ready = 0
      if (torn) return 'is torn: the file ends inside it'
      if (unpacked > bombBytes && unpacked > bombRatio * packed) return bombDefect
    }
  } finally {
    engine.close()
  }
  return undefined
}

function littleEndian(bytes: Uint8Array, at: number, length: number): number {
  let value = 0
  for (let i = length - 1; i >= 0; i--) value = value * 256 + bytes[at + i]!
  return value
}
