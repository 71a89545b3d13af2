/**
 * A run as server-sent events: first a `fold` (everything so far, thinned), then each event with its seq as id, and a `state` whenever a trainer
 * comes or goes. A page that comes back with the id of the last event it saw gets what it missed and no fold, where that is still kept.
 */
import type { RunLog } from './log.ts'
import { thinned } from './thin.ts'

export interface RunState {
  /** A trainer is at work. */
  running: boolean
  /** What its process said on stderr, when it ended without a word in the log. */
  complaint: string | null
  /** Bytes of the trainer's process; null where it cannot be known. */
  memory: number | null
}

export interface StreamOptions {
  log: RunLog
  /** The id of the last event that was seen. */
  after: number | undefined
  state(): RunState
  signal: AbortSignal
  /** Milliseconds between two looks at the log. */
  pollMs?: number
}

const HEARTBEAT = 15_000 // ms
const encoder = new TextEncoder()
const message = (event: string, data: unknown, id?: number) =>
  encoder.encode(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)

export async function* runStream(options: StreamOptions): AsyncGenerator<Uint8Array, void, void> {
  const { log, signal, state, pollMs = 250 } = options
  await log.refresh()
  let last = options.after
  let shown = ''
  let spoke = Date.now()
  while (!signal.aborted) {
    // A log that ends before what was seen is another run's by the same name.
    const missed = last === undefined || last > log.fold.lastSeq ? undefined : log.after(last)
    const parts: Uint8Array[] = []
    if (missed) parts.push(...missed.map((event) => message('event', event, event.seq)))
    else parts.push(message('fold', thinned(log.fold), Math.max(0, log.fold.lastSeq)))
    last = log.fold.lastSeq
    const now = JSON.stringify(state())
    if (now !== shown) parts.push(message('state', JSON.parse(now)))
    shown = now
    if (parts.length > 0) spoke = Date.now()
    else if (Date.now() - spoke > HEARTBEAT) {
      parts.push(encoder.encode(': still here\n\n'))
      spoke = Date.now()
    }
    if (parts.length > 0) yield Buffer.concat(parts)
    await pause(pollMs, signal)
    await log.refresh()
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resume) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resume()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}
