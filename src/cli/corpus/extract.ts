/** xueba corpus extract: the main text of HTML pages. */
import { readFile, stat } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import { z } from 'zod'
import { decodeHtml, detectLanguage, extract as mainText } from '../../corpus/index.ts'
import { UserError } from '../../run/index.ts'
import { sentenceOf } from '../errors.ts'
import { help, UsageError } from '../flags.ts'
import { say } from '../language.ts'
import { verb } from '../verb.ts'

const flags = z.object({
  json: help(
    z.boolean().default(false),
    'one {file, text, title, language} a line; the text without the headline',
    '每页一行 {file, text, title, language}；text 里不含大标题',
  ),
  charset: help(
    z.string().optional(),
    'what the server said the pages are in, such as gbk; the pages themselves may know better',
    '服务器声明的编码，例如 gbk；网页自身有更可靠的证据时以网页为准',
  ),
})

export const extract = verb({
  name: 'extract',
  operands: '<page.html[.gz]…>   (- is stdin)',
  summary: {
    en: 'the main text of web pages, without menus, comments and advertisements; pages that fail do not stop the others',
    zh: '取出网页的正文，去掉菜单、评论和广告；某一页出错不影响其余各页',
  },
  flags,
  async run(files, { json, charset }) {
    if (files.length === 0)
      throw new UsageError(
        say({ en: 'name the pages to extract (- is stdin)', zh: '请给出网页文件（- 表示标准输入）' }),
      )
    let failed = 0
    for (const file of files) {
      try {
        const bytes = unpack(await read(file), file)
        const { text } = decodeHtml(bytes, charset === undefined ? '' : `charset=${charset}`)
        const page = mainText(text)
        if (json) console.log(JSON.stringify({ file, text: page.text, title: page.title, language: languageOf(page) }))
        else console.log(page.headline === undefined ? page.text : `${page.headline}\n${page.text}`)
      } catch (error) {
        const sentence = sentenceOf(error)
        if (sentence === undefined) throw error
        console.error(sentence.replace(/^xueba: /, `xueba: ${file}: `))
        failed++
      }
    }
    return failed > 0 ? 1 : 0
  },
})

/** That of the text; where there is too little of it, what the page declares. */
function languageOf({ text, language }: { text: string; language: string }): string {
  if (text.length > 20 || language === '') return detectLanguage(text).language
  return language.toLowerCase().split(/[-_]/)[0]!
}

const most = 64 << 20

async function read(file: string): Promise<Uint8Array> {
  if (file === '-') return buffer(process.stdin)
  try {
    const { size } = await stat(file)
    if (size > most) throw tooLarge(size)
    return await readFile(file)
  } catch (error) {
    if (error instanceof UserError) throw error
    throw new UserError(`cannot be read: ${(error as Error).message}`, `读不了：${(error as Error).message}`)
  }
}

const tooLarge = (size: number) =>
  new UserError(
    `has ${size} bytes; a page of more than ${most} is refused`,
    `有 ${size} 字节；超过 ${most} 字节的网页不予处理`,
  )

function unpack(bytes: Uint8Array, file: string): Uint8Array {
  if (!(bytes[0] === 0x1f && bytes[1] === 0x8b)) {
    if (!file.endsWith('.gz')) return bytes
    throw new UserError('ends in .gz but is not gzip', '以 .gz 结尾，但不是 gzip 格式')
  }
  try {
    return gunzipSync(bytes, { maxOutputLength: most })
  } catch (error) {
    if (error instanceof RangeError)
      throw new UserError(`unpacks to more than ${most} bytes; that is refused`, `解压后超过 ${most} 字节，不予处理`)
    throw new UserError(`is broken gzip: ${(error as Error).message}`, `gzip 数据已损坏：${(error as Error).message}`)
  }
}
