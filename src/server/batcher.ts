/**
 * Continuous batching: one session of the engine runs all requests. Between two tokens, sequences that ended or whose client went
 * away give their slot back, and those that wait take it, first come first served. The session is exact: an answer depends on
 * its prompt, settings and seed, never on its neighbours. A long prompt is computed in pieces between the tokens of the others.
 */
import { breathe } from '../generate/breathe.ts'
import { type GenerateOptions, type Sequence, type Session, type TokenText } from '../generate/index.ts'
import type { JsonConstraint } from '../generate/json/index.ts'
import { type Answer, createAnswer, type Piece } from './answer.ts'
import { ApiError, asApiError } from './errors.ts'
import { createMailbox, type Mailbox } from './mailbox.ts'
import type { Metrics } from './metrics.ts'

/** One sequence of a request. */
export interface Task {
  prompt: readonly number[]
  /** The random stream: with the seed, it decides the draws. */
  stream: number
  options: GenerateOptions
  stop: readonly string[]
  /** How many alternatives to report with each token; null: tokens are not reported. */
  top: number | null
  constraint: JsonConstraint | null
}

/** A request that was accepted. */
export interface Ticket {
  /** What came since the last time, of any of its tasks; an empty list at the end. Throws what went wrong. */
  take(): Promise<(Piece & { task: number })[]>
  /** Tokens drawn so far, stop ids counted. */
  readonly drawn: number
  /** Frees the slots at the next step; `take` throws the error, if any. */
  cancel(error?: Error): void
}

export interface Batcher {
  readonly slots: number
  readonly waiting: number
  readonly running: number
  /** Throws an ApiError (429) when the queue is full. */
  submit(tasks: readonly Task[]): Ticket
  /** Resolves when nothing runs and nothing waits. */
  idle(): Promise<void>
}

interface Entry {
  task: Task
  index: number
  answer: Answer
  mailbox: Mailbox<Piece & { task: number }>
  ticket: { open: number; drawn: number; cancelled: boolean }
  sequence: Sequence | null
  drawn: number
  since: number
}

/** `queue`: sequences that may wait, besides those that slots are free for. */
export function createBatcher(session: Session, tokenizer: TokenText, queue: number, metrics: Metrics): Batcher {
  const slots = session.room
  let waiting: Entry[] = []
  let running: Entry[] = []
  let working: Promise<void> | null = null
  let meanSeconds = 1 // of a sequence in its slot

  function close(entry: Entry, error?: Error): void {
    if (--entry.ticket.open === 0 || error) entry.mailbox.end(error)
  }

  /** Clients that went away give their places back. */
  function sweep(): void {
    waiting = waiting.filter((entry) => !entry.ticket.cancelled)
    running = running.filter((entry) => {
      if (entry.ticket.cancelled) session.drop(entry.sequence!)
      return !entry.ticket.cancelled
    })
  }

  function admit(): void {
    const fresh = waiting.splice(0, session.room)
    running.push(...fresh)
    const sequences = session.add(fresh.map(({ task: { prompt, stream, options } }) => ({ prompt, stream, options })))
    fresh.forEach((entry, i) => {
      entry.sequence = sequences[i]!
      metrics.observe('xueba_queue_seconds', '', (performance.now() - entry.since) / 1000)
      entry.since = performance.now()
    })
  }

  /** Sets the masks; a sequence that nothing may follow has failed. */
  function constrain(): void {
    running = running.filter((entry) => {
      const { constraint, options } = entry.task
      if (!constraint) return true
      const mask = constraint.mask(options.maxTokens - entry.drawn)
      if (mask) session.constrain(entry.sequence!, mask)
      else {
        session.drop(entry.sequence!)
        close(entry, new ApiError(500, 'internal_error', 'The vocabulary has no token that may come next.'))
      }
      return mask !== null
    })
  }

  /** Hands the newest token of a sequence on; true when it goes on. */
  async function deliver(entry: Entry): Promise<boolean> {
    const { task, answer, ticket, mailbox, index } = entry
    const sequence = entry.sequence!
    const logits = task.top === null ? null : await session.logits(sequence)
    entry.drawn++
    ticket.drawn++
    task.constraint?.push(sequence.latest)
    const ended = task.constraint?.ended || (sequence.finish !== null && task.constraint?.complete)
    const piece = answer.push(sequence.latest, ended ? 'stop' : sequence.finish, logits)
    if (piece.text !== '' || piece.tokens.length > 0 || piece.finish) mailbox.put({ ...piece, task: index })
    if (!piece.finish) return true
    session.drop(sequence) // where a stop string or the end of the JSON came before the engine's own end
    meanSeconds += 0.1 * ((performance.now() - entry.since) / 1000 - meanSeconds)
    close(entry)
    return false
  }

  async function step(): Promise<void> {
    sweep()
    admit()
    constrain()
    if (running.length === 0) return
    await session.advance(1)
    // Those whose prompt is still being computed have no token yet.
    const stepped = new Set(running.filter(({ sequence }) => sequence!.row >= 0))
    if (stepped.size > 0) {
      metrics.count('xueba_steps_total')
      metrics.count('xueba_tokens_total', 'kind="generated"', stepped.size)
    }
    const rest: Entry[] = []
    for (const entry of running) if (!stepped.has(entry) || (await deliver(entry))) rest.push(entry)
    running = rest
  }

  async function work(): Promise<void> {
    while (waiting.length + running.length > 0) {
      try {
        await step()
      } catch (error) {
        const failure = asApiError(error)
        for (const entry of running) {
          if (entry.sequence) session.drop(entry.sequence)
          close(entry, failure)
        }
        running = []
        session.forget() // what the slots hold may be damaged
      }
      await breathe()
    }
  }

  function start(): void {
    working ??= work().finally(() => {
      working = null
      if (waiting.length > 0) start()
    })
  }

  async function idle(): Promise<void> {
    if (!working) return
    await working
    await idle() // a request may have come in the meantime
  }

  return {
    slots,
    get waiting() {
      return waiting.length
    },
    get running() {
      return running.length
    },
    submit(tasks) {
      if (waiting.length + tasks.length > queue + session.room) {
        const seconds = Math.min(60, Math.max(1, Math.ceil((meanSeconds * waiting.length) / slots)))
        const headers = { 'Retry-After': String(seconds) }
        throw new ApiError(429, 'rate_limit_exceeded', 'The queue is full: try again later.', { headers })
      }
      const mailbox = createMailbox<Piece & { task: number }>()
      const ticket = { open: tasks.length, drawn: 0, cancelled: false }
      for (const [index, task] of tasks.entries()) {
        const answer = createAnswer(tokenizer, task.stop, task.options.stopIds ?? [], task.top ?? 0)
        waiting.push({ task, index, answer, mailbox, ticket, sequence: null, drawn: 0, since: performance.now() })
      }
      start()
      return {
        take: mailbox.take,
        get drawn() {
          return ticket.drawn
        },
        cancel(error) {
          ticket.cancelled = true
          mailbox.end(error)
        },
      }
    },
    idle,
  }
}
