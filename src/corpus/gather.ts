/**
 * From files to parts: one thread reads, all of them clean, and what comes back is written in the order of reading. Parts that are there
 * already are not made again, so that a build that was killed goes on where it was; of a file that is half done, the beginning is
 * read again but not cleaned.
 */
import { mkdir } from 'node:fs/promises'
import { UserError } from '../run/errors.ts'
import { cleanBatch } from './clean-batch.ts'
import type { Batch, CleanedBatch } from './clean-batch.ts'
import type { CorpusConfig } from './config.ts'
import { loadLists } from './lists.ts'
import { isRejection } from './document.ts'
import type { RawDocument, Rejection } from './document.ts'
import { openPart, partName } from './parts.ts'
import { partsOf } from './plan.ts'
import type { Plan, PlannedFile, Rank } from './plan.ts'
import { beside, defaultWorkers, inOrder, openPool } from './pool.ts'
import { readDocuments } from './readers.ts'

export interface GatherOptions extends Partial<Rank> {
  /** Threads that clean. Default: as many as the engine may use, or the machine has, where there is enough to do. */
  workers?: number
  strict?: boolean
  progress?: (progress: GatherProgress) => void | Promise<void>
}

export interface GatherProgress {
  source: string
  /** Files done, of all files of this rank. */
  file: number
  files: number
  /** Documents read and kept, parts of earlier attempts included. */
  read: number
  kept: number
  /** Documents, and bytes of them, read by this attempt. */
  now: { documents: number; bytes: number }
  /** About how much of all is done, 0 to 1, by the sizes of the files. */
  share: number
}

/** Items, and bytes of raw text, of a batch and of a part. */
const BATCH = { items: 256, bytes: 2 << 20 }
const PART = { items: 20_000, bytes: 32 << 20 }
/** Less than this is done before the threads have started. */
const WORTH_THREADS = 1 << 20

export async function gatherParts(plan: Plan, folder: string, options: GatherOptions): Promise<void> {
  const { rank = 0, of = 1, progress } = options
  const { config } = plan
  const groups = plan.groups.filter((_, i) => i % of === rank)
  const files = groups.flat()
  const total = files.reduce((sum, { file }) => sum + file.bytes, 0)
  const state = { file: 0, files: files.length, read: 0, kept: 0, now: { documents: 0, bytes: 0 }, bytes: 0 }
  await mkdir(folder, { recursive: true })
  const workers = options.workers ?? (total < WORTH_THREADS ? 1 : defaultWorkers())
  const cleaner = await openCleaner(config, workers)
  try {
    for (const group of groups) {
      let left = config.sources[group[0]?.source ?? 0]?.limit ?? Infinity
      for (const planned of group) {
        const before = state.bytes
        left -= await gatherFile(planned, left)
        state.bytes = before + planned.file.bytes
        state.file++
        await report(planned, 0)
      }
    }
  } finally {
    await cleaner.close()
  }

  async function report({ file }: PlannedFile, inFile: number) {
    const { bytes, now, ...counts } = state
    const share = total === 0 ? 1 : Math.min(1, (bytes + Math.min(inFile, file.bytes)) / total)
    await progress?.({ ...counts, now: { ...now }, source: file.name, share })
  }

  /** Makes what is missing of a file; returns how many documents it has, `left` at most. */
  async function gatherFile(planned: PlannedFile, left: number): Promise<number> {
    const done = await partsOf(folder, planned)
    let read = done.reduce((sum, part) => sum + part.read, 0)
    state.read += read
    state.kept += done.reduce((sum, part) => sum + part.documents, 0)
    if (done.at(-1)?.last) return read
    let skip = done.reduce((sum, part) => sum + part.items, 0)
    let raw = 0

    const file = planned // for the closure
    async function* batches(): AsyncGenerator<Batch & { bytes: number; inFile: number; ends: boolean }> {
      let [items, bytes, room] = [[] as Batch['items'], 0, left - read]
      let part = { items: 0, bytes: 0 }
      const batch = (ends: boolean) => {
        part = ends ? { items: 0, bytes: 0 } : { items: part.items + items.length, bytes: part.bytes + bytes }
        const mixture = plan.weighted ? { mixture: file.source } : {}
        const made = { items, web: file.web, ...mixture, bytes, inFile: raw, ends }
        ;[items, bytes] = [[], 0]
        return made
      }
      if (room > 0) {
        for await (const item of readDocuments(file.file, config.sources[file.source]!.field)) {
          const size = sizeOf(item)
          raw = positionOf(item, raw + size, file)
          if (skip > 0) {
            skip--
            continue
          }
          if (options.strict === true) refuseDefect(item)
          items.push(item)
          bytes += size
          if (!isRejection(item) && --room <= 0) break
          const ends = part.items + items.length >= PART.items || part.bytes + bytes >= PART.bytes
          if (ends || items.length >= BATCH.items || bytes >= BATCH.bytes) yield batch(ends)
        }
      }
      if (items.length > 0) yield batch(false)
    }

    let number = done.length
    let writer: Awaited<ReturnType<typeof openPart>> | undefined
    const open = () => openPart(folder, partName(planned.number, number++), planned.key, config.dedup.bands)
    try {
      const work = async (batch: Batch & { bytes: number; inFile: number; ends: boolean }) => {
        const { items, bytes, inFile, ends, ...rest } = batch
        return { cleaned: await cleaner.run({ items, ...rest }), bytes, inFile, ends }
      }
      for await (const { cleaned, bytes, inFile, ends } of inOrder(batches(), work, 2 * cleaner.workers)) {
        writer ??= await open()
        await writer.add(cleaned)
        read += cleaned.read
        state.read += cleaned.read
        state.kept += cleaned.languages.length
        state.now.documents += cleaned.read
        state.now.bytes += bytes
        if (ends) {
          const full = writer
          writer = undefined
          await full.close(false)
        }
        await report(planned, inFile)
      }
      writer ??= await open() // an empty part ends a file that ended with a full one
      await writer.close(true)
    } catch (error) {
      await writer?.discard()
      throw error
    }
    return read
  }
}

interface Cleaner {
  workers: number
  run(batch: Batch): Promise<CleanedBatch>
  close(): Promise<void>
}

/** In this thread, or in as many as asked for. */
async function openCleaner(config: CorpusConfig, workers: number): Promise<Cleaner> {
  if (workers <= 1) {
    const lists = await loadLists(config)
    return { workers: 0, run: async (batch) => cleanBatch(batch, config, lists), close: async () => {} }
  }
  const pool = openPool<Batch, CleanedBatch>(beside(import.meta.filename, 'clean-worker'), workers, config)
  return { workers, ...pool }
}

const sizeOf = (item: RawDocument | Rejection): number =>
  isRejection(item) ? 0 : Buffer.byteLength(item.html ?? item.text ?? '')

/** Where in its file a document ends, in bytes: archives say so themselves, of packed text a third is a guess. */
function positionOf({ offset }: RawDocument | Rejection, text: number, { file }: PlannedFile): number {
  if (file.kind === 'archive') return offset ?? 0
  return /\.(gz|zst|parquet)$/.test(file.name) ? text / 3 : text
}

function refuseDefect(item: RawDocument | Rejection): void {
  if (isRejection(item) && (item.rule === 'defect' || item.rule === 'unknown-file')) throw strictError(item)
}

export function strictError({ source, line, offset, detail }: Rejection): UserError {
  const place =
    line !== undefined ? `${source}, line ${line}` : offset !== undefined ? `${source}, byte ${offset}` : source
  const placeZh =
    line !== undefined ? `${source} 第 ${line} 行` : offset !== undefined ? `${source} 第 ${offset} 字节` : source
  return new UserError(
    `${place}: ${detail} (strict: defects are not skipped)`,
    `${placeZh}：${detail}（严格模式下不跳过有缺陷的数据）`,
  )
}
