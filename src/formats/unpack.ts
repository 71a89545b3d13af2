/**
 * What gzip and zstd share: Node's unpackers as a function from a chunk to what it gives, and the limit for bombs.
 *
 * A stream that unpacks to more than 256 MiB at more than 500 times its packed size is refused: text packs 3 to 10 times, DEFLATE cannot
 * do more than 1032, and only runs of one byte come near it.
 */
import type { Transform } from 'node:stream'

export const bombBytes = 256 << 20
export const bombRatio = 500
export const bombDefect = `unpacks to more than ${bombBytes >> 20} MiB at more than ${bombRatio} times its size: refused as a bomb`

export interface Pushed {
  output: Uint8Array[]
  /** How many bytes of the chunk were taken; fewer than all of them when the packed stream ended inside. */
  used: number
  failure: string | undefined
}

/** `stream` is fresh, from `createInflateRaw` and the like. */
export function unpacker(stream: Transform & { bytesWritten: number }) {
  const state: { output: Uint8Array[]; failure?: string } = { output: [] }
  let settled: (() => void) | undefined
  stream.on('data', (bytes: Uint8Array) => state.output.push(bytes))
  stream.on('error', (error: Error) => {
    state.failure = error.message
    settled?.()
  })
  return {
    async push(chunk: Uint8Array): Promise<Pushed> {
      const before = stream.bytesWritten
      await new Promise<void>((resolve) => {
        settled = resolve
        stream.write(chunk, () => resolve())
      })
      while (stream.readableLength > 0 && state.failure === undefined)
        await new Promise((resolve) => setImmediate(resolve))
      const output = state.output
      state.output = []
      return { output, used: stream.bytesWritten - before, failure: state.failure }
    },
    close: () => void stream.destroy(),
  }
}
