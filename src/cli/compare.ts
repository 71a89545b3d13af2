/** xueba compare: several runs side by side, in the terminal, as JSON, or as a page. */
import { resolve } from 'node:path'
import { z } from 'zod'
import { writeFileAtomic } from '../formats/index.ts'
import { compareRuns } from '../stages/compare/compare.ts'
import { comparisonPage } from '../stages/compare/page.ts'
import { tablesOf } from '../stages/compare/table.ts'
import { table } from './columns.ts'
import { findRun } from './find-run.ts'
import { help, UsageError } from './flags.ts'
import { language, say } from './language.ts'
import { toOutput } from './output.ts'
import { verb } from './verb.ts'

export const compare = verb({
  name: 'compare',
  operands: '<run> <run> …',
  summary: { en: 'several finished runs side by side', zh: '把几次跑完的运行并排比较' },
  flags: z.object({
    json: help(z.boolean().default(false), 'print JSON', '输出 JSON'),
    html: help(z.string().optional(), 'write a page to this file', '写成网页，存到这个文件'),
  }),
  async run(targets, { json, html }) {
    if (targets.length < 2)
      throw new UsageError(
        say({
          en: 'compare which runs? (xueba compare runs/gpt4-order runs/r1-order)',
          zh: '比较哪几个运行？（xueba compare runs/gpt4-order runs/r1-order）',
        }),
      )
    const compared = await compareRuns(targets.map((target) => findRun(target)))
    if (html !== undefined) await writeFileAtomic(resolve(html), comparisonPage(compared, language()))
    return toOutput(async ({ line }) => {
      if (json) await line(JSON.stringify(compared))
      else if (html !== undefined) await line(resolve(html))
      else {
        const head = ['', ...compared.runs.map(({ name }) => name)]
        for (const { title, note, rows } of tablesOf(compared, language())) {
          await line(`${title}${note === undefined ? '' : `\n  ${note}`}`)
          await line(`${table([head, ...rows.flatMap(linesOf)])}\n`)
        }
      }
      return 0
    })
  },
})

/** A row whose cells have several lines, as several rows. */
function linesOf({ label, cells }: { label: string; cells: readonly string[] }): string[][] {
  const parts = cells.map((cell) => cell.split('\n'))
  const height = Math.max(...parts.map((part) => part.length))
  return Array.from({ length: height }, (_, i) => [i === 0 ? label : '', ...parts.map((part) => part[i] ?? '')])
}
