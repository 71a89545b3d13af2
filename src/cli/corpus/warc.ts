/** xueba corpus warc: what is in a web archive, a line a record, broken parts included. */
import { z } from 'zod'
import { describeRecord, openBytes } from '../../corpus/index.ts'
import type { RecordLine } from '../../corpus/index.ts'
import { parseWarc } from '../../formats/index.ts'
import { help, UsageError } from '../flags.ts'
import { say } from '../language.ts'
import { toOutput } from '../output.ts'
import { verb } from '../verb.ts'

const flags = z.object({
  json: help(
    z.boolean().default(false),
    'a JSON object a line: file, offset, type, url, date, id, status, mime, charset, bytes, digestOk, defect',
    '每行一个 JSON 对象：file、offset、type、url、date、id、status、mime、charset、bytes、digestOk、defect',
  ),
  type: help(
    z.array(z.string()).default([]),
    'only records of this type (response, revisit, …), and defects; may be repeated',
    '只看这种类型的记录（response、revisit……）和有问题的地方；可以写多次',
  ),
})

export const warc = verb({
  name: 'warc',
  operands: '<file.warc.gz…>   (- is stdin)',
  summary: { en: 'what is in web archives, record by record', zh: '逐条列出网页存档（WARC、ARC）里有什么' },
  flags,
  async run(files, { json, type }) {
    if (files.length === 0)
      throw new UsageError(
        say({ en: 'name the archives to look into (- is stdin)', zh: '请给出存档文件（- 表示标准输入）' }),
      )
    return toOutput(async ({ line }) => {
      const types = new Map<string, number>()
      const count = { records: 0, defects: 0, right: 0, wrong: 0 }
      for (const file of files) {
        if (!json && files.length > 1) await line(`${file}:`)
        for await (const item of parseWarc(file === '-' ? process.stdin : await openBytes(file))) {
          const record = describeRecord(item)
          if (record.type !== undefined) count.records++
          if (record.defect !== undefined) count.defects++
          if (record.digestOk !== undefined) count[record.digestOk ? 'right' : 'wrong']++
          types.set(record.type ?? '', (types.get(record.type ?? '') ?? 0) + 1)
          if (type.length > 0 && record.defect === undefined && !type.includes(record.type ?? '')) continue
          await line(json ? JSON.stringify({ file, ...record }) : describe(record))
        }
      }
      if (!json) await line(summary(types, count))
      return 0
    })
  },
})

function describe({ offset, type, url, date, status, mime, charset, bytes, defect }: RecordLine): string {
  const about = [type ?? '—', status, date, mime && (charset ? `${mime} (${charset})` : mime)]
  const size = bytes === undefined ? [] : [`${bytes} B`]
  const parts = [...about.filter((part) => part !== undefined && part !== ''), ...size, ...(url ? [url] : [])]
  const damage = defect === undefined ? '' : say({ en: `  [defect: ${defect}]`, zh: `  [问题：${defect}]` })
  return `${String(offset).padStart(12)}  ${parts.join('  ')}${damage}`
}

function summary(
  types: Map<string, number>,
  { records, defects, right, wrong }: { records: number; defects: number; right: number; wrong: number },
): string {
  types.delete('')
  const list = Array.from(types, ([type, n]) => `${n} ${type}`)
  return say({
    en: `${records} records (${list.join(', ') || 'none'}), ${defects} with defects; digests: ${right} right, ${wrong} wrong`,
    zh: `共 ${records} 条记录（${list.join('，') || '无'}），${defects} 处有问题；校验和：${right} 条正确，${wrong} 条不符`,
  })
}
