/** xueba corpus language: which language, in which script, and how surely. */
import { z } from 'zod'
import { detectLanguage, extract } from '../../corpus/index.ts'
import { table } from '../columns.ts'
import { help, UsageError } from '../flags.ts'
import { language as reader, say } from '../language.ts'
import { verb } from '../verb.ts'
import { readInput } from './input.ts'
import type { Input } from './input.ts'

const flags = z.object({
  text: help(z.string().optional(), 'a text to look at instead of files', '直接给一段文本，不读文件'),
  json: help(
    z.boolean().default(false),
    'one {file, language, script, confidence} a line',
    '每个文件一行 {file, language, script, confidence}',
  ),
})

export const language = verb({
  name: 'language',
  operands: '<file…>   (- is stdin)',
  summary: { en: 'the language of texts and pages', zh: '判断文本或网页的语种' },
  flags,
  async run(files, { text, json }) {
    if ((files.length === 0) === (text === undefined))
      throw new UsageError(
        say({
          en: 'name files (- is stdin), or give --text',
          zh: '请给出文件（- 表示标准输入），或者用 --text 给一段文本',
        }),
      )
    const rows: string[][] = []
    for (const file of text === undefined ? files : ['--text']) {
      const input: Input = text === undefined ? await readInput(file) : { file, text }
      const found = detectLanguage(input.text ?? mainText(input.html!))
      if (json) console.log(JSON.stringify({ file: text === undefined ? file : null, ...found }))
      else rows.push([file, nameOf(found.language, found.script), found.confidence.toFixed(2)])
    }
    if (rows.length > 0) console.log(table(rows))
    return 0
  },
})

function mainText(html: string): string {
  const page = extract(html)
  return page.headline === undefined ? page.text : `${page.headline}\n${page.text}`
}

/** `Chinese, traditional (zh-Hant)` in the reader's language. */
export function nameOf(code: string, script?: 'Hans' | 'Hant'): string {
  if (code === 'und') return say({ en: 'unknown (und)', zh: '看不出来 (und)' })
  const tag = script === undefined ? code : `${code}-${script}`
  return `${new Intl.DisplayNames([reader()], { type: 'language' }).of(tag)} (${tag})`
}
