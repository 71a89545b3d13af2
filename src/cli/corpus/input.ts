/** What the verbs of `xueba corpus` look at: files, or standard input (`-`), pages or plain text in whatever encoding. */
import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { decodeHtml } from '../../corpus/index.ts'
import { UserError } from '../../run/index.ts'

export interface Input {
  file: string
  /** One of the two. */
  html?: string
  text?: string
}

/** A page is what is named one, or begins like one. Throws a UserError for a file that cannot be read. */
export async function readInput(file: string): Promise<Input> {
  const bytes =
    file === '-'
      ? await buffer(process.stdin)
      : await readFile(file).catch((error: unknown) => {
          throw new UserError(`${file} cannot be read: ${String(error)}`, `读不了 ${file}：${String(error)}`)
        })
  const { text } = decodeHtml(bytes)
  const isPage =
    /\.x?html?$/i.test(file) ||
    /^\s*(?:<\?xml[^>]*>\s*)?(?:<!--[^]*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b/i.test(text)
  return isPage ? { file, html: text } : { file, text }
}
