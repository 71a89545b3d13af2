/** JSON Lines written to a file that is packed as its name says: `.gz`, `.zst`, or not at all. It appears when it is closed. */
import { once } from 'node:events'
import type { Transform } from 'node:stream'
import { createGzip, createZstdCompress } from 'node:zlib'
import { openAtomic } from './atomic.ts'
import { openJsonl } from './jsonl.ts'

export async function openPackedJsonl(path: string) {
  const packer: Transform | undefined = /\.gz$/i.test(path)
    ? createGzip()
    : /\.zst$/i.test(path)
      ? createZstdCompress()
      : undefined
  if (packer === undefined) return openJsonl(path)
  const file = await openAtomic(path)
  const packed = (async () => {
    for await (const chunk of packer) await file.write(chunk as Uint8Array)
  })()
  packed.catch(() => packer.destroy())
  return {
    async write(value: unknown) {
      if (packer.write(`${JSON.stringify(value)}\n`)) return
      await Promise.race([once(packer, 'drain'), packed])
    },
    async close() {
      packer.end()
      await packed
      await file.close()
    },
    async discard() {
      packer.destroy()
      await packed.catch(() => {})
      await file.discard()
    },
  }
}
