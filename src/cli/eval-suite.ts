/** `xueba eval MODEL --suite …`: published benchmarks on one model, with intervals beside what guessing scores. */
import { join } from 'node:path'
import { writeJson } from '../run/index.ts'
import { goesOn, loadModel, loadTokenizer } from '../stages/model-folder.ts'
import {
  createScorer,
  runSuite,
  type SuiteName,
  suiteName,
  type SuiteScore,
  USUAL_DATA,
} from '../stages/suites/index.ts'
import { openEngine } from '../tensor/open.node.ts'
import type { FoundModel } from '../library/find-model.ts'
import { UsageError } from './flags.ts'
import { say } from './language.ts'
import { duration } from './live.ts'

export interface SuiteFlags {
  suite: string[]
  limit: number | undefined
  seed: number
  maxTokens: number | undefined
  samples: number
  out: string | undefined
  json: boolean
}

/** Prints the scores; with `out`, keeps every answer and `results.json` there. */
export async function evaluateSuites({ folder, kind }: FoundModel, flags: SuiteFlags): Promise<void> {
  const wanted = flags.suite.map(suiteOf) // before anything is loaded
  const engine = await openEngine()
  const scores: SuiteScore[] = []
  try {
    const tokenizer = await loadTokenizer(folder)
    const model = await loadModel(engine, folder, { trainable: false })
    const scorer = createScorer(model)
    const isBase = goesOn(kind, tokenizer)
    for (const { suite, where } of wanted) {
      const progress = progressLine(suite)
      const { limit, seed, maxTokens, samples, out } = flags
      const options = { where, limit, seed, maxTokens, samples, isBase, out, onProgress: progress.show }
      const score = await runSuite({ model, tokenizer, scorer }, folder, suite, options).finally(progress.end)
      scores.push(score)
      if (!flags.json) console.log(tableOf(score))
    }
    scorer.free()
  } finally {
    await engine.close()
  }
  const result = { model: folder, suites: scores }
  if (flags.out !== undefined) await writeJson(join(flags.out, 'results.json'), result)
  if (flags.json) console.log(JSON.stringify(result))
}

/** `mmlu`, or `mmlu=WHERE`. */
function suiteOf(text: string): { suite: SuiteName; where: string } {
  const at = text.indexOf('=')
  const name = suiteName.safeParse(at < 0 ? text : text.slice(0, at))
  if (!name.success)
    throw new UsageError(
      say({
        en: `--suite ${text}: expected NAME or NAME=WHERE, with NAME one of ${suiteName.options.join(', ')}`,
        zh: `--suite ${text}：应写成 名字 或 名字=地方，名字是 ${suiteName.options.join('、')} 之一`,
      }),
    )
  const where = at < 0 ? USUAL_DATA[name.data] : text.slice(at + 1)
  if (where) return { suite: name.data, where }
  throw new UsageError(
    say({
      en: `--suite ${name.data}: say where its files are: --suite ${name.data}=FOLDER`,
      zh: `--suite ${name.data}：请写明文件在哪儿：--suite ${name.data}=文件夹`,
    }),
  )
}

/** On a terminal one line that changes; elsewhere a line every half minute. */
function progressLine(suite: SuiteName) {
  const from = performance.now()
  const { stderr } = process
  let [shownAt, first] = [0, -1]
  return {
    show({ task, done, total }: { task: string; done: number; total: number }) {
      const now = performance.now()
      if (first < 0) first = done // what was answered before tells nothing about speed
      if (now - shownAt < (stderr.isTTY ? 200 : 30_000) && done < total) return
      shownAt = now
      const left = ((now - from) / 1000 / Math.max(1, done - first)) * (total - done)
      const text = `${suite} ${task}  ${done}/${total}  ${say({ en: `${duration(left)} left`, zh: `还要 ${duration(left)}` })}`
      stderr.write(stderr.isTTY ? `\r\x1b[2K${text}` : `${text}\n`)
    },
    end() {
      if (stderr.isTTY) stderr.write('\r\x1b[2K')
    },
  }
}

const percent = (share: number) => (share * 100).toFixed(1)

function tableOf({ suite, where, tasks, mean, missing }: SuiteScore): string {
  const width = Math.max(8, ...tasks.map(({ task }) => task.length))
  const rows = tasks.map((t) => {
    const interval = `[${percent(t.low)}, ${percent(t.high)}]`
    const notes = [
      say({ en: `${t.shots} shots`, zh: `${t.shots} 个例题` }),
      ...(t.cropped > 0 ? [say({ en: `${t.cropped} cropped`, zh: `${t.cropped} 道被截短` })] : []),
      ...Object.entries(t.passAt ?? {}).map(([k, value]) => `pass@${k} ${percent(value)} %`),
    ]
    return `  ${t.task.padEnd(width)}  ${percent(t.accuracy).padStart(5)} % ${interval.padEnd(14)}  ${say({ en: 'chance', zh: '瞎蒙' })} ${percent(t.chance)} %  n=${t.questions}  ${notes.join(', ')}`
  })
  const last = say({
    en: `  mean over ${mean.over}: ${percent(mean.value)} % [${percent(mean.low)}, ${percent(mean.high)}], chance ${percent(mean.chance)} %`,
    zh: `  平均（${mean.over}）：${percent(mean.value)} % [${percent(mean.low)}, ${percent(mean.high)}]，瞎蒙 ${percent(mean.chance)} %`,
  })
  const lost =
    missing.length === 0
      ? []
      : [say({ en: `  no data for: ${missing.join(', ')}`, zh: `  没有数据的任务：${missing.join('、')}` })]
  return [`${suite} (${where})`, ...rows, last, ...lost].join('\n')
}
