/**
 * The byte-level alphabet of GPT-2: one printable character for every byte, so that tokens can be keys of a JSON object.
 *
 * Printable bytes of Latin-1 stand for themselves; the other 68 (controls, space, DEL to NBSP, soft hyphen) take the characters
 * from U+0100 on, in order. `tokenizer.json` of every byte-level tokenizer is written in it. Source: GPT-2's `bytes_to_unicode`.
 */

const printable = (byte: number) => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad)

/** The character of each byte. */
const characters: string[] = []
/** The byte of each character's code. */
const bytes = new Map<number, number>()

for (let byte = 0, next = 0x100; byte < 256; byte++) {
  const code = printable(byte) ? byte : next++
  characters.push(String.fromCharCode(code))
  bytes.set(code, byte)
}

/** Bytes, written in the byte-level alphabet. */
export function toAlphabet(token: Uint8Array): string {
  let text = ''
  for (const byte of token) text += characters[byte]
  return text
}

/** The bytes of a token written in the byte-level alphabet; undefined when a character is not of the alphabet. */
export function fromAlphabet(text: string): Uint8Array | undefined {
  const token = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) {
    const byte = bytes.get(text.charCodeAt(i))
    if (byte === undefined) return undefined
    token[i] = byte
  }
  return token
}
