/** xueba score: how well a model predicts a text: mean loss, bits per byte, and the loss of every token. */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { UserError } from '../run/index.ts'
import { scoreText } from '../stages/score-text.ts'
import { loadModel, loadTokenizer } from '../stages/model-folder.ts'
import { openEngine } from '../tensor/open.node.ts'
import { help, UsageError, weightsFlag } from './flags.ts'
import { say } from './language.ts'
import { findModel, STAGES } from '../library/find-model.ts'
import { verb } from './verb.ts'

export const score = verb({
  name: 'score',
  operands: '<run|model> <file>',
  summary: { en: 'how well a model predicts a text file', zh: '模型预测一个文本文件的本事' },
  flags: z.object({
    stage: help(
      z.enum(STAGES).optional(),
      'model of which stage (default: the latest)',
      '用哪个阶段的模型（默认最新的）',
    ),
    window: help(
      z.number().int().positive().optional(),
      'tokens scored together, each window anew (default: the context; better the length of its training rows)',
      '每个窗口多少词元，各窗口从头开始（默认整个上下文；最好用训练时每行的长度）',
    ),
    weights: weightsFlag,
    json: help(
      z.boolean().default(false),
      'ids, loss (nats per predicted token), bitsPerByte, losses',
      '输出 ids、loss（每个预测词元的奈特数）、bitsPerByte、losses',
    ),
  }),
  async run([target, file, ...rest], { stage, window, weights, json }) {
    if (!target || !file || rest.length > 0)
      throw new UsageError(say({ en: 'xueba score <run|model> <file>', zh: 'xueba score <运行|模型> <文件>' }))
    const bytes = await readFile(file).catch((error: unknown) => {
      throw new UserError(`${file} cannot be read: ${String(error)}`, `读不了 ${file}：${String(error)}`)
    })
    const text = decode(file, bytes)
    const { folder } = await findModel(target, stage)
    const engine = await openEngine()
    try {
      const tokenizer = await loadTokenizer(folder)
      const model = await loadModel(engine, folder, { trainable: false, weights })
      const result = await scoreText(model, tokenizer, text, window)
      if (json) console.log(JSON.stringify(result))
      else
        console.log(
          say({
            en: `${result.ids.length} tokens, ${bytes.length} bytes: loss ${result.loss.toFixed(4)} nats a token, ${result.bitsPerByte.toFixed(4)} bits a byte`,
            zh: `${result.ids.length} 个词元，${bytes.length} 字节：每个词元损失 ${result.loss.toFixed(4)} 奈特，每字节 ${result.bitsPerByte.toFixed(4)} 比特`,
          }),
        )
      return 0
    } finally {
      await engine.close()
    }
  },
})

function decode(file: string, bytes: Uint8Array): string {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new UserError(`${file} is not UTF-8 text`, `${file} 不是 UTF-8 文本`)
  }
  if (text === '')
    throw new UserError(`${file} is empty: there is nothing to score`, `${file} 是空的，没有可以打分的内容`)
  return text
}
