/** The command line: finds the verb, parses its flags from their schema, prints errors as sentences in the reader's language. */
import { z } from 'zod'
import { nearest } from '../run/nearest.ts'
import { version } from '../run/index.ts'
import { bench } from './bench.ts'
import { chat } from './chat.ts'
import { doctor } from './doctor.ts'
import { exitCodeOf, sentenceOf } from './errors.ts'
import { evaluate } from './eval.ts'
import { exportModel } from './export.ts'
import { importVerb } from './import.ts'
import { describeFlags, help, parseFlags, UsageError } from './flags.ts'
import { say, setLanguage } from './language.ts'
import { lesson } from './lesson.ts'
import { rank } from './rank.ts'
import { report } from './report.ts'
import { run } from './run.ts'
import { score } from './score.ts'
import { serve } from './serve.ts'
import { start } from './start.ts'
import { tokenizer } from './tokenizer.ts'
import type { Verb } from './verb.ts'

const verbs: Verb[] = [
  start,
  run,
  chat,
  serve,
  score,
  evaluate,
  report,
  exportModel,
  importVerb,
  rank,
  lesson,
  tokenizer,
  doctor,
  bench,
]

const common = z.object({
  lang: help(z.enum(['zh', 'en']).optional(), 'language of the model and of what is printed', '模型和界面的语言'),
  help: help(z.boolean().optional(), 'this text', '显示这段说明'),
})

async function main(args: string[]): Promise<number> {
  const [name, ...rest] = args
  const chosen = args.findIndex((a) => a === '--lang')
  const wanted = chosen >= 0 ? args[chosen + 1] : args.find((a) => a.startsWith('--lang='))?.slice(7)
  if (wanted === 'zh' || wanted === 'en') setLanguage(wanted)
  if (name === '--version' || name === '-v') return print(version())
  if (name === undefined || name === '--help' || name === '-h' || name === 'help' || name.startsWith('--lang'))
    return print(overview())
  const verb = verbs.find((v) => v.name === name)
  if (!verb) {
    const near = nearest(
      name,
      verbs.map((v) => v.name),
    )
    throw new UsageError(
      say({
        en: `there is no verb "${name}"${near ? `; did you mean "${near}"?` : ''} (see xueba --help)`,
        zh: `没有“${name}”这个命令${near ? `，是不是“${near}”？` : ''}（见 xueba --help）`,
      }),
    )
  }
  const schema = verb.flags.extend(common.shape)
  if (rest.includes('--help') || rest.includes('-h')) return print(manual(verb, schema))
  const { positionals, flags } = parseFlags(rest, schema)
  return verb.run(positionals, flags)
}

function print(text: string): number {
  console.log(text)
  return 0
}

function overview(): string {
  const width = Math.max(...verbs.map((v) => v.name.length))
  const lines = verbs.map((v) => `  ${v.name.padEnd(width)}  ${say(v.summary)}`)
  return [
    say({
      en: `xueba ${version()}: trains a language model from zero to one.`,
      zh: `学霸 ${version()}：从零到一训练一个语言模型。`,
    }),
    '',
    say({
      en: 'Usage: xueba <verb> …   (xueba <verb> --help says more)',
      zh: '用法：xueba <命令> …   （xueba <命令> --help 有详细说明）',
    }),
    '',
    ...lines,
  ].join('\n')
}

function manual(verb: Verb, schema: z.ZodObject): string {
  return [say(verb.summary), '', `xueba ${verb.name} ${verb.operands}`, '', describeFlags(schema)].join('\n')
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  console.error(sentenceOf(error) ?? error)
  process.exitCode = exitCodeOf(error)
}
