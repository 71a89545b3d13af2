/**
 * Streams of bytes: where all readers of this folder start.
 *
 * A reader takes an `AsyncIterable<Uint8Array>` and yields values or named defects; it never throws for what a file contains,
 * only for what the disk does. `byteReader` looks ahead without losing its place and knows the offset of the next byte.
 */
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'

/** Something a file contains that it should not. The offset counts bytes of the file from 0, the line counts from 1. */
export interface Defect {
  offset: number
  line?: number
  defect: string
}

export type Bytes = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/** The bytes of a file in chunks of 256 KiB. */
export function fileBytes(path: string): AsyncIterable<Uint8Array> {
  return createReadStream(path, { highWaterMark: 1 << 18 })
}

/** A file that can be read in any order, of which `fileAccess` is one on this disk. */
export interface RandomAccess {
  byteLength: number
  /** Exactly these bytes; `end` is exclusive. */
  slice(start: number, end?: number): Promise<ArrayBuffer>
}

/** To be closed. */
export async function fileAccess(path: string): Promise<RandomAccess & { close(): Promise<void> }> {
  const handle = await open(path, 'r')
  const { size } = await handle.stat()
  return {
    byteLength: size,
    async slice(start, end = size) {
      const bytes = new Uint8Array(end - start)
      for (let at = 0; at < bytes.length;) {
        const { bytesRead } = await handle.read(bytes, at, bytes.length - at, start + at)
        if (bytesRead === 0) throw new Error(`${path} became shorter while it was read`)
        at += bytesRead
      }
      return bytes.buffer
    },
    close: () => handle.close(),
  }
}

export interface ByteReader {
  /** Bytes skipped so far. */
  readonly offset: number
  /** What lies ahead and is in memory; stays valid after `skip`. */
  readonly ahead: Uint8Array
  /** Looks at least n bytes ahead; false when the stream ends before. */
  fill(n: number): Promise<boolean>
  /** n ≤ ahead.length. */
  skip(n: number): void
  close(): Promise<void>
}

export function byteReader(source: Bytes): ByteReader {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]()
  let buffer: Uint8Array = new Uint8Array(0)
  let start = 0
  let end = 0
  let ours = false // whether buffer may be written to
  let offset = 0
  let exhausted = false

  function append(chunk: Uint8Array) {
    const waiting = end - start
    if (waiting === 0) {
      ;[buffer, start, end, ours] = [chunk, 0, chunk.length, false]
      return
    }
    if (!ours || end + chunk.length > buffer.length) {
      const grown = new Uint8Array(2 * waiting + chunk.length)
      grown.set(buffer.subarray(start, end))
      ;[buffer, start, end, ours] = [grown, 0, waiting, true]
    }
    buffer.set(chunk, end)
    end += chunk.length
  }
  return {
    get offset() {
      return offset
    },
    get ahead() {
      return buffer.subarray(start, end)
    },
    async fill(n) {
      while (end - start < n && !exhausted) {
        const next = await iterator.next()
        if (next.done) exhausted = true
        else append(next.value)
      }
      return end - start >= n
    },
    skip(n) {
      if (n > end - start) throw new RangeError(`skip(${n}) with ${end - start} bytes ahead`)
      start += n
      offset += n
    },
    async close() {
      exhausted = true
      await iterator.return?.()
    },
  }
}

/** All items of a stream, for streams known to be short. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}
