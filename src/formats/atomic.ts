/**
 * Files that exist whole or not at all: written under a temporary name beside the target, flushed to the disk, renamed.
 *
 * A crash leaves at most a `.NAME.PID.tmp` that nobody reads. `openAtomic` is for streams of text or bytes of any length;
 * `close` publishes the file, `discard` removes it. Rename is atomic only inside one file system, hence the same folder.
 */
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

export interface AtomicFile {
  /** Text is written as UTF-8. */
  write(data: string | Uint8Array): Promise<void>
  /** Flushes, renames; afterwards the file is there. */
  close(): Promise<void>
  /** Removes what was written; the target stays as it was. */
  discard(): Promise<void>
}

const bufferBytes = 1 << 18
let counter = 0

export async function openAtomic(path: string): Promise<AtomicFile> {
  const folder = dirname(path)
  await mkdir(folder, { recursive: true })
  const temporary = join(folder, `.${basename(path)}.${process.pid}.${counter++}.tmp`)
  const handle = await open(temporary, 'w')
  let waiting: Uint8Array[] = []
  let waitingBytes = 0
  let unpublished = true

  async function flush() {
    const chunks = waiting
    waiting = []
    waitingBytes = 0
    for (const chunk of chunks) {
      for (let done = 0; done < chunk.length;) {
        done += (await handle.write(chunk, done, Math.min(chunk.length - done, 1 << 30))).bytesWritten
      }
    }
  }
  async function discard() {
    if (!unpublished) return
    unpublished = false
    await handle.close().catch(() => {})
    await rm(temporary, { force: true })
  }
  return {
    async write(data) {
      const bytes = typeof data === 'string' ? Buffer.from(data) : data
      waiting.push(bytes)
      waitingBytes += bytes.length
      if (waitingBytes >= bufferBytes) await flush()
    },
    async close() {
      try {
        await flush()
        await handle.sync()
        await handle.close()
        await rename(temporary, path)
        unpublished = false
      } catch (error) {
        await discard()
        throw error
      }
      await syncFolder(folder)
    },
    discard,
  }
}

export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  const file = await openAtomic(path)
  try {
    await file.write(data)
  } catch (error) {
    await file.discard()
    throw error
  }
  await file.close()
}

/** Makes the rename itself durable; not every file system can, and then there is nothing to do about it. */
export async function syncFolder(folder: string) {
  try {
    const handle = await open(folder, 'r')
    await handle.sync().finally(() => handle.close())
  } catch {}
}
