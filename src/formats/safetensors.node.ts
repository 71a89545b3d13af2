/** Safetensors files on disk: whole files in memory, of any size that fits, written atomically. */
import { open } from 'node:fs/promises'
import { writeFileAtomic } from './atomic.ts'
import { readSafetensors, writeSafetensors } from './safetensors.ts'
import type { Safetensors, SafetensorsTensor } from './safetensors.ts'

/** Throws an Error that starts with the path. */
export async function readSafetensorsFile(path: string): Promise<Safetensors> {
  const bytes = await readWhole(path)
  try {
    return readSafetensors(bytes)
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error })
  }
}

export async function writeSafetensorsFile(
  path: string,
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeFileAtomic(path, writeSafetensors(tensors, metadata))
}

/** `fs.readFile` stops at 2 GiB; this does not. */
async function readWhole(path: string): Promise<Uint8Array> {
  const handle = await open(path, 'r')
  try {
    const bytes = new Uint8Array((await handle.stat()).size)
    let done = 0
    while (done < bytes.length) {
      const { bytesRead } = await handle.read(bytes, done, Math.min(bytes.length - done, 1 << 30), done)
      if (bytesRead === 0) return bytes.subarray(0, done)
      done += bytesRead
    }
    return bytes
  } finally {
    await handle.close()
  }
}
