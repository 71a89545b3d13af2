/**
 * HTTP that does not give up at once: what is busy (429) or broken (5xx, a cut or silent connection) is asked again, after as long as the
 * server says (Retry-After), else after 1, 2, 4 … seconds. Everything else is a sentence for the reader.
 */
import { UserError } from '../run/index.ts'

/** Tries in a row that bring nothing. */
const TRIES = 6
/** Longest wait that a server may ask for; longest silence of a connection. In ms. */
const LONGEST_WAIT = 300_000
const LONGEST_SILENCE = 60_000

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

/** Worth another try; `wait` in ms, where the server said how long. */
export class Interrupted extends Error {
  readonly wait: number | undefined

  constructor(message: string, wait?: number) {
    super(message)
    this.wait = wait
  }
}

/** Runs `attempt` until it succeeds; one that threw `Interrupted` runs again. `progress` says how far it has come: getting on renews its tries. */
export async function insist<T>(
  what: string,
  attempt: () => Promise<T>,
  { sleep }: Patience,
  progress = () => 0,
): Promise<T> {
  for (let tries = 1, reached = progress(); ; tries++) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error
      if (progress() > reached) [tries, reached] = [1, progress()]
      if (tries >= TRIES)
        throw new UserError(
          `${what}: gave up after ${TRIES} tries: ${error.message}. Run it again to go on from here`,
          `${what}：试了 ${TRIES} 次都没成功：${error.message}。再运行一次会接着下载`,
          { cause: error },
        )
      await sleep(Math.min(LONGEST_WAIT, error.wait ?? 1000 * 2 ** (tries - 1)))
    }
  }
}

/**
 * One request, redirects followed (a token goes to its own origin only, as the Fetch standard says). Throws `Interrupted`, or a UserError. The
 * returned `chunks` are the body, to be read to its end or cancelled.
 */
export async function request(url: string, headers: Record<string, string>, { silence }: Patience) {
  const controller = new AbortController()
  let timer = setTimeout(() => controller.abort(), silence)
  const heard = () => {
    clearTimeout(timer)
    timer = setTimeout(() => controller.abort(), silence)
  }
  const cut = (error: unknown) => {
    clearTimeout(timer)
    if (controller.signal.aborted) return new Interrupted(`nothing came for ${silence / 1000} s`)
    const { message, cause } = error as Error
    return new Interrupted(cause instanceof Error ? cause.message : message)
  }
  const response = await fetch(url, { headers, signal: controller.signal }).catch((error: unknown) => {
    throw cut(error)
  })
  if (!response.ok && response.status !== 416) {
    controller.abort()
    clearTimeout(timer)
    throw refusal(url, response)
  }
  async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of response.body ?? []) {
        heard()
        yield chunk as Uint8Array
      }
    } catch (error) {
      throw cut(error)
    } finally {
      clearTimeout(timer)
      controller.abort()
    }
  }
  const cancel = () => {
    clearTimeout(timer)
    controller.abort()
  }
  return { status: response.status, headers: response.headers, chunks: chunks(), cancel }
}

function refusal(url: string, { status, headers }: Response): Error {
  if (status === 408 || status === 429 || status >= 500)
    return new Interrupted(`${new URL(url).host} answered ${status}`, retryAfter(headers.get('retry-after')))
  if (status === 401 || status === 403)
    return new UserError(
      `${url}: ${status}: there is no such model, or it is for those who have accepted its terms: accept them on its page and put your token into HF_TOKEN`,
      `${url}：${status}：没有这个模型，或者要先在它的页面上同意条款：同意后把你的令牌放进环境变量 HF_TOKEN`,
    )
  if (status === 404)
    return new UserError(
      `${url}: 404: there is no such model, revision or file`,
      `${url}：404：没有这个模型、版本或文件`,
    )
  return new UserError(`${url} answered ${status}`, `${url} 的回答是 ${status}`)
}

/** Seconds, or a date; in ms. */
function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined
  const seconds = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined
}
