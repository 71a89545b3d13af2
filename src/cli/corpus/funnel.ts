/** xueba corpus funnel: where the documents of a corpus went, with examples of every rule, and near-duplicates side by side. */
import { join, resolve } from 'node:path'
import { z } from 'zod'
import {
  KEPT_SAMPLE,
  type Pair,
  PAIRS_FILE,
  pairSchema,
  readFunnel,
  readTrace,
  readTraceIndex,
} from '../../corpus/index.ts'
import type { Document, Rejection } from '../../corpus/index.ts'
import { readJsonl } from '../../formats/index.ts'
import { isRun, latestStage, readRun, UserError } from '../../run/index.ts'
import { nearest } from '../../run/nearest.ts'
import { padEnd, widthOfCharacter } from '../columns.ts'
import { help, UsageError } from '../flags.ts'
import { say } from '../language.ts'
import { verb } from '../verb.ts'
import { funnelTable } from './funnel-table.ts'

export const funnel = verb({
  name: 'funnel',
  operands: '<corpus folder | run>',
  summary: {
    en: 'where the documents of a corpus went: counts, bytes, examples',
    zh: '语料里的文档都去哪了：篇数、字节和例子',
  },
  flags: z.object({
    samples: help(
      z.string().optional(),
      'documents that this rule dropped (or kept)',
      '看看这条规则丢掉的文档（写 kept 看留下的）',
    ),
    pairs: help(
      z.boolean().default(false),
      'near-duplicates side by side, shared parts marked',
      '近似重复的文档左右对照，标出相同的部分',
    ),
    count: help(z.number().int().positive().default(5), 'how many samples or pairs', '看几个'),
    json: help(z.boolean().default(false), 'as JSON', '输出 JSON'),
  }),
  async run([target, ...rest], { samples, pairs, count, json }) {
    if (target === undefined || rest.length > 0)
      throw new UsageError(
        say({ en: 'xueba corpus funnel <corpus folder | run>', zh: 'xueba corpus funnel <语料文件夹 | 运行>' }),
      )
    const folder = await corpusFolder(target)
    if (samples !== undefined) await showSamples(folder, samples, count, json)
    else if (pairs) await showPairs(folder, count, json)
    else {
      const report = await readFunnel(folder)
      console.log(json ? JSON.stringify(report) : funnelTable(report))
    }
    return 0
  },
})

async function corpusFolder(target: string): Promise<string> {
  const folder = resolve(target)
  if (!isRun(folder)) return folder
  const stage = latestStage(await readRun(folder), 'corpus')
  if (stage) return stage.folder
  throw new UserError(`the corpus of ${target} is not done yet`, `${target} 的语料还没有整理完`)
}

async function showSamples(folder: string, rule: string, count: number, json: boolean): Promise<void> {
  const { samples } = await readTraceIndex(folder)
  const names = Object.keys(samples).filter((name) => name === rule || name.startsWith(`${rule}/`))
  if (names.length === 0) {
    const known = Object.keys(samples)
    const near = nearest(rule, known)
    throw new UserError(
      `no document was dropped by "${rule}"${near ? `; did you mean "${near}"?` : `; there are ${known.join(', ')}`}`,
      `没有文档被“${rule}”丢掉${near ? `；是不是“${near}”？` : `；有的是 ${known.join('、')}`}`,
    )
  }
  for (const name of names) {
    for (const place of samples[name]!.slice(0, count)) {
      const file = name === KEPT_SAMPLE ? 'documents.jsonl' : 'rejected.jsonl'
      const line = (await readTrace(folder, file, place)) as Rejection | Document
      if (json) console.log(JSON.stringify(line))
      else console.log(`${describe(line)}\n`)
    }
  }
}

function describe(line: Rejection | Document): string {
  const place = 'line' in line && line.line !== undefined ? `:${line.line}` : ''
  const where = line.url ?? `${line.source}${place}`
  const head = 'rule' in line ? `${line.rule}: ${line.detail}` : say({ en: 'kept', zh: '留下' })
  const text = (line.text ?? '').slice(0, 400).toWellFormed()
  return [head, `  ${where}`, ...text.split('\n').map((row) => `  │ ${row}`)].join('\n')
}

async function showPairs(folder: string, count: number, json: boolean): Promise<void> {
  let shown = 0
  for await (const row of readJsonl(join(folder, PAIRS_FILE))) {
    if (shown++ >= count) break
    const pair = 'value' in row ? pairSchema.safeParse(row.value).data : undefined
    if (!pair)
      throw new UserError(`${PAIRS_FILE}, line ${row.line} is damaged`, `${PAIRS_FILE} 第 ${row.line} 行已损坏`)
    console.log(
      json
        ? JSON.stringify(pair)
        : `${sideBySide(pair, process.stdout.columns || 120, process.stdout.isTTY === true)}\n`,
    )
  }
  if (shown === 0) console.log(say({ en: 'no near-duplicates', zh: '没有近似重复的文档' }))
}

const ROWS = 30

/** Two texts in columns; what they share is green on a terminal, and between ⟦ ⟧ elsewhere. */
export function sideBySide(pair: Pair, columns: number, colour: boolean): string {
  const width = Math.floor((columns - 3) / 2)
  const { earlier, dropped } = pair
  const [left, right] = [wrap(earlier, width, colour), wrap(dropped, width, colour)]
  const title = say({
    en: `${(100 * pair.jaccard).toFixed(1)} % of their shingles are shared; met in ${pair.bands} bands. Left stays in the cluster, right was dropped.`,
    zh: `两篇有 ${(100 * pair.jaccard).toFixed(1)} % 的片段相同，在 ${pair.bands} 个分段里相遇。左边先出现，右边被丢掉。`,
  })
  const rows = Array.from({ length: Math.min(ROWS, Math.max(left.length, right.length)) }, (_, i) => {
    const cell = left[i] ?? { text: '', width: 0 }
    return `${cell.text}${' '.repeat(Math.max(0, width - cell.width))} │ ${right[i]?.text ?? ''}`
  })
  const more = Math.max(left.length, right.length) > ROWS ? ['…'] : []
  const names = `${padEnd(short(earlier.url ?? earlier.id, width), width)} │ ${short(dropped.url ?? dropped.id, width)}`
  return [title, names, '─'.repeat(columns), ...rows, ...more].join('\n')
}

const short = (name: string, width: number) => (name.length > width ? `…${name.slice(1 - width)}` : name)

/** Lines of so many columns, with marks around what is shared; marks that are printed count. */
function wrap({ text, shared }: Pair['earlier'], width: number, colour: boolean) {
  const [on, off, markWidth] = colour ? ['\x1b[32m', '\x1b[39m', 0] : ['⟦', '⟧', 1]
  const begins = new Set(shared.map(([from]) => from))
  const ends = new Set(shared.map(([, to]) => to))
  const rows: { text: string; width: number }[] = []
  let [row, used, inside] = ['', 0, false]
  const end = () => {
    if (row !== '') rows.push({ text: inside ? row + off : row, width: used + (inside ? markWidth : 0) })
    ;[row, used] = inside ? [on, markWidth] : ['', 0]
  }
  let at = 0
  for (const c of text) {
    if (ends.has(at) && inside) [row, used, inside] = [row + off, used + markWidth, false]
    if (begins.has(at)) [row, used, inside] = [row + on, used + markWidth, true]
    at += c.length
    if (c === '\n') end()
    else {
      if (used + widthOfCharacter(c) + markWidth > width) end()
      row += /[\p{Cc}]/u.test(c) ? ' ' : c
      used += widthOfCharacter(c)
    }
    if (rows.length > ROWS) break
  }
  if (rows.length <= ROWS) end()
  return rows
}
