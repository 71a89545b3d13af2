/** xueba corpus export: a finished corpus as one Parquet or JSONL file, with the column names of FineWeb. */
import { z } from 'zod'
import { exportCorpus, exportEndings, findCorpus } from '../../corpus/index.ts'
import { tokenCounts } from '../../stages/token-source.ts'
import { help, UsageError } from '../flags.ts'
import { say } from '../language.ts'
import { verb } from '../verb.ts'

const flags = z.object({
  to: help(
    z.string().min(1),
    'file to write: .parquet, .jsonl, .jsonl.gz or .jsonl.zst',
    '要写的文件：.parquet、.jsonl、.jsonl.gz 或 .jsonl.zst',
  ),
  heldOut: help(
    z.boolean().default(false),
    'the documents kept for evaluation, not those to train on',
    '导出留作评估的文档，而不是用来训练的',
  ),
})

export const exportVerb = verb({
  name: 'export',
  operands: '<run|corpus folder> --to <file>',
  summary: {
    en: "a finished corpus as Parquet or JSONL, with FineWeb's column names",
    zh: '把做好的语料导出成 Parquet 或 JSONL，列名与 FineWeb 相同',
  },
  flags,
  async run([folder, ...rest], { to, heldOut }) {
    if (folder === undefined || rest.length > 0)
      throw new UsageError(say({ en: 'name one run, or one corpus folder', zh: '请给出一个运行目录或一个语料文件夹' }))
    if (!exportEndings.test(to))
      throw new UsageError(
        say({
          en: `--to ${to}: the ending says the format: .parquet, .jsonl, .jsonl.gz or .jsonl.zst`,
          zh: `--to ${to}：格式由后缀决定：.parquet、.jsonl、.jsonl.gz 或 .jsonl.zst`,
        }),
      )
    const corpus = findCorpus(folder)
    const tokens = await tokenCounts(corpus, heldOut)
    const { documents, bytes, columns } = await exportCorpus(corpus, to, { heldOut, tokens })
    const megabytes = (bytes / 1e6).toFixed(1)
    console.log(
      say({
        en: `${to}: ${documents} documents, ${megabytes} MB of text; columns: ${columns.join(', ')}`,
        zh: `${to}：${documents} 篇文档，${megabytes} MB 文本；列：${columns.join('、')}`,
      }),
    )
    return 0
  },
})
