/**
 * A text as filters see it: split once, looked at by all of them.
 *
 * English and other spaced languages are counted in words; Chinese and Japanese in characters, each of which stands for a word by
 * itself, because a segmenter is slower than all filters together. A Chinese word has about 1.6 characters, by which published
 * thresholds for words are scaled where a filter says so.
 */

export interface TextView {
  text: string
  /** Counted in characters: Chinese or Japanese. */
  byCharacter: boolean
  /** Trimmed, without empty ones. */
  lines: string[]
  /** Words between spaces, with their punctuation; for Chinese each character, and each run of Latin letters or digits. */
  words: string[]
}

export function viewOf(text: string, language?: string): TextView {
  const byCharacter = language === undefined ? isMostlyHan(text) : language === 'zh' || language === 'ja'
  const lines: string[] = []
  for (const line of text.split('\n')) {
    const trimmed = line.trim()
    if (trimmed !== '') lines.push(trimmed)
  }
  const words =
    (byCharacter ? text.match(/[\p{Script=Han}\u3041-\u30ff]|[a-zA-Z0-9\u00c0-\u024f]+/gu) : text.match(/\S+/g)) ?? []
  return { text, byCharacter, lines, words }
}

function isMostlyHan(text: string): boolean {
  let han = 0
  let letters = 0
  for (let i = 0; i < Math.min(text.length, 4000); i++) {
    const code = text.charCodeAt(i)
    if (code >= 0x3041 && code <= 0x9fff) han++
    else if (code > 64) letters++
  }
  return 3 * han > letters
}

/** Three digits: how verdicts write numbers. */
export const short = (value: number) => String(Number(value.toPrecision(3)))
