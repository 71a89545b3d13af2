/** Text in columns of a terminal, where Han characters are two wide. */

const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]/
export const widthOfCharacter = (character: string): number => (WIDE.test(character) ? 2 : 1)
export const widthOf = (text: string): number => [...text].reduce((sum, c) => sum + widthOfCharacter(c), 0)

/** Fills up with spaces; text that is too long stays as it is. */
export const padEnd = (text: string, columns: number): string => text + ' '.repeat(Math.max(0, columns - widthOf(text)))
export const padStart = (text: string, columns: number): string =>
  ' '.repeat(Math.max(0, columns - widthOf(text))) + text

/** Rows as lines; `right` are the columns that hold numbers. */
export function table(rows: readonly (readonly string[])[], right: readonly number[]): string {
  const widths = rows.reduce<number[]>((all, row) => row.map((cell, i) => Math.max(all[i] ?? 0, widthOf(cell))), [])
  return rows
    .map((row) =>
      row
        .map((cell, i) => (right.includes(i) ? padStart(cell, widths[i]!) : padEnd(cell, widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
