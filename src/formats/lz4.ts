/**
 * LZ4 blocks unpacked (https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md), for Parquet files that use them. Only what Node lacks:
 * no frames, no packing.
 */

/** Exactly `length` bytes, or an Error. */
export function unpackLz4(input: Uint8Array, length: number): Uint8Array {
  const output = new Uint8Array(length)
  let from = 0
  let to = 0
  const extended = (nibble: number) => {
    let size = nibble
    if (nibble < 15) return size
    for (let byte = 255; byte === 255; size += byte) {
      if (from >= input.length) throw new Error('LZ4: a length ends too early')
      byte = input[from++]!
    }
    return size
  }
  while (from < input.length) {
    const token = input[from++]!
    const literals = extended(token >> 4)
    if (from + literals > input.length || to + literals > length) throw new Error('LZ4: literals go beyond the end')
    output.set(input.subarray(from, from + literals), to)
    from += literals
    to += literals
    if (from >= input.length) break // the last sequence has no match
    const distance = input[from]! + 256 * (input[from + 1] ?? 0)
    from += 2
    const match = extended(token & 15) + 4
    if (distance === 0 || distance > to || to + match > length) throw new Error('LZ4: a match lies outside')
    for (let i = 0; i < match; i++, to++) output[to] = output[to - distance]! // may overlap itself
  }
  if (to !== length) throw new Error(`LZ4: ${to} bytes instead of ${length}`)
  return output
}

/** Hadoop's framing, which the codec `LZ4` of Parquet means: lengths, big-endian, unpacked and packed, before each block. */
export function unpackHadoopLz4(input: Uint8Array, length: number): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.length)
  const parts: Uint8Array[] = []
  let total = 0
  for (let at = 0; at < input.length;) {
    if (at + 8 > input.length) throw new Error('LZ4: a block has no lengths')
    const [unpacked, packed] = [view.getUint32(at), view.getUint32(at + 4)]
    total += unpacked
    if (total > length || at + 8 + packed > input.length) throw new Error('LZ4: a block goes beyond the end')
    parts.push(unpackLz4(input.subarray(at + 8, at + 8 + packed), unpacked))
    at += 8 + packed
  }
  return Buffer.concat(parts)
}
