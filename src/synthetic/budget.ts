/**
 * How fast and how much may be asked: requests a minute, and requests and tokens in all. What is under way is reserved, so that many requests
 * at once do not overspend together.
 */

export interface Clock {
  /** ms since 1970. */
  now(): number
  sleep(ms: number): Promise<void>
}

export const clock: Clock = {
  now: () => Date.now(),
  sleep: (ms) => new Promise((done) => setTimeout(done, ms)),
}

export interface Spent {
  requests: number
  tokens: number
}

/** The next request would go over a limit: a planned end, no failure. */
export class OverBudget extends Error {
  readonly limit: 'requests' | 'tokens'

  constructor(limit: 'requests' | 'tokens') {
    super(`over the limit of ${limit}`)
    this.limit = limit
  }
}

export interface Budget {
  /** Takes a request and its tokens off what is left. Throws OverBudget. */
  reserve(tokens: number): { settle(tokens: number): void; cancel(): void }
  spent: Readonly<Spent>
}

/** `before` was spent by earlier attempts. */
export function openBudget({ requests = Infinity, tokens = Infinity }: Partial<Spent>, before: Spent): Budget {
  const spent = { ...before }
  const reserved = { requests: 0, tokens: 0 }
  return {
    spent,
    reserve(expected) {
      if (spent.requests + reserved.requests + 1 > requests) throw new OverBudget('requests')
      if (spent.tokens + reserved.tokens + expected > tokens) throw new OverBudget('tokens')
      reserved.requests++
      reserved.tokens += expected
      const back = () => {
        reserved.requests--
        reserved.tokens -= expected
      }
      return {
        settle(used) {
          back()
          spent.requests++
          spent.tokens += used
        },
        cancel: back,
      }
    },
  }
}

export interface Pace {
  /** Resolves when the next request may go. */
  turn(): Promise<void>
  /** Nobody asks before this time (a server said so). */
  pauseUntil(time: number): void
}

/** Requests evenly apart, `perMinute` of them. */
export function openPace(perMinute: number, { now, sleep }: Clock): Pace {
  let next = 0
  return {
    async turn() {
      const at = Math.max(now(), next)
      next = at + 60_000 / perMinute
      if (at > now()) await sleep(at - now())
    },
    pauseUntil(time) {
      next = Math.max(next, time)
    },
  }
}

/** Tokens of a text, roughly: one for a Han character, one for four others. Where a server does not say, and before it has. */
export function guessTokens(text: string): number {
  const han = text.match(/[\u3400-\u9fff]/g)?.length ?? 0
  return Math.ceil(han + (text.length - han) / 4)
}
