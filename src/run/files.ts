/**
 * Files and folders of a run: hashes, JSON, and folders that appear whole. Single files are written by `formats/atomic.ts`.
 *
 * A folder is filled under a hidden name, flushed, and renamed into place; what a crash leaves behind begins with a dot and is swept up
 * by the next writer. Names that begin with a dot are therefore never part of a stage or a checkpoint.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncFolder, writeFileAtomic } from '../formats/atomic.ts'
import { codeOf, UserError } from './errors.ts'

export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`)
}

/** The parsed file, or `undefined` when there is none. A file that is not JSON is an error that names it. */
export async function readJson(path: string): Promise<unknown> {
  let text
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    const why = (error as Error).message
    throw new UserError(`${path} is not JSON: ${why}`, `${path} 不是合法的 JSON：${why}`, { cause: error })
  }
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

/** The hash of a file of any size, read in pieces. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Uint8Array)
  return hash.digest('hex')
}

/** The hash of a JSON value, whatever the order of its keys. */
export function sha256OfJson(value: unknown): string {
  return sha256(canonical(value))
}

/** JSON with sorted keys, so that equal values are equal strings; keys that are `undefined` do not exist. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : part,
  )
}

/** The files below a folder as sorted relative paths with `/`, without hidden ones and without the folders in `skip`. */
export async function filesBelow(folder: string, skip: readonly string[] = []): Promise<string[]> {
  const found: string[] = []
  const visit = async (at: string) => {
    for (const entry of await readdir(join(folder, at), { withFileTypes: true })) {
      const path = at ? `${at}/${entry.name}` : entry.name
      if (entry.name.startsWith('.') || skip.includes(path)) continue
      if (entry.isDirectory()) await visit(path)
      else if (entry.isFile()) found.push(path)
    }
  }
  await visit('')
  return found.sort()
}

/** Renames a filled folder into place once everything in it is on the disk. A folder already there is replaced. */
export async function publishFolder(filled: string, target: string): Promise<void> {
  for (const file of await filesBelow(filled)) {
    const handle = await open(join(filled, file), 'r+')
    await handle.sync().finally(() => handle.close())
  }
  await syncFolder(filled)
  await removeFolder(target)
  await rename(filled, target)
  await syncFolder(dirname(target))
}

/** Removes a folder so that no moment shows half of it under its name. */
export async function removeFolder(folder: string): Promise<void> {
  const doomed = join(dirname(folder), `.removed.${process.pid}.${doomedCount++}.tmp`)
  try {
    await rename(folder, doomed)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw error
  }
  await rm(doomed, { recursive: true, force: true })
}
let doomedCount = 0

/** Removes what earlier crashes left behind (`.NAME.tmp`). Only the one writer of the folder may call it. */
export async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (name.startsWith('.') && name.endsWith('.tmp')) await rm(join(folder, name), { recursive: true, force: true })
  }
}
