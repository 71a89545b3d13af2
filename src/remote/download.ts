/**
 * One file from a server, whatever happens on the way: written to NAME.part, gone on with where it ended (also by a later run), checked
 * against its size and checksum, and only then renamed.
 */
import { createHash, type Hash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { UserError } from '../run/index.ts'
import { insist, Interrupted, type Manner, request } from './request.ts'

export interface RemoteFile {
  url: string
  path: string
  /** Bytes. */
  size: number
  /** SHA-256 of the content, of large files; SHA-1 of a git blob, of the others. */
  sha256?: string
  blob?: string
}

export interface DownloadOptions extends Manner {
  /** Bytes that are there, as they come. */
  onProgress?(bytes: number): void
}

/** Throws a UserError that names the file. */
export async function download(file: RemoteFile, target: string, options: DownloadOptions): Promise<void> {
  if (existsSync(target)) {
    if (await isWhole(file, target)) return
    await rm(target)
  }
  const part = `${target}.part`
  for (let round = 1; ; round++) {
    await fill(file, part, options)
    if (await isWhole(file, part)) break
    await rm(part)
    if (round === 2)
      throw new UserError(
        `${file.path}: what came is not what the server's checksum says, twice: it was damaged on the way, or there`,
        `${file.path}：下载了两次，内容都和服务器给出的校验和对不上：不是路上坏了，就是那边坏了`,
      )
  }
  await rename(part, target)
}

async function fill(file: RemoteFile, part: string, options: DownloadOptions): Promise<void> {
  const handle = await open(part, existsSync(part) ? 'r+' : 'w+')
  try {
    let at = (await stat(part)).size
    if (at > file.size) await handle.truncate((at = 0))
    const attempt = async () => {
      if (at < file.size) at = await goOn(file, handle, at, options, (now) => (at = now))
    }
    await insist(file.path, attempt, options.patience, () => at)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Asks for what is missing from byte `at` on; returns where the file ends when all has come. `reached` is told what is written. */
async function goOn(
  { url, path, size }: RemoteFile,
  handle: FileHandle,
  at: number,
  { onProgress, ...manner }: DownloadOptions,
  reached: (at: number) => void,
): Promise<number> {
  const range: Record<string, string> = at > 0 ? { Range: `bytes=${at}-` } : {}
  const headers = { ...manner.headers, ...range, 'Accept-Encoding': 'identity' }
  const answer = await request(url, { ...manner, headers })
  if (at > 0 && !continues(answer, at)) {
    await handle.truncate((at = 0)) // a server that does not go on sends all of it, or nothing of use
    reached(0)
    if (answer.status !== 200) {
      answer.cancel()
      throw new Interrupted(`the server does not go on from the middle (${answer.status})`, 0)
    }
  }
  for await (const chunk of answer.chunks) {
    if (at + chunk.length > size)
      throw new UserError(
        `${path}: the server sends more than the ${size} bytes it announced`,
        `${path}：服务器发来的内容超过了它说的 ${size} 字节`,
      )
    await handle.write(chunk, 0, chunk.length, at)
    reached((at += chunk.length))
    onProgress?.(at)
  }
  if (at < size) throw new Interrupted(`the connection was cut after ${at} of ${size} bytes`)
  return at
}

export const continues = ({ status, headers }: { status: number; headers: Headers }, at: number) =>
  status === 206 && (headers.get('content-range') ?? '').startsWith(`bytes ${at}-`)

async function isWhole({ size, sha256, blob }: RemoteFile, path: string): Promise<boolean> {
  if ((await stat(path)).size !== size) return false
  if (sha256 !== undefined) return (await digest(createHash('sha256'), path)) === sha256
  if (blob !== undefined) return (await digest(createHash('sha1').update(`blob ${size}\0`), path)) === blob
  return true
}

async function digest(hash: Hash, path: string): Promise<string> {
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Uint8Array)
  return hash.digest('hex')
}
