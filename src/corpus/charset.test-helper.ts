/** Text into any encoding that `TextDecoder` reads, by reading all of its characters once: what the platform cannot write. */

const tables = new Map<string, ReadonlyMap<string, number[]>>()

/** The bytes of a text; undefined where the encoding has no bytes for one of its characters. */
export function encodeAs(text: string, charset: string): Uint8Array | undefined {
  let table = tables.get(charset)
  if (table === undefined) tables.set(charset, (table = tableOf(charset)))
  const bytes: number[] = []
  for (const char of text) {
    const coded = char <= '\x7f' ? [char.charCodeAt(0)] : table.get(char)
    if (coded === undefined) return undefined
    bytes.push(...coded)
  }
  return Uint8Array.from(bytes)
}

function tableOf(charset: string): ReadonlyMap<string, number[]> {
  const decoder = new TextDecoder(charset)
  const table = new Map<string, number[]>()
  const note = (bytes: number[]) => {
    const text = decoder.decode(Uint8Array.from(bytes))
    if ([...text].length === 1 && text !== '\ufffd' && text > '\x7f' && !table.has(text)) table.set(text, bytes)
  }
  for (let a = 0x80; a <= 0xff; a++) note([a])
  if (/^(gb|big5|shift_jis|euc)/.test(charset)) {
    for (let a = 0x81; a <= 0xfe; a++) for (let b = 0x40; b <= 0xfe; b++) note([a, b])
  }
  return table
}
