/**
 * A run's log, read once and followed: everybody who watches shares the fold and the latest events. Reading goes in pieces and lets others run
 * in between, so that a log of hundreds of megabytes blocks nobody. Lines are trusted to be events when their type and seq are: they were
 * checked when they were written, and a full check of each would take longer than reading it.
 */
import { open } from 'node:fs/promises'
import type { RunEvent } from '../../run/index.ts'
import { sizeOf } from '../../run/lines.ts'
import { emptyFold, fold, type Fold } from './fold.ts'

/** Events kept for those who come back with an event id. */
const RECENT = 4000
const PIECE = 4 << 20 // bytes
const NEWLINE = 10

export interface RunLog {
  readonly fold: Fold
  /** Takes in what was written since; calls at the same time share one reading. */
  refresh(): Promise<void>
  /** The events after `seq`, in order; undefined when they are no longer kept. */
  after(seq: number): RunEvent[] | undefined
}

export function openLog(path: string): RunLog {
  let state = emptyFold()
  let recent: RunEvent[] = []
  let offset = 0
  let reading: Promise<void> | undefined

  async function read(): Promise<void> {
    if (sizeOf(path) < offset) {
      // The folder was made anew under the same name.
      state = emptyFold()
      recent = []
      offset = 0
    }
    for (let size = sizeOf(path); size > offset; size = sizeOf(path)) {
      const { text, next } = await piece(path, offset, Math.min(PIECE, size - offset))
      if (next === offset) return
      offset = next
      for (const line of text.split('\n')) {
        const event = parse(line)
        if (!event) continue
        fold(state, event)
        recent.push(event)
      }
      if (recent.length > 2 * RECENT) recent = recent.slice(-RECENT)
      await new Promise((resume) => setImmediate(resume))
    }
  }

  return {
    get fold() {
      return state
    },
    refresh: () => (reading ??= read().finally(() => (reading = undefined))),
    after(seq) {
      if (seq >= state.lastSeq) return []
      const first = recent[0]
      if (!first || first.seq > seq + 1) return undefined
      return recent.filter((event) => event.seq > seq)
    },
  }
}

/** Whole lines from an offset on, about so many bytes of them; one longer line comes whole. */
async function piece(path: string, offset: number, about: number): Promise<{ text: string; next: number }> {
  const file = await open(path, 'r')
  try {
    for (let size = about; ; size *= 2) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(size), 0, size, offset)
      const end = buffer.subarray(0, bytesRead).lastIndexOf(NEWLINE) + 1
      if (end > 0 || bytesRead < size) return { text: buffer.toString('utf8', 0, end), next: offset + end }
    }
  } finally {
    await file.close()
  }
}

function parse(line: string): RunEvent | undefined {
  if (line === '') return undefined
  try {
    const event = JSON.parse(line) as RunEvent | null
    return typeof event?.type === 'string' && Number.isSafeInteger(event.seq) ? event : undefined
  } catch {
    return undefined
  }
}
