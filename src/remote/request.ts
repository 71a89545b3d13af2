/**
 * HTTP that does not give up at once: what is busy (429) or broken (5xx, a cut or silent connection) is asked again, after as long as the
 * server says (Retry-After), else after 1, 2, 4 … seconds. Everything else is a sentence for the reader.
 */
import { UserError, version } from '../run/index.ts'

/** Tries in a row that bring nothing; fewer where there is no way to the server at all. */
const TRIES = 6
const OFFLINE_TRIES = 3
/** Longest wait that a server may ask for; longest silence of a connection. In ms. */
const LONGEST_WAIT = 300_000
const LONGEST_SILENCE = 60_000
/** No name server, no route: this machine has no network, rather than that one a bad moment. */
const OFFLINE = /\b(ENOTFOUND|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|ENETDOWN)\b/

export interface Patience {
  /** Waits so many ms. */
  sleep(ms: number): Promise<void>
  /** ms of silence after which a connection counts as cut. */
  silence: number
}

export const patience: Patience = {
  sleep: (ms) => new Promise((done) => setTimeout(done, ms)),
  silence: LONGEST_SILENCE,
}

/** Says why a server refused; the status is neither 2xx nor one that is worth another try. */
export type Refuse = (url: string, status: number) => UserError

/** How a request is made: what identifies us, how long to wait, and how a refusal is worded. */
export interface Manner {
  headers: Record<string, string>
  patience: Patience
  refuse?: Refuse
}

/** Worth another try; `wait` in ms, where the server said how long. */
export class Interrupted extends Error {
  readonly wait: number | undefined

  constructor(message: string, wait?: number) {
    super(message)
    this.wait = wait
  }
}

/** No try helped; `cause` is the last `Interrupted`. */
export class GaveUp extends UserError {}

/** After a failed try: waits as long as one should before the next, or throws. Getting on renews the tries. */
export function retrier(what: string, { sleep }: Patience): (error: unknown, gotOn: boolean) => Promise<void> {
  let tries = 0
  return async (error, gotOn) => {
    if (!(error instanceof Interrupted)) throw error
    tries = gotOn ? 1 : tries + 1
    const { message, wait } = error
    if (OFFLINE.test(message) && tries >= OFFLINE_TRIES)
      throw new GaveUp(
        `${what}: no way to the server (${message}): is this machine online?`,
        `${what}：连不上服务器（${message}），这台机器联网了吗？`,
        { cause: error },
      )
    if (tries >= TRIES)
      throw new GaveUp(
        `${what}: gave up after ${TRIES} tries: ${message}. Run it again to go on from here`,
        `${what}：试了 ${TRIES} 次都没成功：${message}。再运行一次会接着下载`,
        { cause: error },
      )
    await sleep(Math.min(LONGEST_WAIT, wait ?? 1000 * 2 ** (tries - 1)))
  }
}

/** Runs `attempt` until it succeeds; one that threw `Interrupted` runs again. `progress` says how far it has come. */
export async function insist<T>(
  what: string,
  attempt: () => Promise<T>,
  patience: Patience,
  progress = () => 0,
): Promise<T> {
  const again = retrier(what, patience)
  for (let reached = progress(); ;) {
    try {
      return await attempt()
    } catch (error) {
      const now = progress()
      await again(error, now > reached)
      reached = now
    }
  }
}

/**
 * One request, redirects followed (a token goes to its own origin only, as the Fetch standard says). Throws `Interrupted`, or a UserError. The
 * returned `chunks` are the body, to be read to its end or cancelled. The time that the reader takes over a chunk is no silence.
 */
export async function request(url: string, { headers, patience, refuse = refusal }: Manner) {
  const { silence } = patience
  const controller = new AbortController()
  let timer: NodeJS.Timeout
  const listen = () => void (timer = setTimeout(() => controller.abort(), silence))
  const cut = (error: unknown) => {
    clearTimeout(timer)
    if (controller.signal.aborted) return new Interrupted(`nothing came for ${silence / 1000} s`)
    const { message, cause } = error as Error
    return new Interrupted(cause instanceof Error ? cause.message || String(codeOfFirst(cause)) : message)
  }
  const cancel = () => {
    clearTimeout(timer)
    controller.abort()
  }
  listen()
  const response = await fetch(url, {
    headers: { 'User-Agent': `xueba/${version()}`, ...headers },
    signal: controller.signal,
  }).catch((error: unknown) => {
    throw cut(error)
  })
  const { status } = response
  if (!response.ok && status !== 416) {
    cancel()
    if (status === 408 || status === 429 || status >= 500)
      throw new Interrupted(`${new URL(url).host} answered ${status}`, retryAfter(response.headers.get('retry-after')))
    throw refuse(url, status)
  }
  async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of response.body ?? []) {
        clearTimeout(timer)
        yield chunk as Uint8Array
        listen()
      }
    } catch (error) {
      throw cut(error)
    } finally {
      cancel()
    }
  }
  return { status, headers: response.headers, chunks: chunks(), cancel }
}

/** All of a short answer. */
export async function readAnswer(url: string, manner: Manner, mostBytes: number): Promise<Buffer> {
  const { chunks } = await request(url, manner)
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of chunks) {
    parts.push(chunk)
    if ((bytes += chunk.length) > mostBytes) throw new UserError(`${url}: the answer is too long`, `${url}：回答太长了`)
  }
  return Buffer.concat(parts)
}

function refusal(url: string, status: number): UserError {
  if (status === 404) return new UserError(`${url}: 404: there is no such file`, `${url}：404：没有这个文件`)
  return new UserError(`${url} answered ${status}`, `${url} 的回答是 ${status}`)
}

/** Where several addresses were tried, Node gives an error without a message. */
const codeOfFirst = (cause: Error) => (cause as AggregateError).errors?.[0] ?? cause

/** Seconds, or a date; in ms. */
export function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined
  const seconds = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined
}
