/**
 * A file on a server that is read without a copy of it: as a stream from its beginning, gone on with where a connection was cut, or in
 * ranges. A file that changes while it is read is an error: half of one state and half of another is no file.
 */
import type { RandomAccess } from '../formats/index.ts'
import { UserError } from '../run/index.ts'
import { continues } from './download.ts'
import { insist, Interrupted, type Manner, request, retrier } from './request.ts'

type Answer = Awaited<ReturnType<typeof request>>

/** The bytes of a file in order. Throws a UserError. */
export async function* remoteBytes(url: string, manner: Manner): AsyncGenerator<Uint8Array> {
  const again = retrier(url, manner.patience)
  const same = sameFile(url)
  let at = 0
  for (let from = 0; ; from = at) {
    try {
      const range: Record<string, string> = at > 0 ? { Range: `bytes=${at}-` } : {}
      const answer = await ask(url, manner, range)
      const size = sizeOf(answer)
      same(answer, size)
      if (answer.status === 416) {
        answer.cancel()
        if (size === at) return // it ended exactly where the connection did
        throw new Interrupted(`the server does not go on from byte ${at} (416)`, 0)
      }
      const goesOn = at > 0 && continues(answer, at)
      if (answer.status === 206 && !goesOn) {
        answer.cancel()
        throw new Interrupted(`the server sent another part than the one from byte ${at} on`)
      }
      let seen = goesOn ? at : 0 // a server without ranges begins anew
      for await (const chunk of answer.chunks) {
        seen += chunk.length
        if (seen <= at) continue
        const fresh = chunk.subarray(Math.max(0, chunk.length - (seen - at)))
        at = seen
        yield fresh
      }
      if (size === undefined || at >= size) return
      throw new Interrupted(`the connection was cut after ${at} of ${size} bytes`)
    } catch (error) {
      await again(error, at > from)
    }
  }
}

/** Undefined where the server sends whole files only. Throws a UserError. */
export async function openRanges(url: string, manner: Manner): Promise<RandomAccess | undefined> {
  const same = sameFile(url)
  const byteLength = await insist(
    url,
    async () => {
      const answer = await ask(url, manner, { Range: 'bytes=0-0' })
      answer.cancel()
      const size = sizeOf(answer)
      same(answer, size)
      return answer.status === 206 ? size : undefined
    },
    manner.patience,
  )
  if (byteLength === undefined) return undefined
  return {
    byteLength,
    async slice(start, end = byteLength) {
      const bytes = new Uint8Array(end - start)
      let at = 0
      const attempt = async () => {
        const answer = await ask(url, manner, { Range: `bytes=${start + at}-${end - 1}` })
        same(answer, sizeOf(answer))
        if (!continues(answer, start + at)) {
          answer.cancel()
          throw new Interrupted(`the server did not send bytes ${start + at} to ${end - 1} (${answer.status})`)
        }
        for await (const chunk of answer.chunks) {
          const part = chunk.subarray(0, bytes.length - at)
          bytes.set(part, at)
          at += part.length
        }
        if (at < bytes.length) throw new Interrupted(`the connection was cut after ${at} of ${bytes.length} bytes`)
      }
      if (bytes.length > 0) await insist(url, attempt, manner.patience, () => at)
      return bytes.buffer
    },
  }
}

const ask = (url: string, manner: Manner, headers: Record<string, string>) =>
  request(url, { ...manner, headers: { ...manner.headers, 'Accept-Encoding': 'identity', ...headers } })

/** Of the whole file, where the server says; a body that the server has packed on the way has another length. */
function sizeOf({ status, headers }: Answer): number | undefined {
  const total = /\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1]
  if (total !== undefined) return Number(total)
  const packed = (headers.get('content-encoding') ?? 'identity') !== 'identity'
  const length = headers.get('content-length')
  return status === 200 && !packed && length !== null ? Number(length) : undefined
}

/** Throws where an answer is about another state of the file than the first one. */
function sameFile(url: string): (answer: Answer, size: number | undefined) => void {
  let first: { tag: string | null; size: number | undefined } | undefined
  return ({ headers, cancel }, size) => {
    const tag = headers.get('etag')
    first ??= { tag, size }
    const strong = (tag: string | null) => tag !== null && !tag.startsWith('W/')
    const changed =
      (strong(first.tag) && strong(tag) && first.tag !== tag) ||
      (first.size !== undefined && size !== undefined && first.size !== size)
    if (!changed) return
    cancel()
    throw new UserError(
      `${url}: the file has changed on the server while it was being read; run it again`,
      `${url}：读取过程中服务器上的文件变了，请重新运行`,
    )
  }
}
