/**
 * Bytes of a web page to text: which of the encodings of the WHATWG Encoding Standard it is in.
 *
 * A byte-order mark decides. Else bytes that are valid UTF-8, with anything beyond ASCII in them, are UTF-8, whatever the page claims (other
 * encodings hardly ever form it by chance, a few words in GBK aside). Else what the HTTP header or the page's own meta tag says, unless the text that comes out
 * cannot be meant; else a guess by the evidence (charset.guess.ts). Decoding never fails: bad bytes become U+FFFD.
 */
import { guessCharset, misreads } from './charset.guess.ts'

export interface Decoded {
  text: string
  charset: string
}

/** Encodings of two bytes a character. */
const CJK = /^(gb|big5|shift_jis|euc-)/
/** The letters of Latin, Greek and Cyrillic as they are used today, and all that takes three bytes in UTF-8. */
const USED = /[\u0080-\u024f\u0386-\u03cf\u0401\u0410-\u0451\u0800-\uffff]/

/** `contentType` is the HTTP header, such as `text/html; charset=gbk`. */
export function decodeHtml(bytes: Uint8Array, contentType = ''): Decoded {
  const mark = byteOrderMark(bytes) ?? utf16WithoutMark(bytes)
  if (mark !== undefined) return decodeAs(bytes, mark)
  const utf8 = tryDecode(bytes, 'utf-8')
  const declared = [labelIn(contentType), metaCharset(bytes)]
    .map(known)
    // A page of plain bytes that says utf-16 in its meta tag could not have said so in utf-16.
    .filter((charset) => charset !== undefined && charset !== 'replacement' && !charset.startsWith('utf-16'))
  if (utf8 !== undefined && utf8.length < bytes.length) {
    // A few words of Chinese in GBK can be UTF-8 by chance: two bytes a character, and none of them a letter that is in use.
    const meant = declared.find((charset) => CJK.test(charset!))
    const byChance = meant !== undefined && !USED.test(utf8) && !misreads(bytes, meant)
    return byChance ? decodeAs(bytes, meant) : { text: utf8, charset: 'utf-8' }
  }
  // Seven bits: plain ASCII, or Japanese between escapes.
  if (utf8 !== undefined) {
    const escaped = ['$B', '$@', '(J', '(I'].some((mode) => utf8.includes(`\u001b${mode}`))
    return escaped ? decodeAs(bytes, 'iso-2022-jp') : { text: utf8, charset: declared[0] ?? 'utf-8' }
  }
  for (const charset of declared) {
    if (charset !== 'utf-8' && !misreads(bytes, charset!)) return decodeAs(bytes, charset!)
  }
  return decodeAs(bytes, mostlyUtf8(bytes) ? 'utf-8' : guessCharset(bytes))
}

function decodeAs(bytes: Uint8Array, charset: string): Decoded {
  return { text: new TextDecoder(charset).decode(bytes), charset }
}

function tryDecode(bytes: Uint8Array, charset: string): string | undefined {
  try {
    return new TextDecoder(charset, { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function byteOrderMark(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8'
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  return undefined
}

/** Markup in UTF-16 has a zero in every second byte of its tags. */
function utf16WithoutMark(bytes: Uint8Array): string | undefined {
  if (bytes.length < 4) return undefined
  const length = Math.min(bytes.length, 64)
  let even = 0
  let odd = 0
  for (let i = 0; i + 1 < length; i += 2) {
    if (bytes[i] === 0 && bytes[i + 1] !== 0) even++
    if (bytes[i] !== 0 && bytes[i + 1] === 0) odd++
  }
  if (odd > length * 0.4 && bytes[0] === 0x3c) return 'utf-16le'
  if (even > length * 0.4 && bytes[1] === 0x3c) return 'utf-16be'
  return undefined
}

const labelIn = (text: string) => /charset\s*=\s*["']?\s*([\w.:-]+)/i.exec(text)?.[1]

/** The encoding that the page names in its first bytes (`<meta charset>`, `http-equiv`, or an XML declaration). */
function metaCharset(bytes: Uint8Array): string | undefined {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 4096)).replace(/<!--.*?-->/gs, '')
  for (const [tag] of head.matchAll(/<meta\b[^>]{0,500}>/gi)) {
    const label = labelIn(tag)
    if (label !== undefined) return label
  }
  return /^\s*<\?xml[^>]*\bencoding\s*=\s*["']([\w.:-]+)/i.exec(head)?.[1]
}

/** The standard's name for a label, if it is one. */
function known(label: string | undefined): string | undefined {
  if (label === undefined) return undefined
  try {
    return new TextDecoder(label).encoding
  } catch {
    return undefined
  }
}

/** UTF-8 with a few damaged bytes: fewer than one bad sequence in 50 of all that are beyond ASCII. */
function mostlyUtf8(bytes: Uint8Array): boolean {
  const text = new TextDecoder('utf-8').decode(bytes.subarray(0, 1 << 16))
  const bad = text.match(/\ufffd/g)?.length ?? 0
  const good = text.match(/[^\0-\x7f\ufffd]/g)?.length ?? 0
  return good > 50 * bad
}
