/** UTF-8 at the level of bytes: writing one code point, and telling whole characters from pieces of one. */

/** Writes the UTF-8 bytes of a code point at `at` and returns where they end; a lone surrogate is written as U+FFFD. */
export function writeUtf8(codePoint: number, out: Int32Array | Uint8Array, at: number): number {
  const c = codePoint >= 0xd800 && codePoint < 0xe000 ? 0xfffd : codePoint
  if (c < 0x80) out[at++] = c
  else {
    if (c < 0x800) out[at++] = 0xc0 | (c >> 6)
    else {
      if (c < 0x10000) out[at++] = 0xe0 | (c >> 12)
      else {
        out[at++] = 0xf0 | (c >> 18)
        out[at++] = 0x80 | ((c >> 12) & 0x3f)
      }
      out[at++] = 0x80 | ((c >> 6) & 0x3f)
    }
    out[at++] = 0x80 | (c & 0x3f)
  }
  return at
}

/** How many bytes the sequence of a lead byte has; 0 for a byte that continues one. */
export function sequenceLength(byte: number): number {
  if (byte < 0x80) return 1
  if (byte < 0xc0) return 0
  return byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
}

/** Whether bytes are whole characters only. */
export function isWhole(bytes: Uint8Array): boolean {
  let i = 0
  while (i < bytes.length) {
    const end = i + sequenceLength(bytes[i]!)
    if (end === i || end > bytes.length) return false
    while (++i < end) if (sequenceLength(bytes[i]!) !== 0) return false
  }
  return true
}

/** Whether bytes are a piece of one character: bytes that continue it, after at most its lead byte. */
export function isPiece(bytes: Uint8Array): boolean {
  if (bytes.length > 3 || sequenceLength(bytes[0]!) === 1) return false
  return bytes.subarray(1).every((byte) => sequenceLength(byte) === 0)
}
