/**
 * Sources to a corpus: `documents.jsonl`, `heldout.jsonl` and `rejected.jsonl`, and the funnel that says where the rest went.
 *
 * Sources are read in order, one document at a time; duplicates are dropped before the split, so that no copy of a held-out document is
 * trained on. The split goes by a hash of the text: it does not change when documents are added. Files appear when all is done.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { openJsonl } from '../formats/index.ts'
import { UserError } from '../run/errors.ts'
import { cleanDocument, steps } from './clean.ts'
import type { CorpusConfig, SourceConfig } from './config.ts'
import { deduplicator, textHash } from './dedup.ts'
import { isRejection } from './document.ts'
import type { Document, RawDocument, Rejection } from './document.ts'
import { loadLists } from './lists.ts'
import type { PiiKind } from './pii.ts'
import { listSource, readDocuments } from './readers.ts'
import type { SourceFile } from './readers.ts'

export interface BuildOptions {
  seed: number
  /** The first defect of a source is an error. */
  strict?: boolean
  /** Called now and then with where the build is. */
  /** Called now and then; waited for, and what it throws ends the work. */
  progress?: (progress: CorpusProgress) => void | Promise<void>
}

export interface CorpusProgress {
  source: string
  /** Files done, of all files. */
  file: number
  files: number
  read: number
  kept: number
}

/** Documents, and bytes of UTF-8, that are left after a step. */
export interface FunnelStep {
  step: string
  documents: number
  bytes: number
}

export interface CorpusReport {
  documents: number
  bytes: number
  heldOut: number
  heldOutBytes: number
  rejected: number
  /** In order; the first is what was read. */
  funnel: FunnelStep[]
  /** How many documents each rule refused, most first. */
  rules: Record<string, number>
  languages: Record<string, number>
  masked: Record<PiiKind, number>
}

const funnelSteps = [...steps, 'exact-duplicate', 'near-duplicate'] as const

/** Writes the three files into a folder. Throws a UserError when nothing is left, or, if strict, at the first defect. */
export async function buildCorpus(config: CorpusConfig, folder: string, options: BuildOptions): Promise<CorpusReport> {
  const sources = await openSources(config)
  const lists = await loadLists(config)
  const dedup = deduplicator(config.dedup)
  const writer = await openWriter(folder, config.heldOut, options.seed)
  const funnel = new Map<string, FunnelStep>(funnelSteps.map((step) => [step, { step, documents: 0, bytes: 0 }]))
  const tally = (step: string, bytes: number) => {
    const entry = funnel.get(step)!
    entry.documents++
    entry.bytes += bytes
  }
  const rules: Record<string, number> = {}
  const languages: Record<string, number> = {}
  const masked: Record<PiiKind, number> = { email: 0, ip: 0, phone: 0, identity: 0, card: 0 }
  const files = sources.reduce((sum, { files }) => sum + files.length, 0)
  let file = 0
  let rejected = 0

  async function reject(rejection: Rejection) {
    if (options.strict === true && (rejection.rule === 'defect' || rejection.rule === 'unknown-file'))
      throw strictError(rejection)
    rules[rejection.rule] = (rules[rejection.rule] ?? 0) + 1
    rejected++
    await writer.reject(rejection)
  }
  async function take(raw: RawDocument, web: boolean) {
    const cleaned = cleanDocument(raw, config, web, lists, tally)
    if (isRejection(cleaned)) return reject(cleaned)
    const { document } = cleaned
    const bytes = Buffer.byteLength(document.text)
    const duplicate = dedup.check(document.id, document.text, web && config.dedup.near)
    if (duplicate?.rule !== 'exact-duplicate') tally('exact-duplicate', bytes)
    if (duplicate !== null) return reject(duplicateRejection(raw, document, duplicate))
    tally('near-duplicate', bytes)
    const language = document.language ?? 'und'
    languages[language] = (languages[language] ?? 0) + 1
    for (const [kind, count] of Object.entries(cleaned.masked ?? {})) masked[kind as PiiKind] += count
    await writer.keep(document)
  }

  try {
    for (const { source, items } of sources) {
      let left = source.limit ?? Infinity
      for (const item of items) {
        if ('rule' in item) {
          await reject(item)
          continue
        }
        const web = (source.filters ?? (item.kind === 'archive' || item.kind === 'page' ? 'web' : 'none')) === 'web'
        const report = async () => {
          const read = funnel.get('read')!.documents
          await options.progress?.({
            source: item.name,
            file,
            files,
            read,
            kept: funnel.get('near-duplicate')!.documents,
          })
        }
        if (left > 0) {
          for await (const raw of readDocuments(item, source.field)) {
            if (isRejection(raw)) await reject(raw)
            else {
              await take(raw, web)
              if (funnel.get('read')!.documents % 100 === 0) await report()
              if (--left <= 0) break
            }
          }
        }
        file++
        await report()
      }
    }
    const written = await writer.close((count) => {
      if (count === 0) throw emptyError(config, rules)
    })
    const ranked = Object.fromEntries(Object.entries(rules).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)))
    return { ...written, rejected, funnel: [...funnel.values()], rules: ranked, languages, masked }
  } catch (error) {
    await writer.discard()
    throw error
  }
}

/** The report as numbers by name, as a stage's metrics are. */
export function corpusMetrics(report: CorpusReport): Record<string, number> {
  const metrics: Record<string, number> = {
    documents: report.documents,
    bytes: report.bytes,
    heldOut: report.heldOut,
    heldOutBytes: report.heldOutBytes,
    rejected: report.rejected,
  }
  for (const { step, documents, bytes } of report.funnel) {
    metrics[`funnel.${step}.documents`] = documents
    metrics[`funnel.${step}.bytes`] = bytes
  }
  for (const [rule, count] of Object.entries(report.rules)) metrics[`rejected.${rule}`] = count
  for (const [language, count] of Object.entries(report.languages)) metrics[`language.${language}`] = count
  for (const [kind, count] of Object.entries(report.masked)) metrics[`masked.${kind}`] = count
  return metrics
}

async function openSources(
  config: CorpusConfig,
): Promise<{ source: SourceConfig; items: (SourceFile | Rejection)[]; files: SourceFile[] }[]> {
  const opened = []
  for (const source of config.sources) {
    const items = await listSource(source)
    opened.push({ source, items, files: items.filter((item): item is SourceFile => 'kind' in item) })
  }
  return opened
}

/**
 * The three files. On each side of the split the document nearest to the border waits until the end: if the other side would stay
 * empty, it goes there, so that a corpus of two documents can be trained on and evaluated.
 */
async function openWriter(folder: string, share: number, seed: number) {
  const documents = await openJsonl(join(folder, 'documents.jsonl'))
  const heldOut = await openJsonl(join(folder, 'heldout.jsonl'))
  const rejected = await openJsonl(join(folder, 'rejected.jsonl'))
  const all = [documents, heldOut, rejected]
  const counts = { documents: 0, bytes: 0, heldOut: 0, heldOutBytes: 0 }
  const waiting: { trained?: Placed; heldOut?: Placed } = {}

  async function write(document: Document, side: 'trained' | 'heldOut') {
    counts[side === 'heldOut' ? 'heldOut' : 'documents']++
    counts[side === 'heldOut' ? 'heldOutBytes' : 'bytes'] += Buffer.byteLength(document.text)
    await (side === 'heldOut' ? heldOut : documents).write(document)
  }
  return {
    async keep(document: Document) {
      const placed = { document, place: placeOf(document.text, seed) }
      const side = placed.place < share ? 'heldOut' : 'trained'
      const other = waiting[side]
      const nearer = other === undefined || Math.abs(placed.place - share) < Math.abs(other.place - share)
      if (nearer) waiting[side] = placed
      const settled = nearer ? other : placed
      if (settled !== undefined) await write(settled.document, side)
    },
    reject: (rejection: Rejection) => rejected.write(rejection),
    async close(check: (count: number) => void) {
      const alone = share > 0 && waiting.heldOut === undefined && counts.documents > 0
      if (waiting.trained !== undefined) await write(waiting.trained.document, alone ? 'heldOut' : 'trained')
      if (waiting.heldOut !== undefined)
        await write(waiting.heldOut.document, counts.documents === 0 ? 'trained' : 'heldOut')
      check(counts.documents)
      for (const file of all) await file.close()
      return counts
    },
    async discard() {
      for (const file of all) await file.discard()
    },
  }
}

interface Placed {
  document: Document
  place: number
}

/** A number in [0, 1) from the text and the seed. */
function placeOf(text: string, seed: number): number {
  const hash = createHash('sha256')
    .update(`${seed} ${textHash(text)}`)
    .digest()
  return hash.readUIntBE(0, 6) / 2 ** 48
}

function duplicateRejection(
  raw: RawDocument,
  document: Document,
  duplicate: { rule: string; detail: string },
): Rejection {
  const { id, source, line, offset, url } = raw
  const place = {
    ...(line === undefined ? {} : { line }),
    ...(offset === undefined ? {} : { offset }),
    ...(url === undefined ? {} : { url }),
  }
  return {
    id,
    source,
    ...place,
    rule: duplicate.rule,
    detail: duplicate.detail,
    text: document.text.slice(0, 200).toWellFormed(),
  }
}

function strictError({ source, line, offset, detail }: Rejection): UserError {
  const place =
    line !== undefined ? `${source}, line ${line}` : offset !== undefined ? `${source}, byte ${offset}` : source
  const placeZh =
    line !== undefined ? `${source} 第 ${line} 行` : offset !== undefined ? `${source} 第 ${offset} 字节` : source
  return new UserError(
    `${place}: ${detail} (strict: defects are not skipped)`,
    `${placeZh}：${detail}（严格模式下不跳过有缺陷的数据）`,
  )
}

function emptyError(config: CorpusConfig, rules: Record<string, number>): UserError {
  const paths = config.sources.map(({ path }) => path).join(', ')
  const top = Object.entries(rules)
    .sort((a, b) => b[1] - a[1])
    .slice(0, 3)
  const why =
    top.length === 0
      ? 'they hold no documents'
      : `rejected: ${top.map(([rule, count]) => `${count} by ${rule}`).join(', ')}`
  const whyZh =
    top.length === 0 ? '里面没有文档' : `被拒绝的文档：${top.map(([rule, count]) => `${rule} ${count} 篇`).join('，')}`
  return new UserError(
    `the corpus is empty: nothing of ${paths} was kept; ${why}`,
    `语料是空的：${paths} 里没有一篇留下；${whyZh}`,
  )
}
