/** The funnel as a table that a person reads: what is left after each step, and which rules took the rest. */
import type { CorpusReport } from '../../corpus/index.ts'
import { table } from '../columns.ts'
import { funnelWords } from '../../stages/report/words.ts'
import { say } from '../language.ts'

const nameOf = (step: string) => (funnelWords[step] ? say(funnelWords[step]) : step)

const BAR = 20
const bar = (share: number) => {
  const eighths = Math.round(share * BAR * 8)
  return '█'.repeat(Math.floor(eighths / 8)) + (eighths % 8 === 0 ? '' : '▏▎▍▌▋▊▉'[(eighths % 8) - 1]!)
}
export const grouped = (n: number) => n.toLocaleString('en-US')
export function bytesOf(n: number): string {
  const power = Math.min(4, Math.max(0, Math.floor(Math.log10(Math.max(1, n)) / 3)))
  return power === 0 ? `${n} B` : `${(n / 1000 ** power).toFixed(1)} ${['', 'kB', 'MB', 'GB', 'TB'][power]}`
}
const percent = (part: number, of: number) => (of === 0 ? '' : `${((100 * part) / of).toFixed(1)} %`)

export function funnelTable(report: CorpusReport): string {
  const { funnel, rules, ruleBytes, sources, languages, clusters, lines } = report
  const all = funnel[0]!
  const records = report.documents + report.heldOut + report.rejected
  const header = [
    say({ en: 'step', zh: '步骤' }),
    say({ en: 'dropped', zh: '丢掉' }),
    say({ en: 'left', zh: '留下' }),
    '',
    say({ en: 'bytes left', zh: '留下的字节' }),
    '',
  ]
  const first = [say({ en: 'records', zh: '记录' }), '', grouped(records), '', '', '']
  const steps = funnel.map(({ step, documents, bytes }, i) => [
    nameOf(step),
    grouped((funnel[i - 1]?.documents ?? records) - documents),
    grouped(documents),
    percent(documents, all.documents),
    bytesOf(bytes),
    bar(all.documents === 0 ? 0 : documents / all.documents),
  ])
  const ruleRows = Object.entries(rules).map(([rule, documents]) => [
    `  ${rule}`,
    grouped(documents),
    percent(documents, records),
    bytesOf(ruleBytes[rule] ?? 0),
  ])
  const parts = [table([header, first, ...steps], [1, 2, 3, 4])]
  parts.push(
    say({
      en: `${grouped(report.documents)} documents to train on (${bytesOf(report.bytes)}), ${grouped(report.heldOut)} held out (${bytesOf(report.heldOutBytes)}).`,
      zh: `用来训练的 ${grouped(report.documents)} 篇（${bytesOf(report.bytes)}），留作评测的 ${grouped(report.heldOut)} 篇（${bytesOf(report.heldOutBytes)}）。`,
    }),
  )
  if (ruleRows.length > 0)
    parts.push(
      `${say({ en: 'Dropped by rule, of all records:', zh: '各条规则丢掉的，占全部记录的比例：' })}\n${table(ruleRows, [1, 2, 3])}`,
    )
  if (clusters.count > 0) {
    const sizes = Object.entries(clusters.sizes).map(([size, count]) => `${count} × ${size}`)
    parts.push(
      say({
        en: `${grouped(clusters.count)} clusters of duplicates (clusters × documents: ${shorten(sizes)}).`,
        zh: `重复文档有 ${grouped(clusters.count)} 簇（簇数 × 每簇篇数：${shorten(sizes)}）。`,
      }),
    )
  }
  if (lines)
    parts.push(
      say({
        en: `${grouped(lines.lines)} lines (${bytesOf(lines.bytes)}) were taken out of documents that stay.`,
        zh: `从留下的文档里删去 ${grouped(lines.lines)} 行（${bytesOf(lines.bytes)}）。`,
      }),
    )
  const known = Object.entries(languages).sort((a, b) => b[1] - a[1])
  const list = shorten(known.map(([language, count]) => `${language} ${grouped(count)}`))
  parts.push(say({ en: `Languages kept: ${list}.`, zh: `留下的语言：${list}。` }))
  if (sources.length > 1) {
    const title = [
      say({ en: 'source', zh: '来源' }),
      say({ en: 'read', zh: '读入' }),
      say({ en: 'kept', zh: '留下' }),
      '',
      '',
    ]
    const rows = sources.map(({ path, read, kept, heldOut }) => [
      path,
      grouped(read.documents),
      grouped(kept.documents + heldOut.documents),
      percent(kept.documents + heldOut.documents, read.documents),
      bytesOf(kept.bytes + heldOut.bytes),
    ])
    parts.push(table([title, ...rows], [1, 2, 3, 4]))
  }
  return parts.join('\n\n')
}

const shorten = (items: readonly string[], most = 8) =>
  items.length <= most ? items.join(', ') : `${items.slice(0, most).join(', ')} …`
