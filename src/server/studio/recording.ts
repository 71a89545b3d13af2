/**
 * A recorded run: one gzip file of at most 2 MB that unpacks into a folder of a run's layout, so that nothing that reads runs has to know of
 * recordings. Text files are kept as they are or thinned (see `scripts/record.ts`); weights are kept in 8 bits a number, a scale for every 32
 * (as GGUF's q8_0), and unpacked to bf16. A recording is unpacked once, into the user's cache, under the hash of its file.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { z } from 'zod'
import { decodeGgml, type SafetensorsTensor, writeSafetensorsFile } from '../../formats/index.ts'
import { sha256, UserError } from '../../run/index.ts'

const EXTENSION = '.jsonl.gz'
/** Of the file; the issue that asks for recordings says so. */
export const MOST_RECORDED = 2_000_000

/** A relative path of plain names. */
const path = z.string().regex(/^(?:[\w][\w.-]*\/)*[\w][\w.-]*$/)

/** One line of the unzipped file. */
export const recordedFile = z.union([
  z.strictObject({ path, text: z.string() }),
  z.strictObject({
    path,
    /** By name: shape, and q8_0 blocks in base64. */
    tensors: z.record(z.string(), z.strictObject({ shape: z.array(z.number().int().positive()), q8: z.base64() })),
  }),
])
export type RecordedFile = z.infer<typeof recordedFile>

/** The names in a folder of recordings. */
export function listRecordings(folder: string): string[] {
  const files = existsSync(folder) ? readdirSync(folder) : []
  return files
    .filter((file) => file.endsWith(EXTENSION))
    .map((file) => file.slice(0, -EXTENSION.length))
    .sort()
}

export const recordingFile = (folder: string, name: string): string => join(folder, `${name}${EXTENSION}`)

/** The files of a recording. Throws a UserError for one that is damaged. */
export function readRecording(file: string): RecordedFile[] {
  try {
    const lines = gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split('\n')
    return lines.map((line) => recordedFile.parse(JSON.parse(line)))
  } catch (error) {
    const why = error instanceof Error ? error.message.slice(0, 300) : String(error)
    throw new UserError(`${file} is no recorded run: ${why}`, `${file} 不是录制的运行：${why}`)
  }
}

const unpacking = new Map<string, Promise<string>>()

/** The run's folder, unpacked if need be. */
export function unpackRecording(folder: string, name: string): Promise<string> {
  const file = recordingFile(folder, name)
  const known = unpacking.get(file)
  if (known) return known
  const fresh = unpack(file, name)
  unpacking.set(file, fresh)
  fresh.catch(() => unpacking.delete(file))
  return fresh
}

async function unpack(file: string, name: string): Promise<string> {
  const hash = sha256(await readFile(file)).slice(0, 16)
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'xueba', 'recordings')
  const target = join(cache, `${name}-${hash}`)
  if (existsSync(target)) return target
  const draft = join(cache, `.${name}-${hash}.${process.pid}.tmp`)
  for (const entry of readRecording(file)) {
    const at = join(draft, entry.path)
    await mkdir(dirname(at), { recursive: true })
    if ('text' in entry) await writeFile(at, entry.text)
    else await writeSafetensorsFile(at, tensorsOf(entry.tensors), { format: 'pt' })
  }
  await rename(draft, target).catch(() => rm(draft, { recursive: true, force: true })) // another process was faster
  return target
}

function tensorsOf(tensors: Record<string, { shape: number[]; q8: string }>): Map<string, SafetensorsTensor> {
  return new Map(
    Object.entries(tensors).map(([name, { shape, q8 }]) => {
      const data = decodeGgml('q8_0', Buffer.from(q8, 'base64'))
      return [name, { dtype: 'BF16', shape, data } as SafetensorsTensor]
    }),
  )
}
