/**
 * From parts to a corpus: duplicates are found among the signatures of all documents, then the parts are gone through once, in the order of
 * reading, and each line goes where it belongs. Documents are dropped before the split, so that no copy of a held-out one is trained on.
 * The files appear when all is done; nothing here depends on who made which part.
 */
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openJsonl } from '../formats/index.ts'
import { UserError } from '../run/errors.ts'
import { writeJson } from '../run/files.ts'
import { EXACT, findClusters, KEPT } from './clusters.ts'
import type { Clusters, Signatures } from './clusters.ts'
import type { Document, Rejection } from './document.ts'
import { counter, FUNNEL_FILE, funnelSteps } from './funnel.ts'
import type { CorpusReport } from './funnel.ts'
import { findRepeatedLines, withoutLines } from './line-dedup.ts'
import type { RepeatedLines } from './line-dedup.ts'
import { makePair, PAIRS_FILE } from './pairs.ts'
import { readBytes, readColumn, readWords } from './parts.ts'
import type { ColumnName, Part } from './parts.ts'
import { allPartsOf } from './plan.ts'
import type { Plan } from './plan.ts'
import { openSplit } from './split.ts'
import { keepLowest, lot, TRACE_INDEX } from './traces.ts'
import { sourceName } from './sources.ts'

export interface MergeOptions {
  seed: number
  /** Parts gone through, of all. */
  progress?: (done: number, all: number) => void | Promise<void>
}

/** Near-duplicate pairs, and largest clusters, that are kept to be looked at. */
const SHOWN = 50

/** Throws a UserError when some part is missing, or nothing is left. */
export async function mergeParts(
  plan: Plan,
  folder: string,
  partsFolder: string,
  { seed, progress }: MergeOptions,
): Promise<CorpusReport> {
  const { config } = plan
  const placed = new Map<Part, number>() // part → its first document
  let documents = 0
  const partsByFile: Part[][] = []
  for (const file of plan.files) {
    const parts = await allPartsOf(partsFolder, file)
    partsByFile.push(parts)
    for (const part of parts) {
      placed.set(part, documents)
      documents += part.documents
    }
  }
  const parts = [...placed.keys()]
  const signatures = signaturesOf(partsFolder, parts, documents, config.dedup.bands)
  const clusters = await findClusters(signatures, config.dedup)
  const repeated = config.dedup.lines === false ? undefined : await findRepeatedLines(partsFolder, parts, clusters)

  await mkdir(folder, { recursive: true })
  const split = await openSplit(folder, config.heldOut, seed)
  const funnel = counter(funnelSteps)
  const rules = counter()
  const languages = counter()
  const masked: Record<string, number> = { email: 0, ip: 0, phone: 0, identity: 0, card: 0 }
  const reads = config.sources.map(() => ({ documents: 0, bytes: 0 }))
  const sizes = clusterSizes(clusters)
  const ids = new Map<number, string>() // of documents that have duplicates
  const pairs: { rank: number; document: number }[] = []
  const taken = { lines: 0, bytes: 0 }
  let number = 0
  let done = 0

  const reject = (rejection: Rejection) =>
    split.reject(Buffer.from(`${JSON.stringify(rejection)}\n`), rejection.rule, number++)

  async function takePart(part: Part, source: number) {
    const [lengths, isDocument, textBytes, hashes, language, places] = await columnsOf(partsFolder, part)
    const lines = await readFile(join(partsFolder, `${part.name}.jsonl`))
    const maskedOf = new Map(part.masked)
    const first = placed.get(part)!
    let [at, n] = [0, 0]
    for (const [item, length] of lengths.entries()) {
      const line = lines.subarray(at, at + length)
      at += length
      if (isDocument[item] === 0) {
        await split.reject(line, ruleOf(line), number++)
        continue
      }
      const own = n++
      const document = first + own
      let bytes = textBytes[own]!
      if (clusters.kind[document] !== EXACT) funnel.add('exact-duplicate', 1, bytes)
      if (clusters.kind[document] !== KEPT) {
        const kept = clusters.first[document]!
        const rejection = duplicateOf(parse(line), places, own, {
          of: ids.get(kept)!,
          exact: clusters.kind[document] === EXACT,
          bands: clusters.bands[document]!,
          all: config.dedup.bands,
        })
        rules.add(rejection.rule, 1, bytes)
        if (rejection.rule === 'near-duplicate') keepLowest(pairs, { rank: lot(seed, document), document }, SHOWN)
        await reject(rejection)
        continue
      }
      if (sizes.has(document)) ids.set(document, parse(line).id)
      funnel.add('near-duplicate', 1, bytes)
      let kept: Uint8Array = Buffer.from(line) // the whole part is not held for one that waits
      if (repeated?.has(document)) {
        const shorter = shorten(parse(line), repeated, document)
        taken.lines += repeated.count(document)
        taken.bytes += bytes - Buffer.byteLength(shorter.text)
        if (shorter.text === '') {
          rules.add('duplicate-lines', 1, bytes)
          await reject(linesGone(parse(line), places, own))
          continue
        }
        bytes = Buffer.byteLength(shorter.text)
        kept = Buffer.from(`${JSON.stringify(shorter)}\n`)
      }
      funnel.add('duplicate-lines', 1, bytes)
      languages.add(part.languages[language[own]!]!, 1, bytes)
      for (const [kind, count] of Object.entries(maskedOf.get(own) ?? {})) masked[kind] = (masked[kind] ?? 0) + count
      const hash = Buffer.from(hashes.buffer, hashes.byteOffset + 16 * own, 16).toString('hex')
      await split.keep({ line: kept, bytes, hash, number: number++, source })
    }
    funnel.addAll(part.steps)
    rules.addAll(part.rules)
    const [read, readBytes] = part.steps.read ?? [0, 0]
    reads[source]!.documents += read
    reads[source]!.bytes += readBytes
    await progress?.(++done, parts.length)
  }

  try {
    for (const entry of plan.entries) {
      if ('rule' in entry) {
        rules.add(entry.rule, 1, 0)
        await reject(entry)
      } else for (const part of partsByFile[entry.number]!) await takePart(part, entry.source)
    }
    const { counts, kept, index } = await split.settle()
    if (counts.documents === 0) throw emptyError(plan, rules.ranked())
    const none = { documents: 0, bytes: 0 }
    const steps = funnelSteps.filter((step) => step !== 'duplicate-lines' || repeated !== undefined)
    const report: CorpusReport = {
      ...counts,
      funnel: steps.map((step) => ({ step, ...funnel.get(step) })),
      rules: Object.fromEntries(rules.ranked().map(([rule, { documents }]) => [rule, documents])),
      ruleBytes: Object.fromEntries(rules.ranked().map(([rule, { bytes }]) => [rule, bytes])),
      languages: Object.fromEntries(languages.entries().map(([language, { documents }]) => [language, documents])),
      masked,
      sources: config.sources.map((source, i) => ({
        path: sourceName(source),
        ...(source.epochs === undefined ? {} : { epochs: source.epochs }),
        ...(source.share === undefined ? {} : { share: source.share }),
        read: reads[i]!,
        kept: kept[i]?.trained ?? none,
        heldOut: kept[i]?.heldOut ?? none,
      })),
      clusters: describeClusters(sizes, ids),
      ...(repeated === undefined ? {} : { lines: taken }),
    }
    await writePairs(
      folder,
      pairs.map(({ document }) => document),
    )
    await split.close()
    await writeJson(join(folder, TRACE_INDEX), index)
    await writeJson(join(folder, FUNNEL_FILE), report)
    return report
  } catch (error) {
    await split.discard()
    throw error
  }

  async function writePairs(folder: string, documents: readonly number[]) {
    const file = await openJsonl(join(folder, PAIRS_FILE))
    try {
      for (const document of documents) {
        const [earlier, dropped] = [await documentAt(clusters.met[document]!), await documentAt(document)]
        await file.write(makePair(earlier, dropped, clusters.bands[document]!, config.dedup))
      }
    } catch (error) {
      await file.discard()
      throw error
    }
    await file.close()
  }

  /** Reads a document by its number. */
  async function documentAt(document: number): Promise<Document> {
    const part = parts.findLast((part) => placed.get(part)! <= document)!
    const [lengths, isDocument] = [
      await readWords(partsFolder, part, 'lengths'),
      await readColumn(partsFolder, part, 'isDocument'),
    ]
    let [at, item, left] = [0, 0, document - placed.get(part)!]
    for (; isDocument[item] === 0 || left-- > 0; item++) at += lengths[item]!
    return parse(await readBytes(join(partsFolder, `${part.name}.jsonl`), at, lengths[item]!))
  }
}

const parse = (line: Uint8Array) =>
  JSON.parse(Buffer.from(line.buffer, line.byteOffset, line.length).toString()) as Document

/** Without parsing what may be long: our own lines have their rule before their text. */
function ruleOf(line: Uint8Array): string {
  return (JSON.parse(Buffer.from(line).toString()) as Rejection).rule
}

async function columnsOf(folder: string, part: Part) {
  const places = await readColumn(folder, part, 'places')
  return [
    await readWords(folder, part, 'lengths'),
    await readColumn(folder, part, 'isDocument'),
    await readWords(folder, part, 'textBytes'),
    await readColumn(folder, part, 'hashes'),
    await readColumn(folder, part, 'languages'),
    new Float64Array(places.buffer, places.byteOffset, places.length / 8),
  ] as const
}

function signaturesOf(folder: string, parts: readonly Part[], documents: number, bands: number): Signatures {
  async function* column(name: ColumnName) {
    for (const part of parts) yield await readWords(folder, part, name)
  }
  return { documents, bands, hashes: () => column('hashes'), band: (number) => column(`band${number}`) }
}

/** How many documents the cluster of each first one has, where it has more than one. */
function clusterSizes({ first, kind }: Clusters): Map<number, number> {
  const sizes = new Map<number, number>()
  for (const [document, of] of first.entries()) if (kind[document] !== KEPT) sizes.set(of, (sizes.get(of) ?? 1) + 1)
  return sizes
}

function describeClusters(sizes: ReadonlyMap<number, number>, ids: ReadonlyMap<number, string>) {
  const histogram = new Map<number, number>()
  for (const size of sizes.values()) histogram.set(size, (histogram.get(size) ?? 0) + 1)
  const largest: { rank: number; document: number; size: number }[] = []
  for (const [document, size] of sizes) keepLowest(largest, { rank: -size, document, size }, SHOWN)
  return {
    count: sizes.size,
    sizes: Object.fromEntries([...histogram].sort(([a], [b]) => a - b).map(([size, count]) => [String(size), count])),
    largest: largest.map(({ document, size }) => ({ id: ids.get(document)!, documents: size })),
  }
}

/** What rejections say of where a document was. */
function about({ id, source, url, text }: Document, places: Float64Array, own: number) {
  const [line, offset] = [places[2 * own]!, places[2 * own + 1]!]
  return {
    id,
    source,
    ...(Number.isNaN(line) ? {} : { line }),
    ...(Number.isNaN(offset) ? {} : { offset }),
    ...(url === undefined ? {} : { url }),
    text: text.slice(0, 200).toWellFormed(),
  }
}

function duplicateOf(
  document: Document,
  places: Float64Array,
  own: number,
  { of, exact, bands, all }: { of: string; exact: boolean; bands: number; all: number },
): Rejection {
  const { text, ...place } = about(document, places, own)
  if (exact) return { ...place, rule: 'exact-duplicate', detail: `the same text as ${of}`, text, of }
  const detail = `${bands} of ${all} bands in common with the cluster of ${of}`
  return { ...place, rule: 'near-duplicate', detail, text, of, bands }
}

function linesGone(document: Document, places: Float64Array, own: number): Rejection {
  const { text, ...place } = about(document, places, own)
  return { ...place, rule: 'duplicate-lines', detail: 'earlier documents have all of its lines', text }
}

const shorten = (document: Document, repeated: RepeatedLines, number: number): Document => ({
  ...document,
  text: withoutLines(document.text, (line) => repeated.isRepeated(number, line)),
})

function emptyError({ config }: Plan, rules: readonly [string, { documents: number }][]): UserError {
  const paths = config.sources.map(sourceName).join(', ')
  const top = rules.slice(0, 3)
  const why =
    top.length === 0
      ? 'they hold no documents'
      : `rejected: ${top.map(([rule, { documents }]) => `${documents} by ${rule}`).join(', ')}`
  const whyZh =
    top.length === 0
      ? '里面没有文档'
      : `被拒绝的文档：${top.map(([rule, { documents }]) => `${rule} ${documents} 篇`).join('，')}`
  return new UserError(
    `the corpus is empty: nothing of ${paths} was kept; ${why}`,
    `语料是空的：${paths} 里没有一篇留下；${whyZh}`,
  )
}
