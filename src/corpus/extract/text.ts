/** White space as a browser shows it, and the size of a text in any script. */

/** Length of a text in units of about one Latin letter: a Chinese character or kana says as much as 3 letters do. */
export function sizeOf(text: string): number {
  let wide = 0
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x2e80) wide++
  return text.length + 2 * wide
}

/** Runs of white space as one space; zero-width characters and soft hyphens go. */
export function squeeze(text: string): string {
  return text.replace(/[\u200b\u2060\ufeff\u00ad]+/g, '').replace(/[\s\u00a0]+/g, ' ')
}

export const trimLines = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .join('\n')
    .trim()

/** Without blank lines at the start and white space at the end; indentation stays. */
export const trimCode = (text: string) => text.replace(/^(?:[^\S\n]*\n)+/, '').trimEnd()

export const hasWords = (text: string) => /[\p{L}\p{N}\p{S}]/u.test(text)
