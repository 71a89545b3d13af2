/** xueba corpus extract: the main text of HTML pages. */
import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { z } from 'zod'
import { decodeHtml, detectLanguage, extract as mainText } from '../../corpus/index.ts'
import { UserError } from '../../run/index.ts'
import { help, UsageError } from '../flags.ts'
import { say } from '../language.ts'
import { verb } from '../verb.ts'

const flags = z.object({
  json: help(
    z.boolean().default(false),
    'one {file, text, title, language} a line',
    '每页一行 {file, text, title, language}',
  ),
})

export const extract = verb({
  name: 'extract',
  operands: '<file.html…>   (- is stdin)',
  summary: { en: 'the main text of web pages', zh: '取出网页的正文' },
  flags,
  async run(files, { json }) {
    if (files.length === 0)
      throw new UsageError(
        say({ en: 'name the pages to extract (- is stdin)', zh: '请给出网页文件（- 表示标准输入）' }),
      )
    for (const file of files) {
      const { text } = decodeHtml(await read(file))
      const page = mainText(text)
      const whole = page.headline === undefined ? page.text : `${page.headline}\n${page.text}`
      if (json)
        console.log(JSON.stringify({ file, text: whole, title: page.title, language: detectLanguage(whole).language }))
      else console.log(whole)
    }
    return 0
  },
})

async function read(file: string): Promise<Uint8Array> {
  if (file === '-') return buffer(process.stdin)
  return readFile(file).catch((error: unknown) => {
    throw new UserError(`${file} cannot be read: ${String(error)}`, `读不了 ${file}：${String(error)}`)
  })
}
