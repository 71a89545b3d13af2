/** xueba report: makes the report of a run anew, whatever state the run is in. */
import { z } from 'zod'
import { renewReport } from '../stages/report.ts'
import type { Engine } from '../tensor/index.ts'
import { openEngine } from '../tensor/open.node.ts'
import { findRun } from './find-run.ts'
import { help, UsageError } from './flags.ts'
import { say } from './language.ts'
import { verb } from './verb.ts'

export const report = verb({
  name: 'report',
  operands: '<run>',
  summary: {
    en: 'the report card of a run: report.html, report.md, report.json',
    zh: '给一次运行出成绩单：report.html、report.md、report.json',
  },
  flags: z.object({
    keepAnswers: help(
      z.boolean().default(false),
      'do not ask the models again; keep the last answers',
      '不再提问，沿用上一份成绩单里的回答',
    ),
  }),
  async run([target, ...rest], { keepAnswers }) {
    if (!target || rest.length > 0)
      throw new UsageError(say({ en: 'xueba report <run>', zh: 'xueba report <运行目录>' }))
    const folder = findRun(target)
    let opened: Promise<Engine> | undefined
    try {
      console.log(await renewReport(folder, { engine: () => (opened ??= openEngine()), keepAnswers }))
    } finally {
      await (await opened)?.close()
    }
    return 0
  },
})
