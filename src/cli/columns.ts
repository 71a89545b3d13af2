/** Text in columns of a terminal, where a Chinese character is as wide as two letters. */

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3ffff}]/u

/** Cells that a character takes; a mark goes over the one before. */
export const widthOfCharacter = (character: string): number =>
  /\p{M}/u.test(character) ? 0 : WIDE.test(character) ? 2 : 1
export const widthOf = (text: string): number => [...text].reduce((sum, c) => sum + widthOfCharacter(c), 0)

/** Fills up with spaces; text that is too long stays as it is. */
export const padEnd = (text: string, columns: number): string => text + ' '.repeat(Math.max(0, columns - widthOf(text)))
export const padStart = (text: string, columns: number): string =>
  ' '.repeat(Math.max(0, columns - widthOf(text))) + text

/** Rows as lines, each column as wide as its widest cell but for the last; `right` are the columns that hold numbers. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths: number[] = []
  for (const row of rows)
    for (const [i, cell] of row.entries())
      if (i < row.length - 1 || right.includes(i)) widths[i] = Math.max(widths[i] ?? 0, widthOf(cell))
  return rows
    .map((row) =>
      row
        .map((cell, i) => (right.includes(i) ? padStart(cell, widths[i]!) : padEnd(cell, widths[i] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
