/** Standard output for verbs that print much: waits where the reader is slow, and stops in silence where it has gone away (`| head`). */
import { once } from 'node:events'

/** Nobody reads any more: the verb has nothing left to do. */
class Unread extends Error {}

export interface Output {
  line(text: string): Promise<void>
}

/** Runs `print`; returns its exit code, or 0 as soon as nobody reads. */
export async function toOutput(print: (output: Output) => Promise<number>, stream = process.stdout): Promise<number> {
  let gone = false
  let failure: Error | undefined
  const onError = (error: NodeJS.ErrnoException) => {
    gone = true
    if (error.code !== 'EPIPE') failure = error
  }
  stream.on('error', onError)
  const line = async (text: string) => {
    if (gone) throw failure ?? new Unread()
    if (stream.write(`${text}\n`)) return
    await Promise.race([once(stream, 'drain'), once(stream, 'close')]).catch(() => {})
  }
  try {
    return await print({ line })
  } catch (error) {
    if (error instanceof Unread) return 0
    throw error
  }
}
