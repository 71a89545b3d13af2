/** How often undeclared text is read right: sentences of the set `langid`, alone and ten together, written in each encoding of their language. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeAs } from '../../src/corpus/charset.test-helper.ts'
import { decodeHtml } from '../../src/corpus/charset.ts'

const encodings: Record<string, string[]> = {
  zh: ['gb18030', 'big5'],
  ja: ['shift_jis', 'euc-jp'],
  ko: ['euc-kr'],
  ru: ['windows-1251', 'koi8-r', 'iso-8859-5', 'ibm866'],
  ar: ['windows-1256', 'iso-8859-6'],
  th: ['windows-874'],
  de: ['windows-1252', 'macintosh'],
  fr: ['windows-1252', 'macintosh'],
  it: ['windows-1252'],
  pt: ['windows-1252'],
}

export function studyCharsets(data: string) {
  console.log('\n| language | encoding | one sentence read right | ten together |\n|---|---|---|---|')
  for (const [language, charsets] of Object.entries(encodings)) {
    const file = join(data, 'langid', `lingua-${language}.txt`)
    if (!existsSync(file)) continue
    const lines = readFileSync(file, 'utf8').split('\n')
    for (const charset of charsets)
      console.log(`| ${language} | ${charset} | ${right(lines, charset, 1)} | ${right(lines, charset, 10)} |`)
  }
}

/** Characters that the encoding lacks are left out; texts that are plain ASCII then do not count. */
function right(lines: string[], charset: string, together: number): string {
  const writable = lines.map((line) => [...line].filter((char) => encodeAs(char, charset) !== undefined).join(''))
  const beyond = writable.filter((line) => /[^\0-\x7f]/.test(line))
  let count = 0
  let hits = 0
  for (let i = 0; i + together <= beyond.length; i += together) {
    const text = beyond.slice(i, i + together).join('\n')
    count++
    if (decodeHtml(encodeAs(text, charset)!).text === text) hits++
  }
  return `${hits} of ${count} (${((100 * hits) / Math.max(1, count)).toFixed(1)} %)`
}
