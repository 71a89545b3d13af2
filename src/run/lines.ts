/**
 * Append-only JSON lines with one or several readers that follow along: what events.jsonl and control.jsonl share.
 *
 * A line counts once its newline is there; a torn last line (a crash, a full disk) is invisible to readers and is cut by the next
 * writer. Reading is synchronous and by byte offset: a poll of a file that has not grown costs one `stat`.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, statSync } from 'node:fs'

const NEWLINE = 10

export interface Lines {
  lines: string[]
  /** Where the next read goes on: the byte after the last complete line. */
  offset: number
}

/** The complete lines from a byte offset on. A file that does not exist has none. */
export function readLines(path: string, offset = 0): Lines {
  const size = sizeOf(path)
  if (size <= offset) return { lines: [], offset }
  const file = openSync(path, 'r')
  try {
    const bytes = readRange(file, offset, size)
    const end = bytes.lastIndexOf(NEWLINE) + 1
    const text = bytes.toString('utf8', 0, end)
    return { lines: text === '' ? [] : text.slice(0, -1).split('\n'), offset: offset + end }
  } finally {
    closeSync(file)
  }
}

/** Opens a file for appending, first cutting off a torn last line. Returns its descriptor and the bytes that were cut. */
export function openForAppend(path: string): { file: number; cut: number } {
  const file = openSync(path, 'a+')
  const { size } = fstatSync(file)
  let end = size
  while (end > 0) {
    const from = Math.max(0, end - (1 << 16))
    const newline = readRange(file, from, end).lastIndexOf(NEWLINE)
    end = newline < 0 ? from : from + newline + 1
    if (newline >= 0) break
  }
  if (end < size) ftruncateSync(file, end)
  return { file, cut: size - end }
}

export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

function readRange(file: number, from: number, to: number): Buffer {
  const bytes = Buffer.allocUnsafe(to - from)
  let filled = 0
  while (filled < bytes.length) {
    const got = readSync(file, bytes, filled, bytes.length - filled, from + filled)
    if (got === 0) break
    filled += got
  }
  return bytes.subarray(0, filled)
}
