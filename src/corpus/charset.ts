/**
 * Bytes of a web page to text: which of the encodings of the WHATWG Encoding Standard it is in.
 *
 * Valid UTF-8 with anything beyond ASCII in it is UTF-8, whatever the page claims (other encodings practically never form it by
 * chance). Else the byte-order mark, the HTTP header, the page's own meta tag. Else a guess for the East Asian encodings by
 * how common the decoded characters are, else windows-1252, as browsers do. Decoding never fails: bad bytes become U+FFFD.
 */

export interface Decoded {
  text: string
  charset: string
}

/** `contentType` is the HTTP header, such as `text/html; charset=gbk`. */
export function decodeHtml(bytes: Uint8Array, contentType = ''): Decoded {
  const mark = byteOrderMark(bytes)
  if (mark !== undefined) return decodeAs(bytes, mark)
  const utf8 = tryDecode(bytes, 'utf-8')
  const ascii = utf8 !== undefined && utf8.length === bytes.length
  if (utf8 !== undefined && !ascii) return { text: utf8, charset: 'utf-8' }
  for (const label of [labelIn(contentType), metaCharset(bytes)]) {
    const charset = known(label)
    // A page of plain bytes that says utf-16 in its meta tag could not have said so in utf-16.
    if (charset !== undefined && charset !== 'utf-8' && !charset.startsWith('utf-16')) return decodeAs(bytes, charset)
  }
  if (utf8 !== undefined) return { text: utf8, charset: 'utf-8' }
  return mostlyUtf8(bytes) ? decodeAs(bytes, 'utf-8') : decodeAs(bytes, guess(bytes))
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

/** The commonest characters of running text in each encoding's language. */
const candidates: [charset: string, common: RegExp][] = [
  [
    'gb18030',
    /[的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里,。]/g,
  ],
  [
    'big5',
    /[的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作裡,。]/g,
  ],
  ['shift_jis', /[\u3041-\u30ff、。]/g],
  ['euc-jp', /[\u3041-\u30ff、。]/g],
  ['euc-kr', /[이다는의에가을를하고은로지도기한사리어시인자]/g],
]

function guess(bytes: Uint8Array): string {
  const sample = bytes.subarray(0, 1 << 16)
  let best = { charset: 'windows-1252', share: 0.1 }
  for (const [charset, common] of candidates) {
    const text = new TextDecoder(charset).decode(sample)
    const letters = text.match(/[^\0-\x7f]/g)?.length ?? 0
    const bad = text.match(/[\ufffd\ue000-\uf8ff]/g)?.length ?? 0
    if (letters === 0 || bad > letters * 0.02) continue
    const share = (text.match(common)?.length ?? 0) / letters
    if (share > best.share) best = { charset, share }
  }
  return best.charset
}
