/**
 * Measurements of the corpus: planted duplicates found beside the S-curve, memory by the number of documents, speed by step and by cores, funnels.
 *
 * Memory is the peak of a process of its own for each size (`--child`), with documents of about 50 words of which a fifth are near-duplicates.
 */
import { spawnSync } from 'node:child_process'
import { createWriteStream, existsSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { funnelTable } from '../src/cli/corpus/funnel-table.ts'
import { cleanBatch } from '../src/corpus/clean-batch.ts'
import { cleanDocument } from '../src/corpus/clean.ts'
import { loadLists } from '../src/corpus/lists.ts'
import {
  bandKeys,
  buildCorpus,
  corpusConfig,
  type CorpusInput,
  findClusters,
  isRejection,
  jaccard,
  listSource,
  meetingChance,
  type RawDocument,
  readDocuments,
  shinglesOf,
  signTexts,
  textHash,
} from '../src/corpus/index.ts'
import { lot } from '../src/corpus/traces.ts'
import { random } from '../src/tensor/random.ts'
import { writeWorld } from '../src/world/crawl.node.ts'
import { makeWorld } from '../src/world/index.ts'

const data = process.env.XUEBA_DATA ?? ''
const dedup = corpusConfig.parse({ sources: [{ path: '.' }] }).dedup

// --- planted duplicates ---

/** For each similarity: pairs planted, found, and what the S-curve expects; then how many of those dropped had been planted. */
async function plantedDuplicates(language: 'en' | 'zh', pairs: number) {
  const r = random(11, `planted ${language}`)
  const [joiner, length] = language === 'zh' ? ['', 400] : [' ', 300]
  const words = Array.from({ length: 4000 }, (_, i) => (language === 'zh' ? String.fromCharCode(0x4e00 + i) : `w${i}`))
  const article = () => Array.from({ length }, () => r.pick(words))
  const texts: string[] = []
  const planted: { similarity: number; bin: number }[] = []
  for (const bin of [0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95])
    for (let i = 0; i < pairs; i++) {
      const [a, b] = [article(), article()]
      const common = Math.round((2 * bin * length) / (1 + bin))
      const pair = [a, [...a.slice(0, common), ...b.slice(common)]].map((text) => text.join(joiner)) as [string, string]
      planted.push({ bin, similarity: jaccard(shinglesOf(pair[0], dedup), shinglesOf(pair[1], dedup)) })
      texts.push(...pair)
    }
  const { first } = await findClusters(signTexts(texts, dedup))
  const rows = [...new Set(planted.map(({ bin }) => bin))].map((bin) => {
    const own = planted.map((pair, i) => ({ ...pair, found: first[2 * i + 1] === 2 * i })).filter((p) => p.bin === bin)
    const mean = (f: (p: (typeof own)[0]) => number) => own.reduce((sum, p) => sum + f(p), 0) / own.length
    return {
      similarity: mean((p) => p.similarity).toFixed(3),
      found: mean((p) => Number(p.found)).toFixed(3),
      expected: mean((p) => meetingChance(p.similarity, dedup)).toFixed(3),
    }
  })
  const dropped = [...first].filter((of, i) => of !== i).length
  const right = planted.filter((_, i) => first[2 * i + 1] === 2 * i).length
  return { language, pairs, rows, precision: right / dropped }
}

// --- memory ---

async function memoryOf(documents: number, folder: string) {
  mkdirSync(folder, { recursive: true })
  const source = join(folder, 'in.jsonl')
  const out = createWriteStream(source)
  let before = ''
  for (let i = 0; i < documents; i++) {
    const words = Array.from({ length: 50 }, (_, k) => (lot(5, 50 * i + k) % 20_000).toString(36)).join(' ')
    const text = i % 5 === 4 ? `${before} ${words.slice(0, 6)}` : words
    before = text
    if (!out.write(`${JSON.stringify({ text })}\n`)) await once(out, 'drain')
  }
  out.end()
  await once(out, 'finish')
  const off = { url: false, minLength: false, gopherRepetition: false, gopherQuality: false, c4: false } as const
  const config = corpusConfig.parse({
    sources: [{ path: source, filters: 'web' }],
    languages: [],
    filters: { ...off, fineweb: false, blockedWords: false },
    pii: false,
  } satisfies CorpusInput)
  const begin = performance.now()
  let cleaned = begin
  const report = await buildCorpus(config, join(folder, 'out'), {
    seed: 1,
    workers: 1,
    progress: ({ phase }) => void (phase === 'clean' && (cleaned = performance.now())),
  })
  const end = performance.now()
  const disk = statSync(source).size
  rmSync(folder, { recursive: true, force: true })
  return {
    documents,
    inputMB: Math.round(disk / 1e6),
    nearDuplicates: report.rules['near-duplicate'] ?? 0,
    cleanSeconds: Math.round((cleaned - begin) / 1000),
    mergeSeconds: Math.round((end - cleaned) / 1000),
    peakMB: Math.round(process.resourceUsage().maxRSS / 1024),
  }
}

/** Signatures alone, made up as they are asked for: the step that has to know all documents at once. */
async function memoryOfClusters(documents: number) {
  const bands = 14
  function* column(number: number, words: number) {
    for (let done = 0; done < documents; done += 20_000) {
      const keys = new Uint32Array(words * Math.min(20_000, documents - done))
      for (let i = 0; i < keys.length; i++) keys[i] = lot(number, words * done + i)
      // Every fifth document has the key of the one before it.
      if (words === 2) for (let d = 4; d < keys.length / 2; d += 5) keys.copyWithin(2 * d, 2 * d - 2, 2 * d)
      yield keys
    }
  }
  const begin = performance.now()
  const { kind } = await findClusters({
    documents,
    bands,
    hashes: () => column(99, 4),
    band: (band) => column(band, 2),
  })
  const duplicates = kind.reduce((sum, k) => sum + Number(k > 0), 0)
  const seconds = Math.round((performance.now() - begin) / 1000)
  return { clustered: documents, duplicates, seconds, peakMB: Math.round(process.resourceUsage().maxRSS / 1024) }
}

function inChild(kind: 'build' | 'clusters', documents: number): Record<string, number> {
  const words = [import.meta.filename, '--child', kind, String(documents)]
  const { stdout, stderr, status } = spawnSync(process.execPath, words, { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as Record<string, number>
}

// --- speed ---

/** Seconds, documents and bytes of each step of cleaning, in one thread. */
async function speedOfSteps(name: string, input: CorpusInput) {
  const config = corpusConfig.parse(input)
  const lists = await loadLists(config)
  const raws: RawDocument[] = []
  const begin = performance.now()
  for (const source of config.sources)
    for (const item of await listSource(source))
      if ('kind' in item)
        for await (const raw of readDocuments(item, source.field)) if (!isRejection(raw)) raws.push(raw)
  const reading = (performance.now() - begin) / 1000
  const rawBytes = raws.reduce((sum, { html, text }) => sum + Buffer.byteLength(html ?? text ?? ''), 0)
  const steps = new Map<string, { seconds: number; documents: number; bytes: number }>()
  const add = (step: string, seconds: number, documents: number, bytes: number) => {
    const entry = steps.get(step) ?? { seconds: 0, documents: 0, bytes: 0 }
    steps.set(step, {
      seconds: entry.seconds + seconds,
      documents: entry.documents + documents,
      bytes: entry.bytes + bytes,
    })
  }
  add('read', reading, raws.length, rawBytes)
  cleanBatch({ items: raws, web: true }, config, lists) // so that the compiler has seen it: a corpus is larger than these
  let filters = { seconds: 0, bytes: 0 }
  for (const raw of raws) {
    const own = Buffer.byteLength(raw.html ?? raw.text ?? '')
    let last = performance.now()
    let bytes = own
    const lap = (step: string) => {
      const now = performance.now()
      const seconds = (now - last) / 1000
      if (step !== 'url' && step !== 'extract') filters = { ...filters, seconds: filters.seconds + seconds }
      add(step, seconds, 1, bytes)
      last = now
    }
    const order = [
      'url',
      'extract',
      'language',
      'min-length',
      'gopher-repetition',
      'gopher-quality',
      'c4',
      'fineweb',
      'blocked-words',
      'pii',
    ]
    let at = 0
    const cleaned = cleanDocument(raw, config, true, lists, (step, reached) => {
      if (step === 'read') return
      at = order.indexOf(step) + 1
      lap(step)
      bytes = reached
      if (step === 'extract') filters.bytes += reached
    })
    lap(order[at] ?? 'pii')
    if (isRejection(cleaned)) continue
    const { text } = cleaned.document
    bytes = Buffer.byteLength(text)
    last = performance.now()
    textHash(text)
    add('exact hash', (performance.now() - last) / 1000, 1, bytes)
    last = performance.now()
    bandKeys(text, dedup)
    add('MinHash', (performance.now() - last) / 1000, 1, bytes)
  }
  const rows = [...steps].map(([step, { seconds, documents, bytes }]) => ({
    step,
    documents,
    'documents/s': Math.round(documents / seconds),
    'MB/s': (bytes / seconds / 1e6).toFixed(1),
  }))
  return { name, rows, 'language, filters, masking together, MB/s': (filters.bytes / filters.seconds / 1e6).toFixed(1) }
}

/** Whole builds with one thread and with two, in turn. */
async function speedOfCores(name: string, input: CorpusInput, folder: string) {
  const config = corpusConfig.parse(input)
  const times: Record<number, number[]> = { 1: [], 2: [] }
  let report: Awaited<ReturnType<typeof buildCorpus>> | undefined
  for (let round = 0; round < 3; round++)
    for (const workers of [1, 2]) {
      rmSync(folder, { recursive: true, force: true })
      const begin = performance.now()
      report = await buildCorpus(config, folder, { seed: 1, workers })
      times[workers]!.push((performance.now() - begin) / 1000)
    }
  rmSync(folder, { recursive: true, force: true })
  const median = (list: number[]) => list.toSorted((a, b) => a - b)[1]!
  const read = report!.funnel[0]!
  return [1, 2].map((workers) => ({
    name,
    workers,
    seconds: median(times[workers]!).toFixed(1),
    'documents/s': Math.round(read.documents / median(times[workers]!)),
    'MB/s': (read.bytes / median(times[workers]!) / 1e6).toFixed(1),
    ratio: (median(times[1]!) / median(times[workers]!)).toFixed(2),
  }))
}

/**
 * The peak at more documents, as the line through the last two builds goes on. It assumes that texts are as long, duplicates as common (a fifth),
 * one worker cleans, and nothing grows faster than the number of documents: by construction the search holds 10 bytes a document and one
 * table that stops growing at 2^23 keys, and everything else streams.
 */
function extrapolated(builds: readonly { documents: number; peakMB: number }[], documents: number): string {
  const [one, two] = builds.slice(-2)
  const bytes = ((two!.peakMB - one!.peakMB) * 2 ** 20) / (two!.documents - one!.documents)
  const peak = two!.peakMB + ((documents - two!.documents) * bytes) / 2 ** 20
  return `${bytes.toFixed(0)} bytes a document between ${one!.documents} and ${two!.documents}; at ${documents}: ${Math.round(peak)} MB by that line`
}

// --- all of it ---

export type CorpusStudy = 'curve' | 'memory' | 'speed' | 'funnels'

export async function studyCorpus(parts: readonly CorpusStudy[], folder: string, pairs = 500): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const sources = parts.includes('funnels') || parts.includes('speed') ? await realSources(folder) : []
  if (parts.includes('curve'))
    for (const language of ['en', 'zh'] as const) {
      const { rows, precision } = await plantedDuplicates(language, pairs)
      console.log(
        `planted duplicates, ${language}, ${pairs} pairs a row; of those dropped, planted: ${precision.toFixed(4)}`,
      )
      console.table(rows)
    }
  if (parts.includes('funnels'))
    for (const [name, input] of sources) {
      const report = await buildCorpus(corpusConfig.parse(input), join(folder, 'funnel'), { seed: 1 })
      console.log(`\n== ${name}\n${funnelTable(report)}`)
    }
  if (parts.includes('speed'))
    for (const [name, input] of sources) {
      const { rows, ...rest } = await speedOfSteps(name, input)
      console.log(rest)
      console.table(rows)
      if (name.startsWith('town')) console.table(await speedOfCores(name, input, join(folder, 'cores')))
    }
  if (parts.includes('memory')) {
    const builds = [1e4, 1e5, 1e6].map((documents) => inChild('build', documents))
    console.table(builds)
    console.log(extrapolated(builds as { documents: number; peakMB: number }[], 1e7))
    console.table([1e5, 1e6, 1e7].map((documents) => inChild('clusters', documents)))
  }
}

/** Archives of XUEBA_DATA, and the crawl of the town in both languages. */
async function realSources(folder: string): Promise<[string, CorpusInput][]> {
  const found: [string, CorpusInput][] = []
  for (const file of ['aut-example.warc.gz', 'pywb-iana.warc.gz']) {
    const path = join(data, 'warc', file)
    if (existsSync(path)) found.push([file, { sources: [{ path }] }])
    else console.log(`${file} is left out: XUEBA_DATA names no folder with warc/${file}`)
  }
  for (const language of ['en', 'zh'] as const) found.push(await worldSource(folder, language))
  return found
}

async function worldSource(folder: string, language: 'en' | 'zh'): Promise<[string, CorpusInput]> {
  const at = join(folder, `town-${language}`)
  mkdirSync(at, { recursive: true })
  const { web } = await writeWorld(at, makeWorld({ language, seed: 1 }), [], 14)
  return [`town-${language}`, { sources: [{ path: web }], languages: [language] }]
}

const [flag, kind, documents] = process.argv.slice(2)
if (flag === '--child' && process.argv[1] === import.meta.filename) {
  const count = Number(documents)
  const folder = join(process.env.TMPDIR ?? '/tmp', `xueba-memory-${process.pid}`)
  console.log(JSON.stringify(kind === 'build' ? await memoryOf(count, folder) : await memoryOfClusters(count)))
}
