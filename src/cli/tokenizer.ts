/** xueba tokenizer train | encode | decode. */
import { mkdir, readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { z } from 'zod'
import { isRejection, listSource, readDocuments } from '../corpus/index.ts'
import { UserError } from '../run/index.ts'
import { loadTokenizer, saveTokenizer } from '../stages/model-folder.ts'
import { VocabularyTooLarge } from '../tokenizer/index.ts'
import { trainTokenizerOnThreads } from '../tokenizer/threads.node.ts'
import { help, UsageError } from './flags.ts'
import { say } from './language.ts'
import { verb } from './verb.ts'

const flags = z.object({
  vocab: help(z.number().int().min(259).default(4096), 'train: size of the vocabulary', 'train：词表大小'),
  out: help(z.string().default('tokenizer'), 'train: folder to write', 'train：写到哪个文件夹'),
  file: help(z.boolean().default(false), 'encode: the operand is a file', 'encode：给出的是文件名'),
  json: help(z.boolean().default(false), 'print JSON', '输出 JSON'),
})

const usage = () =>
  new UsageError(
    say({
      en: 'xueba tokenizer train <file…> --out DIR | encode <folder> <text> | decode <folder> <id…>',
      zh: 'xueba tokenizer train <文件…> --out 目录 | encode <文件夹> <文本> | decode <文件夹> <编号…>',
    }),
  )

export const tokenizer = verb({
  name: 'tokenizer',
  operands: 'train <file…> | encode <folder> <text> | decode <folder> <id…>',
  summary: { en: 'train a tokenizer, or look at what one does', zh: '训练分词器，或看看它怎么切分' },
  flags,
  async run([action, ...rest], options) {
    if (action === 'train' && rest.length > 0) return train(rest, options)
    if (action === 'encode' && rest.length === 2) return encode(rest[0]!, rest[1]!, options)
    if (action === 'decode' && rest.length > 1) return decode(rest[0]!, rest.slice(1))
    throw usage()
  },
})

type Flags = z.infer<typeof flags>

async function train(paths: string[], { vocab, out }: Flags): Promise<number> {
  async function* texts() {
    for (const path of paths)
      for (const file of await listSource({ path: resolve(path) })) {
        if ('rule' in file) throw new UserError(`${path}: ${file.detail}`, `${path}：${file.detail}`)
        for await (const document of readDocuments(file, 'text')) if (!isRejection(document)) yield document.text ?? ''
      }
  }
  const trained = await trainTokenizerOnThreads(texts(), { vocabSize: vocab }).catch((error: unknown) => {
    if (!(error instanceof VocabularyTooLarge)) throw error
    throw new UserError(
      `--vocab: ${error.message}`,
      `--vocab：文本太少，学不出 ${vocab} 个词元，最多 ${error.largest} 个`,
      { cause: error },
    )
  })
  await mkdir(out, { recursive: true })
  await saveTokenizer(out, trained)
  console.log(
    say({ en: `${vocab} tokens written to ${out}/tokenizer.json`, zh: `${vocab} 个词元已写入 ${out}/tokenizer.json` }),
  )
  return 0
}

async function encode(folder: string, operand: string, { file, json }: Flags): Promise<number> {
  const found = await loadTokenizer(folder)
  const text = file
    ? await readFile(operand, 'utf8').catch((error: unknown) => {
        throw new UserError(`${operand} cannot be read: ${String(error)}`, `读不了 ${operand}：${String(error)}`)
      })
    : operand
  const ids = found.encode(text)
  if (json) console.log(JSON.stringify({ ids, tokens: ids.map((id) => found.decode([id])) }))
  else console.log(ids.map((id) => `${JSON.stringify(found.decode([id]))}=${id}`).join(' '))
  return 0
}

async function decode(folder: string, operands: string[]): Promise<number> {
  const found = await loadTokenizer(folder)
  const ids = operands
    .flatMap((o) => o.split(/[\s,]+/))
    .filter((o) => o !== '')
    .map(Number)
  const wrong = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= found.vocabSize)
  if (wrong !== undefined)
    throw new UserError(
      `an id is a whole number below ${found.vocabSize}, got ${wrong}`,
      `编号应为小于 ${found.vocabSize} 的整数，收到 ${wrong}`,
    )
  console.log(found.decode(ids))
  return 0
}
