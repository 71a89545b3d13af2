/** xueba aha: whether an “aha moment” happened in the RL stages of a run, by rules, beside step 0 and a control. */
import { z } from 'zod'
import { readRun, UserError } from '../run/index.ts'
import { judgeRun } from '../stages/aha/file.ts'
import { sayEvidence, sayVerdict } from '../stages/aha/words.ts'
import { findRun } from './find-run.ts'
import { help, UsageError } from './flags.ts'
import { say } from './language.ts'
import { toOutput } from './output.ts'
import { verb } from './verb.ts'

export const aha = verb({
  name: 'aha',
  operands: '<run>',
  summary: {
    en: 'whether an “aha moment” happened in practice, with the evidence',
    zh: '刷题时有没有“顿悟”，证据是什么',
  },
  flags: z.object({
    json: help(z.boolean().default(false), 'print JSON, with every series', '输出 JSON，含每步的数据'),
  }),
  async run([target, ...rest], { json }) {
    if (!target || rest.length > 0) throw new UsageError(say({ en: 'xueba aha <run>', zh: 'xueba aha <运行目录>' }))
    const folder = findRun(target)
    const run = await readRun(folder)
    const judged = await judgeRun(run.language, run.stages)
    if (judged.length === 0)
      throw new UserError(
        `${target} has no finished rl stage that kept its answers (rollouts.jsonl)`,
        `${target} 里没有做完并且留下回答（rollouts.jsonl）的 rl 阶段`,
      )
    return toOutput(async ({ line }) => {
      if (json) {
        await line(JSON.stringify({ run: folder, stages: judged }))
        return 0
      }
      for (const one of judged) {
        await line(`${one.stage}: ${say(sayVerdict(one))}`)
        for (const evidence of one.verdict.evidence) await line(`  ${say(sayEvidence(evidence))}`)
        for (const { mark, step, phrase, prompt, text, correct } of one.analysis.firsts)
          await line(
            `  ${say({ en: `first ${mark} ("${phrase}"), step ${step}`, zh: `第一次出现“${phrase}”（第 ${step} 步）` })}: ${prompt} ${correct ? '✓' : '✗'}\n${text.trimEnd().replace(/^/gm, '    ')}`,
          )
      }
      return 0
    })
  },
})
