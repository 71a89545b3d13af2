/**
 * control.jsonl: what people ask of a running trainer. Any process appends; the trainer polls at step borders.
 *
 * A request is answered by an event (`paused`, `continued`, `stopped`, `sample`). Requests made while no trainer was running are not
 * carried over: a new attempt starts reading where the file ended when it was started.
 */
import { appendFileSync, closeSync, openSync, readSync } from 'node:fs'
import { z } from 'zod'
import { readLines, sizeOf } from './lines.ts'

export const controlRequest = z.discriminatedUnion('type', [
  z.object({ type: z.literal('pause') }),
  z.object({ type: z.literal('resume') }),
  z.object({ type: z.literal('stop') }),
  /** Sample now: this prompt, or the stage's own. */
  z.object({ type: z.literal('sample'), prompt: z.string().optional() }),
])
export type ControlRequest = z.infer<typeof controlRequest>

/** Appends a request. */
export function sendControl(path: string, request: ControlRequest): void {
  const line = `${JSON.stringify(controlRequest.parse(request))}\n`
  // Another client may have died in the middle of a line: do not be swallowed by it.
  appendFileSync(path, endsTorn(path) ? `\n${line}` : line)
}

export interface Control {
  /** The requests since the last call, in order; lines that are none come as they are, for a warning. */
  poll(): { requests: ControlRequest[]; rejected: string[] }
}

/** Follows a control file from `offset` on: its present end, or where it ended when somebody decided to start this trainer. */
export function openControl(path: string, offset = sizeOf(path)): Control {
  return {
    poll() {
      const read = readLines(path, offset)
      offset = read.offset
      const requests: ControlRequest[] = []
      const rejected: string[] = []
      for (const line of read.lines) {
        const request = parse(line)
        if (request) requests.push(request)
        else if (line !== '') rejected.push(line)
      }
      return { requests, rejected }
    },
  }
}

function parse(line: string): ControlRequest | undefined {
  try {
    return controlRequest.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}

function endsTorn(path: string): boolean {
  const size = sizeOf(path)
  if (size === 0) return false
  const file = openSync(path, 'r')
  const last = Buffer.alloc(1)
  readSync(file, last, 0, 1, size - 1)
  closeSync(file)
  return last[0] !== 10
}
