/** Columns of text on a terminal, where a Chinese character is as wide as two letters. */

/** Cells that a string takes. */
export function widthOf(text: string): number {
  let width = 0
  for (const character of text) {
    const code = character.codePointAt(0)!
    width += /\p{M}/u.test(character) ? 0 : isWide(code) ? 2 : 1
  }
  return width
}

const isWide = (code: number) =>
  (code >= 0x1100 && code < 0x1160) ||
  (code >= 0x2e80 && code < 0xa4d0) ||
  (code >= 0xac00 && code < 0xd7a4) ||
  (code >= 0xf900 && code < 0xfb00) ||
  (code >= 0xfe30 && code < 0xfe70) ||
  (code >= 0xff00 && code < 0xff61) ||
  (code >= 0xffe0 && code < 0xffe7) ||
  (code >= 0x1f300 && code < 0x1fb00) ||
  (code >= 0x20000 && code < 0x40000)

/** Rows as lines; each column as wide as its widest cell, the last one as it is. */
export function columns(rows: readonly (readonly string[])[], gap = 2): string[] {
  const widths: number[] = []
  for (const row of rows) {
    for (const [i, cell] of row.entries()) if (i < row.length - 1) widths[i] = Math.max(widths[i] ?? 0, widthOf(cell))
  }
  return rows.map((row) =>
    row
      .map((cell, i) => (i === row.length - 1 ? cell : cell + ' '.repeat(widths[i]! - widthOf(cell) + gap)))
      .join('')
      .trimEnd(),
  )
}
