/**
 * Copies of files from elsewhere, in the user's cache: `$XDG_CACHE_HOME/xueba` or `~/.cache/xueba`. A copy is there only when it is whole and
 * checked; several processes that want the same one wait for the first. Nothing is ever removed: the folder may be deleted at any time.
 */
import { existsSync } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { codeOf } from '../run/errors.ts'
import { type Lock, lockedBy, takeLock } from '../run/lock.ts'
import { download, type DownloadOptions, type RemoteFile } from './download.ts'

export function cacheFolder(...parts: string[]): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'xueba', ...parts)
}

/** Brings a file into the cache, unless it is there. Throws a UserError. */
export async function keepCopy(file: RemoteFile, path: string, options: DownloadOptions): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  for (;;) {
    if (existsSync(path) && (await stat(path)).size === file.size) return
    const lock = take(`${path}.lock`)
    if (lock === undefined) {
      await options.patience.sleep(1000)
      continue
    }
    try {
      await download(file, path, options)
    } finally {
      lock.release()
    }
  }
}

/** Undefined while somebody else downloads it. */
function take(path: string): Lock | undefined {
  try {
    return takeLock(path)
  } catch (error) {
    // Threads of one process use one draft of the lock: the slower one finds it gone.
    if (lockedBy(path) === undefined && codeOf(error) !== 'ENOENT') throw error
    return undefined
  }
}
