/** The command line: finds the verb, parses its flags from their schema, prints errors as sentences in the reader's language. */
import { z } from 'zod'
import { nearest } from '../run/nearest.ts'
import { version } from '../run/index.ts'
import { aha } from './aha.ts'
import { bench } from './bench.ts'
import { chat } from './chat.ts'
import { compare } from './compare.ts'
import { corpus } from './corpus.ts'
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
import { studio } from './studio.ts'
import { synthesize } from './synthesize.ts'
import { tokenizer } from './tokenizer.ts'
import type { Group, Verb } from './verb.ts'

const verbs: (Verb | Group)[] = [
  start,
  studio,
  run,
  corpus,
  chat,
  serve,
  score,
  evaluate,
  report,
  compare,
  aha,
  exportModel,
  importVerb,
  rank,
  synthesize,
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
  const [name] = args
  const chosen = args.findIndex((a) => a === '--lang')
  const wanted = chosen >= 0 ? args[chosen + 1] : args.find((a) => a.startsWith('--lang='))?.slice(7)
  if (wanted === 'zh' || wanted === 'en') setLanguage(wanted)
  if (name === '--version' || name === '-v') return print(version())
  if (name === undefined || name === '--help' || name === '-h' || name === 'help' || name.startsWith('--lang'))
    return print(overview())
  const [verb, words, path] = choose(verbs, args)
  if ('verbs' in verb) return print(describeGroup(verb))
  const schema = verb.flags.extend(common.shape)
  if (words.some(isHelp)) return print(manual(path, verb, schema))
  const { positionals, flags } = parseFlags(words, schema)
  return verb.run(positionals, flags)
}

/** The verb that the words name, the words after its name, and its name with that of its group. A group alone is the answer to `--help`. */
function choose(
  verbs: readonly (Verb | Group)[],
  [name, ...words]: string[],
  group = '',
): [Verb | Group, string[], string] {
  const verb = verbs.find((v) => v.name === name)
  const path = `${group}${name}`
  if (!verb) {
    const near = nearest(
      name!,
      verbs.map((v) => v.name),
    )
    throw new UsageError(
      say({
        en: `there is no verb "${path}"${near ? `; did you mean "${group}${near}"?` : ''} (see xueba ${group}--help)`,
        zh: `没有“${path}”这个命令${near ? `，是不是“${group}${near}”？` : ''}（见 xueba ${group}--help）`,
      }),
    )
  }
  if (!('verbs' in verb)) return [verb, words, path]
  if (words[0] === undefined || words[0].startsWith('-'))
    return [verb.alone && !words.some(isHelp) ? verb.alone : verb, words, path]
  return choose(verb.verbs, words, `${path} `)
}

const isHelp = (word: string) => word === '--help' || word === '-h'

function print(text: string): number {
  console.log(text)
  return 0
}

function overview(): string {
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
    list(verbs),
  ].join('\n')
}

function describeGroup({ name, summary, verbs }: Group): string {
  return [say(summary), '', `xueba ${name} <${verbs.map((v) => v.name).join('|')}> …`, '', list(verbs)].join('\n')
}

function list(verbs: readonly (Verb | Group)[]): string {
  const width = Math.max(...verbs.map((v) => v.name.length))
  return verbs.map((v) => `  ${v.name.padEnd(width)}  ${say(v.summary)}`).join('\n')
}

function manual(path: string, verb: Verb, schema: z.ZodObject): string {
  return [say(verb.summary), '', `xueba ${path} ${verb.operands}`, '', describeFlags(schema)].join('\n')
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  console.error(sentenceOf(error) ?? error)
  process.exitCode = exitCodeOf(error)
}
