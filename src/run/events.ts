/**
 * events.jsonl: the one log of a run, of which the terminal, the studio and the report are views. One writer (the trainer), any number
 * of readers, also while it is being written.
 *
 * Attempts: a resumed run appends `resumed {fromSeq}`, where fromSeq was kept in the checkpoint; what earlier attempts wrote after that
 * did not happen, and readers drop it (`dropSuperseded`). Nothing is ever rewritten, except a torn last line, which the next writer cuts.
 */
import { closeSync, fstatSync, fsyncSync, ftruncateSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { explainFull } from './errors.ts'
import { event, toLine, type EventBody, type RunEvent } from './event.ts'
import { openForAppend, readLines } from './lines.ts'

export interface EventWriter {
  /** 1 for a new log, one more than the last attempt otherwise. */
  readonly attempt: number
  /** Of the last event; -1 before the first. Kept in checkpoints. */
  readonly seq: number
  /** The folder name of the running stage, put on every event from now on; `undefined` between stages. */
  stage: string | undefined
  /** Appends one line. Throws when the disk is full, with the log as it was before. */
  emit(body: EventBody): RunEvent
  close(): void
}

/** After these the line is on the disk before `emit` returns. */
const DURABLE = new Set<EventBody['type']>([
  'started',
  'stage-done',
  'checkpoint',
  'resumed',
  'stopped',
  'failed',
  'done',
])

/** Opens the log for its one writer (hold the run's lock) as a new attempt. */
export function openEvents(path: string): EventWriter {
  const last = readEvents(path).events.at(-1)
  const { file } = openForAppend(path)
  const attempt = (last?.attempt ?? 0) + 1
  let seq = last?.seq ?? -1
  let stage: string | undefined

  return {
    attempt,
    get seq() {
      return seq
    },
    get stage() {
      return stage
    },
    set stage(name) {
      stage = name
    },
    emit(body) {
      const complete = event.parse({
        ...finite(body),
        seq: seq + 1,
        attempt,
        time: Date.now(),
        ...(stage ? { stage } : {}),
      })
      const { size } = fstatSync(file)
      try {
        const bytes = Buffer.from(toLine(complete))
        for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done)
        if (DURABLE.has(body.type)) fsyncSync(file)
      } catch (error) {
        ftruncateSync(file, size)
        throw explainFull(error, path, path)
      }
      seq++
      return complete
    },
    close() {
      fsyncSync(file)
      closeSync(file)
    },
  }
}

/** NaN and infinities become null, as they would in JSON. */
function finite<T>(value: T): T {
  if (typeof value === 'number' && !Number.isFinite(value)) return null as T
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map(finite) as T
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, finite(part as unknown)])) as T
}

export interface EventLog {
  /** Every event in the file, superseded ones included. */
  events: RunEvent[]
  /** Lines that are no event of this version: damaged, or written by a newer xueba. */
  unknown: number
}

/** Reads the whole log; a file that does not exist is an empty one. */
export function readEvents(path: string): EventLog {
  const { lines } = readLines(path)
  const events = lines.map(parseEvent).filter((found) => found !== undefined)
  return { events, unknown: lines.length - events.length }
}

/** The events that happened, in order: each `resumed` removes what earlier attempts wrote after its `fromSeq`. */
export function dropSuperseded(events: readonly RunEvent[]): RunEvent[] {
  // Backwards: an event stands unless a later attempt went on from before it.
  const kept: RunEvent[] = []
  const resumes: { attempt: number; fromSeq: number }[] = []
  for (const found of events.toReversed()) {
    if (!resumes.some(({ attempt, fromSeq }) => found.attempt < attempt && found.seq > fromSeq)) kept.push(found)
    if (found.type === 'resumed') resumes.push({ attempt: found.attempt, fromSeq: found.fromSeq })
  }
  return kept.toReversed()
}

/** Where a stage that starts over goes back to: the `fromSeq` that drops whatever it, and what followed it, wrote before. */
export function seqBeforeStage(events: readonly RunEvent[], stage: string): number {
  const current = dropSuperseded(events)
  const first = current.findIndex((found) => found.stage === stage)
  return (first < 0 ? current.at(-1) : current[first - 1])?.seq ?? -1
}

/**
 * The events of a log as they come, from a byte offset on, until the signal aborts. Waits for a file that is not there yet. Superseded
 * events are not dropped, as they may be out already: on `resumed`, apply `dropSuperseded` to what was collected.
 */
export async function* followEvents(path: string, signal?: AbortSignal, pollMs = 100): AsyncGenerator<RunEvent> {
  for (let offset = 0; ;) {
    if (signal?.aborted) return
    const read = readLines(path, offset)
    offset = read.offset
    for (const line of read.lines) {
      const found = parseEvent(line)
      if (found) yield found
      if (signal?.aborted) return
    }
    if (read.lines.length === 0) await sleep(pollMs, undefined, { signal }).catch(() => {})
  }
}

function parseEvent(line: string): RunEvent | undefined {
  try {
    return event.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}
