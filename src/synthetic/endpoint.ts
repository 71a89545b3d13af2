/**
 * Any server with OpenAI's chat completions as a speaker. What is busy (429) or broken (5xx, a cut or silent connection, an answer that is no JSON) is
 * asked again: after as long as the server says (Retry-After), else after 1, 2, 4 … seconds with jitter ("equal jitter": M. Brooker, "Exponential backoff
 * and jitter", AWS Architecture Blog, 2015), and at most `TRIES` times. Answers are not streamed: nothing reads them before they are whole.
 *
 * The key comes from the environment, goes into one header and nowhere else: whatever a server sends back is scrubbed of it.
 */
import { z } from 'zod'
import { retryAfter } from '../remote/request.ts'
import { sha256OfJson, UserError, version } from '../run/index.ts'
import { random } from '../tensor/random.ts'
import type { Answers } from './answers.ts'
import { type Budget, type Clock, guessTokens, type Pace } from './budget.ts'
import { instructionsFor } from './prompts.ts'
import { Refused, type Speaker } from './speaker.ts'

export interface EndpointOptions {
  /** Ends before `/chat/completions`: `https://api.example.com/v1`. */
  baseUrl: string
  model: string
  key?: string
  temperature: number
  maxTokens: number
  /** ms that an answer may take. */
  timeout: number
  /** Goes into the body of every request as it is; null takes a parameter out. */
  body?: Record<string, unknown>
}

export interface EndpointParts {
  answers: Answers
  budget: Budget
  pace: Pace
  clock: Clock
  /** Told of every failed try. */
  onRetry?(why: string, wait: number): void
}

const TRIES = 6
const LONGEST_WAIT = 300_000
const MOST_BYTES = 8 << 20

const completion = z.object({
  choices: z
    .array(z.object({ message: z.object({ content: z.string().nullish() }), finish_reason: z.string().nullish() }))
    .min(1),
  usage: z.object({ prompt_tokens: z.number(), completion_tokens: z.number() }).nullish(),
})
type Completion = z.infer<typeof completion>

/** The address that requests go to, and the host that rows name. Throws a UserError. */
export function endpointOf(baseUrl: string): { url: string; host: string } {
  const url = URL.parse(baseUrl)
  if (!url || !/^https?:$/.test(url.protocol))
    throw new UserError(
      `${baseUrl} is no http(s) address; an endpoint looks like https://api.example.com/v1`,
      `${baseUrl} 不是 http(s) 地址；接口地址的样子是 https://api.example.com/v1`,
    )
  if (url.username || url.password)
    throw new UserError(
      'a password in the address would end up in files: put the key into the environment',
      '地址里的密码会被写进文件：请把密钥放在环境变量里',
    )
  url.pathname = url.pathname.replace(/\/+$/, '').replace(/\/chat\/completions$/, '')
  return { url: `${url.origin}${url.pathname.replace(/\/$/, '')}/chat/completions${url.search}`, host: url.host }
}

/** Worth another try; `wait` in ms, where the server said how long. */
class Interrupted extends Error {
  readonly wait: number | undefined

  constructor(message: string, wait?: number) {
    super(message)
    this.wait = wait
  }
}

export function openEndpoint(options: EndpointOptions, parts: EndpointParts): Speaker {
  const { url, host } = endpointOf(options.baseUrl)
  const { answers, budget, pace, clock } = parts
  const scrub = (text: string) => (options.key ? text.replaceAll(options.key, '***') : text)
  let failures = 0

  async function insist(body: object): Promise<Completion> {
    for (let tries = 1; ; tries++) {
      await pace.turn()
      try {
        return await ask(url, body, options, scrub)
      } catch (error) {
        if (!(error instanceof Interrupted)) throw error
        const why = scrub(error.message)
        if (tries >= TRIES)
          throw new UserError(
            `${host} gave no answer in ${TRIES} tries: ${why}. Nothing that was paid for is lost: run the same command again`,
            `${host} 试了 ${TRIES} 次都没有回答：${why}。已经付费的回答都还在：再运行一次同样的命令即可`,
          )
        if ((error.wait ?? 0) > LONGEST_WAIT)
          throw new UserError(
            `${host} asks to come back in ${Math.round(error.wait! / 60_000)} minutes (${why}): run the same command again then`,
            `${host} 要求 ${Math.round(error.wait! / 60_000)} 分钟后再来（${why}）：到时再运行一次同样的命令`,
          )
        const jitter = random(0, 'jitter', failures++).uniform()
        const wait =
          error.wait === undefined ? 1000 * 2 ** (tries - 1) * (0.5 + 0.5 * jitter) : error.wait + 1000 * jitter
        parts.onRetry?.(why, wait)
        // Others need not find out for themselves.
        if (error.wait !== undefined) pace.pauseUntil(clock.now() + error.wait)
        await clock.sleep(wait)
      }
    }
  }

  return {
    model: options.model,
    endpoint: host,
    async say({ topic, messages, language, seed }) {
      const { model, temperature, maxTokens } = options
      const instructions = instructionsFor(topic, messages, language)
      const given = {
        model,
        messages: instructions,
        temperature,
        max_tokens: maxTokens,
        seed: (seed + messages.length) % 2 ** 31,
        ...options.body,
      }
      const body = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null))
      const key = sha256OfJson({ url, body })
      const known = answers.get(key)
      if (known) return known
      const asked = guessTokens(instructions.map(({ content }) => content).join('\n'))
      const reserved = budget.reserve(asked + maxTokens)
      let answer: Completion
      try {
        answer = await insist(body)
      } catch (error) {
        reserved.cancel()
        throw error
      }
      const [choice] = answer.choices
      const text = choice!.message.content ?? ''
      const promptTokens = answer.usage?.prompt_tokens ?? asked
      const completionTokens = answer.usage?.completion_tokens ?? guessTokens(text)
      const finish = choice!.finish_reason ?? 'stop'
      answers.add({ key, text, finish, time: clock.now(), promptTokens, completionTokens })
      reserved.settle(promptTokens + completionTokens)
      return answers.get(key)!
    },
  }
}

// --- internal ---

async function ask(
  url: string,
  body: object,
  { key, timeout }: EndpointOptions,
  scrub: (text: string) => string,
): Promise<Completion> {
  const signal = AbortSignal.timeout(timeout)
  let status: number
  let headers: Headers
  let text: string
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'User-Agent': `xueba/${version()}`,
        ...(key ? { Authorization: `Bearer ${key}` } : {}),
      },
      body: JSON.stringify(body),
      signal,
    })
    ;({ status, headers } = response)
    text = await textOf(response)
  } catch (error) {
    if (signal.aborted) throw new Interrupted(`no whole answer within ${timeout / 1000} s`)
    throw new Interrupted(causeOf(error))
  }
  if (status >= 200 && status < 300) {
    const parsed = completion.safeParse(jsonOf(text))
    if (parsed.success) return parsed.data
    throw new Interrupted(`the answer is no chat completion: ${scrub(text.slice(0, 120)) || '(empty)'}`)
  }
  const { message, code } = complaintOf(text)
  const detail = scrub(`${status}${message ? `: ${message}` : ''}`)
  if (code === 'insufficient_quota' || status === 402)
    throw new UserError(`the account has no credit left (${detail})`, `账户余额不足（${detail}）`)
  if (status === 408 || status === 409 || status === 429 || status >= 500)
    throw new Interrupted(detail, retryAfter(headers.get('retry-after')))
  if (status === 400 || status === 413 || status === 422) throw new Refused(detail)
  if (status === 401 || status === 403)
    throw new UserError(
      `the endpoint refuses ${key ? 'this key' : 'requests without a key'} (${detail})`,
      `接口不接受${key ? '这个密钥' : '没有密钥的请求'}（${detail}）`,
    )
  throw new UserError(
    `${url} answered ${detail}. Is the address right (it usually ends in /v1), and the model's name?`,
    `${url} 的回答是 ${detail}。地址（通常以 /v1 结尾）和模型名都对吗？`,
  )
}

async function textOf(response: Response): Promise<string> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    parts.push(chunk as Uint8Array)
    if ((bytes += chunk.length) > MOST_BYTES) throw new Error(`the answer has more than ${MOST_BYTES} bytes`)
  }
  return Buffer.concat(parts).toString('utf8')
}

/** What OpenAI's error object, or the beginning of any other body, says. */
function complaintOf(text: string): { message: string; code?: string } {
  const { data } = z
    .object({ error: z.object({ message: z.string(), code: z.unknown() }).partial() })
    .safeParse(jsonOf(text))
  return {
    message: (data?.error.message ?? text).replace(/\s+/g, ' ').trim().slice(0, 200),
    ...(typeof data?.error.code === 'string' ? { code: data.error.code } : {}),
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What the system said behind fetch's "fetch failed". */
function causeOf(error: unknown): string {
  const { message, cause } = error as Error
  const first = (cause as AggregateError | undefined)?.errors?.[0] as Error | undefined
  return first?.message ?? ((cause as Error | undefined)?.message || message)
}
