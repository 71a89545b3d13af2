/** The JSON of a request. How slowly it may come is the HTTP server's to say. */
import type { Context } from 'hono'
import { ApiError } from './errors.ts'

export const MOST_BYTES = 1 << 20

/** Throws an ApiError: 415, 413, 400. */
export async function readJson(c: Context): Promise<unknown> {
  // A page of another origin can send plain text without being asked, but not JSON.
  if (!/^application\/json\s*(;|$)/i.test(c.req.header('content-type') ?? ''))
    throw new ApiError(415, 'unsupported_media_type', 'The Content-Type must be application/json.')
  const bytes = await readBytes(c)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new ApiError(400, 'invalid_json', 'The body is not UTF-8.')
  }
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ApiError(400, 'invalid_json', `The body could not be parsed as JSON: ${(error as Error).message}`)
  }
}

async function readBytes(c: Context): Promise<Uint8Array> {
  const tooLarge = () => new ApiError(413, 'request_too_large', `The body has more than ${MOST_BYTES} bytes.`)
  if (Number(c.req.header('content-length') ?? 0) > MOST_BYTES) throw tooLarge()
  const parts: Uint8Array[] = []
  let size = 0
  try {
    for await (const part of c.req.raw.body ?? []) {
      size += part.length
      if (size > MOST_BYTES) throw tooLarge()
      parts.push(part)
    }
  } catch (error) {
    if (error instanceof ApiError) throw error
    throw new ApiError(400, 'incomplete_body', 'The body did not arrive whole.') // nobody may be left to read it
  }
  return Buffer.concat(parts)
}
