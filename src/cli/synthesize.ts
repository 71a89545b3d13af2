/**
 * xueba synthesize: dialogues for SFT, written by a model of an OpenAI-compatible endpoint that plays user and assistant in turn; without an endpoint, by
 * the embedded teacher, about the made-up town. The key comes from the environment alone.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { takeLock } from '../run/index.ts'
import {
  clock,
  countAnswers,
  embeddedTeacher,
  endpointOf,
  FILES,
  filterConfig,
  guessTokens,
  instructionsFor,
  openAnswers,
  openBudget,
  openEndpoint,
  openPace,
  plansOf,
  readTopics,
  type Speaker,
  type Summary,
  synthesize as write,
  TEMPLATE,
  TOPICS,
} from '../synthetic/index.ts'
import { makeWorld, talkedAbout } from '../world/index.ts'
import { help, UsageError } from './flags.ts'
import { language, say } from './language.ts'
import { compact, duration } from './live.ts'
import { createStatus } from './status.ts'
import { verb } from './verb.ts'

const whole = z.number().int()
const defaults = filterConfig.parse({})

const flags = z.object({
  out: help(z.string().optional(), 'folder to write', '写到哪个文件夹'),
  count: help(whole.positive().default(100), 'dialogues to write, before filtering', '写多少段对话（过滤之前）'),
  topics: help(
    z.string().optional(),
    'file with a topic a line (default: 100 built-in ones)',
    '话题文件，一行一个（默认用内置的 100 个）',
  ),
  turns: help(whole.min(1).max(20).default(3), 'most exchanges of a dialogue', '一段对话最多几个来回'),
  minTurns: help(whole.min(1).max(20).default(1), 'fewest exchanges', '最少几个来回'),
  baseUrl: help(
    z.string().optional(),
    'OpenAI-compatible endpoint, as https://api.example.com/v1 (default: the embedded teacher)',
    'OpenAI 兼容接口，如 https://api.example.com/v1（默认用内置的老师）',
  ),
  model: help(z.string().optional(), "the endpoint's model", '接口上的模型名'),
  keyEnv: help(
    z.string().default('OPENAI_API_KEY'),
    'environment variable that holds the key, if one is needed',
    '密钥放在哪个环境变量里（不需要密钥就不用管）',
  ),
  temperature: help(z.number().min(0).max(2).default(0.8), 'of the endpoint', '采样温度'),
  maxTokens: help(whole.positive().default(512), 'longest message', '一条消息最多多少词元'),
  body: help(
    z.string().optional(),
    'JSON that goes into every request as it is; null takes a parameter out',
    '原样加进每个请求的 JSON；写 null 则去掉该参数',
  ),
  requestsPerMinute: help(z.number().positive().default(60), 'rate limit', '每分钟最多多少个请求'),
  maxRequests: help(
    whole.positive().optional(),
    'spend limit of the folder: answers in all, earlier attempts included',
    '这个文件夹的开销上限：一共多少个回答，含以前的',
  ),
  maxSpend: help(whole.positive().optional(), 'the same in tokens', '同上，按词元算'),
  concurrency: help(whole.min(1).max(256).default(4), 'dialogues at the same time', '同时写几段'),
  timeout: help(z.number().positive().default(120), 'seconds that an answer may take', '一个回答最多等几秒'),
  teacher: help(
    z.enum(['good', 'sloppy']).default('good'),
    'of the embedded teacher: sloppy makes mistakes on purpose',
    '内置老师的水平：sloppy 会故意出错',
  ),
  minCharacters: help(whole.nonnegative().default(defaults.minCharacters), 'shortest message', '消息最少几个字符'),
  maxCharacters: help(whole.positive().default(defaults.maxCharacters), 'longest message', '消息最多几个字符'),
  maxRepeated: help(
    z.number().min(0).max(1).default(defaults.maxRepeated),
    'share of a message that repeats itself',
    '一条消息里重复内容的比例上限',
  ),
  maxSimilarity: help(
    z.number().min(0).max(1).default(defaults.maxSimilarity),
    'to an earlier dialogue',
    '和之前对话的相似度上限',
  ),
  seed: help(whole.nonnegative().default(1), 'seed of topics, turns and requests', '话题、来回数与请求的随机种子'),
  dryRun: help(z.boolean().default(false), 'only say what it would ask for', '只估算，不发请求'),
  json: help(z.boolean().default(false), 'progress and result as JSON lines', '进度和结果都输出为 JSON 行'),
})
type Flags = z.infer<typeof flags>

export const synthesize = verb({
  name: 'synthesize',
  operands: '',
  summary: {
    en: 'dialogues for SFT, written by a model of any OpenAI-compatible endpoint, or by the embedded teacher',
    zh: '合成对话，给监督微调用：由 OpenAI 兼容接口上的模型来写，或由内置的老师来写',
  },
  flags,
  async run(operands, options) {
    if (operands.length > 0)
      throw new UsageError(say({ en: `what is "${operands[0]}"?`, zh: `“${operands[0]}”是什么意思？` }))
    const { out, baseUrl, json, seed, count, turns } = options
    if (!out) throw new UsageError(say({ en: 'where to? (--out DIR)', zh: '写到哪里？（--out 文件夹）' }))
    if (baseUrl && !options.model)
      throw new UsageError(say({ en: 'which model? (--model NAME)', zh: '用哪个模型？（--model 名字）' }))
    if (!baseUrl && options.topics)
      throw new UsageError(
        say({
          en: 'the embedded teacher knows only its town: topics need an endpoint (--base-url)',
          zh: '内置的老师只知道小镇上的事：用话题文件要有接口（--base-url）',
        }),
      )
    const lang = language()
    const minTurns = Math.min(options.minTurns, turns)
    const world = makeWorld({ language: lang, seed })
    const topics = !baseUrl ? talkedAbout(world) : options.topics ? await readTopics(options.topics) : TOPICS[lang]
    if (options.dryRun) return dryRun(options, topics)

    await mkdir(out, { recursive: true })
    const lock = takeLock(join(out, '.synthesize.pid'))
    const status = createStatus()
    const begin = performance.now()
    const seconds = () => (performance.now() - begin) / 1000
    const retries = { count: 0, last: '' }
    const endpoint = baseUrl
      ? openPaid(options, baseUrl, (why) => Object.assign(retries, { count: retries.count + 1, last: why }))
      : undefined
    try {
      const speaker = endpoint?.speaker ?? embeddedTeacher(world, options.teacher)
      const summary = await write({
        folder: out,
        speaker,
        template: baseUrl ? TEMPLATE : 'town',
        topics,
        language: lang,
        count,
        minTurns,
        turns,
        seed,
        concurrency: options.concurrency,
        filters: filterConfig.parse({
          minCharacters: options.minCharacters,
          maxCharacters: options.maxCharacters,
          maxRepeated: options.maxRepeated,
          maxSimilarity: options.maxSimilarity,
        }),
        progress({ done }) {
          if (!status.due()) return
          const spent = endpoint?.spent()
          if (json) console.log(JSON.stringify({ type: 'progress', done, count, ...spent, retries: retries.count }))
          else status.show(progressLine(done, count, seconds(), spent, retries))
        },
      })
      status.end()
      const spent = endpoint ? { ...endpoint.spent(), retries: retries.count } : {}
      if (json)
        console.log(
          JSON.stringify({ type: 'done', file: join(out, FILES.dialogues), ...summary, ...spent, seconds: seconds() }),
        )
      else console.log(report(out, summary, endpoint?.spent(), retries.count))
      return 0
    } finally {
      status.end()
      endpoint?.close()
      lock.release()
    }
  },
})

/** An endpoint as a speaker, with its cache, pace and limits; `spent` counts all attempts. */
function openPaid(options: Flags, baseUrl: string, onRetry: (why: string) => void) {
  const { model, keyEnv, temperature, maxTokens, timeout, requestsPerMinute, maxRequests, maxSpend } = options
  endpointOf(baseUrl) // wrong addresses are named before anything is made
  const answers = openAnswers(join(options.out!, FILES.answers))
  const before = { requests: answers.size, tokens: answers.tokens }
  const budget = openBudget(
    { ...(maxRequests ? { requests: maxRequests } : {}), ...(maxSpend ? { tokens: maxSpend } : {}) },
    before,
  )
  const speaker: Speaker = openEndpoint(
    {
      baseUrl,
      model: model!,
      ...(process.env[keyEnv] ? { key: process.env[keyEnv] } : {}),
      temperature,
      maxTokens,
      timeout: timeout * 1000,
      ...(options.body === undefined ? {} : { body: bodyOf(options.body) }),
    },
    { answers, budget, pace: openPace(requestsPerMinute, clock), clock, onRetry },
  )
  return {
    speaker,
    spent: () => ({ answers: budget.spent.requests, tokens: budget.spent.tokens, reused: before.requests }),
    close: () => answers.close(),
  }
}

function bodyOf(text: string): Record<string, unknown> {
  const wrong = new UsageError(say({ en: `--body: ${text} is no JSON object`, zh: `--body：${text} 不是 JSON 对象` }))
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw wrong
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong
  return value as Record<string, unknown>
}

/** What a run would ask for: exact in requests, a guess in tokens (messages of half the most tokens). */
function dryRun(options: Flags, topics: readonly string[]): number {
  const { count, turns, seed, baseUrl, maxTokens, requestsPerMinute, out, json } = options
  const plans = plansOf({ topics, count, minTurns: Math.min(options.minTurns, turns), turns, seed })
  const lang = language()
  const typical = Math.ceil(maxTokens / 2)
  let [requests, tokens] = [0, 0]
  for (const { topic, length } of plans)
    for (let i = 0; i < length; i++) {
      const heads = instructionsFor(topic, i % 2 === 0 ? [] : [{ role: 'user', content: '' }], lang)
      requests++
      tokens += guessTokens(heads.map(({ content }) => content).join('\n')) + (i + 1) * typical
    }
  if (!baseUrl) [requests, tokens] = [0, 0]
  const paid = countAnswers(join(out!, FILES.answers))
  const minutes = Math.max(0, requests - paid.requests) / requestsPerMinute
  if (json)
    console.log(
      JSON.stringify({ type: 'estimate', dialogues: count, topics: topics.length, requests, tokens, paid, minutes }),
    )
  else
    console.log(
      say({
        en: `${count} dialogues about ${topics.length} topics: ${requests} requests, about ${compact(tokens)} tokens, ${duration(minutes * 60)} at ${requestsPerMinute} a minute; ${paid.requests} answers are here already.`,
        zh: `${topics.length} 个话题，${count} 段对话：${requests} 个请求，大约 ${compact(tokens)} 词元，按每分钟 ${requestsPerMinute} 个要 ${duration(minutes * 60)}；已有 ${paid.requests} 个回答。`,
      }),
    )
  return 0
}

interface Paid {
  answers: number
  tokens: number
  reused: number
}

function progressLine(
  done: number,
  count: number,
  seconds: number,
  spent: Paid | undefined,
  retries: { count: number; last: string },
): string {
  const paid = spent
    ? say({
        en: `  ${spent.answers} answers, ${compact(spent.tokens)} tokens`,
        zh: `  ${spent.answers} 个回答，${compact(spent.tokens)} 词元`,
      })
    : ''
  const again = retries.count
    ? say({ en: `  ${retries.count} retries (${retries.last})`, zh: `  重试 ${retries.count} 次（${retries.last}）` })
    : ''
  const left =
    done > 0
      ? say({
          en: `  ${duration(((count - done) * seconds) / done)} left`,
          zh: `  还要 ${duration(((count - done) * seconds) / done)}`,
        })
      : ''
  return `${done}/${count}${paid}${again}${left}`
}

function report(
  out: string,
  { asked, written, kept, rejected, stopped }: Summary,
  spent: Paid | undefined,
  retries: number,
): string {
  const reasons = Object.entries(rejected)
    .map(([reason, n]) => `${reason} ${n}`)
    .join(', ')
  const file = join(out, FILES.dialogues)
  const lines = [
    say({
      en: `${kept} of ${written} dialogues kept: ${file}`,
      zh: `写了 ${written} 段对话，留下 ${kept} 段：${file}`,
    }),
  ]
  if (reasons)
    lines.push(
      say({ en: `rejected: ${reasons} (${FILES.rejected})`, zh: `没留下的：${reasons}（见 ${FILES.rejected}）` }),
    )
  if (spent)
    lines.push(
      say({
        en: `${spent.answers} answers, ${compact(spent.tokens)} tokens in all (${spent.reused} answers from earlier attempts), ${retries} retries`,
        zh: `一共 ${spent.answers} 个回答、${compact(spent.tokens)} 词元（其中 ${spent.reused} 个回答是以前的），重试 ${retries} 次`,
      }),
    )
  if (stopped)
    lines.push(
      say({
        en: `the limit of ${stopped} is reached, ${asked - written} dialogues are missing: raise it (--max-requests, --max-spend) and run the same command again`,
        zh: `到了${stopped === 'tokens' ? '词元' : '请求数'}上限，还差 ${asked - written} 段：调高上限（--max-requests、--max-spend）再运行同样的命令`,
      }),
    )
  if (kept > 0)
    lines.push(
      say({
        en: `in a recipe: - { kind: sft, data: [{ file: ${file} }] }`,
        zh: `写进食谱：- { kind: sft, data: [{ file: ${file} }] }`,
      }),
    )
  return lines.join('\n')
}
