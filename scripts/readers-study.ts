/**
 * `npm run study -- readers [--inputs 10000]`: everything that reads foreign bytes, at full size.
 *
 *   1. Fuzz: damaged archives (real ones too, where XUEBA_DATA has them), packed streams, tables; the slowest input and the peak of memory.
 *   2. Limits: bombs, heads and records of 2 GB, lines of 50 MB; what each is refused with, seconds and memory.
 *   3. Speed: WARC.gz, Parquet, JSONL.zst and others with the same documents, each in a process of its own.
 *   4. What two real crawls hold.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { fromRecord } from '../src/corpus/archive.ts'
import { describeRecord, exportCorpus, isRejection, listSource, readDocuments } from '../src/corpus/index.ts'
import { damaged, endless, gzipBomb, numbers, zstdBomb } from '../src/formats/hostile.test-helper.ts'
import * as formats from '../src/formats/index.ts'
import { openPackedJsonl } from '../src/formats/jsonl-packed.ts'

const data = process.env.XUEBA_DATA ?? ''
const MB = 1e6

type Read = (bytes: formats.Bytes) => AsyncIterable<object>

async function* archive(bytes: formats.Bytes): AsyncGenerator<object> {
  let number = 0
  for await (const item of formats.parseWarc(bytes)) {
    describeRecord(item)
    if (!('defect' in item)) fromRecord(item, 'a.warc', number++)
    yield item
  }
}

async function* parquet(bytes: formats.Bytes): AsyncGenerator<object> {
  const parts: Uint8Array[] = []
  for await (const part of bytes) parts.push(part)
  const whole = Buffer.concat(parts)
  const slice = async (start: number, end = whole.length) => Uint8Array.from(whole.subarray(start, end)).buffer
  const file = await formats.openParquet({ byteLength: whole.length, slice })
  if (typeof file === 'string') yield { defect: file }
  else yield* file.read()
}

async function defectsOf(items: AsyncIterable<object>): Promise<string[]> {
  const defects = []
  for await (const item of items) if ('defect' in item) defects.push(String(item.defect))
  return defects
}

/** Whole inputs by the way they are read. */
function seeds(): [Read, Buffer][] {
  const found: [Read, Buffer][] = []
  const put = (read: Read, bytes: Buffer) => bytes.length < 1 << 20 && found.push([read, bytes])
  const folder = join(data, 'warc')
  if (data !== '' && existsSync(folder))
    for (const name of readdirSync(folder)) {
      const bytes = readFileSync(join(folder, name))
      put(archive, bytes)
      if (bytes[0] === 0x1f) put(archive, gunzipSync(bytes))
      else put(archive, gzipSync(bytes))
      put(archive, zstdCompressSync(bytes))
    }
  const fixtures = join(import.meta.dirname, '../test/fixtures/parquet')
  for (const name of readdirSync(fixtures))
    if (name.endsWith('.parquet')) put(parquet, readFileSync(join(fixtures, name)))
  const lines = Buffer.from('{"text": "One, \\u00e9."}\n{"text": "学习"}\n\n[1]\n'.repeat(50))
  for (const bytes of [lines, gzipSync(lines), zstdCompressSync(lines)])
    for (const read of [formats.parseJsonl, formats.parseCsv, formats.parseText, formats.parseJsonRows])
      put(read, bytes)
  return found
}

async function fuzz(inputs: number) {
  const all = seeds()
  const random = numbers(20_261_125)
  const slowest = { seconds: 0, input: -1 }
  let [defects, untouched, bytes] = [0, 0, 0]
  for (let i = 0; i < inputs; i++) {
    const [read, good] = all[i % all.length]!
    const input = damaged(good, random)
    const cut = Math.floor(random() * input.length)
    bytes += input.length
    const { user, system } = process.cpuUsage()
    const found = await defectsOf(read([input.subarray(0, cut), input.subarray(cut)]))
    const now = process.cpuUsage()
    const seconds = (now.user + now.system - user - system) / 1e6
    if (seconds > slowest.seconds) Object.assign(slowest, { seconds, input: i })
    defects += found.length
    if (found.length === 0) untouched++
  }
  return { inputs, seeds: all.length, megabytes: bytes / MB, defects, withoutDefect: untouched, slowest }
}

async function limits() {
  const record = 'WARC/1.0\r\nWARC-Type: response\r\nContent-Length: 2000000000\r\n\r\n'
  const line = () => endless('{"text": "', 'x', 50e6)
  const cases: [string, () => AsyncIterable<object>][] = [
    ['gzip bomb, 20 GB in 20 MB, as WARC', () => archive(gzipBomb(20_000))],
    ['the same as JSONL', () => formats.parseJsonl(gzipBomb(20_000))],
    ['zstd bomb, 20 GB in 640 kB', () => archive([zstdBomb(20_000)])],
    ['head of a record of 2 GB, in lines', () => archive(endless('WARC/1.0\r\n', 'a: b\r\n', 2e9))],
    ['head of a record of 2 GB, in one line', () => archive(endless('WARC/1.0\r\nWARC-Type: ', 'x', 2e9))],
    ['record of 2 GB', () => archive(endless(record, 'x', 2e9))],
    ['text of 2 GB that is no archive', () => archive(endless('', 'http://a.example/ and 7\n', 2e9))],
    ['line of 50 MB, JSONL', () => formats.parseJsonl(line())],
    ['line of 50 MB, text', () => formats.parseText(line())],
    ['row of 50 MB, CSV', () => formats.parseCsv(endless('text\n"', 'x', 50e6))],
  ]
  const results = []
  for (const [name, items] of cases) {
    const before = process.cpuUsage()
    let peak = 0
    const timer = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 20)
    const defects = await defectsOf(items())
    clearInterval(timer)
    const { user, system } = process.cpuUsage(before)
    results.push({ name, cpu: (user + system) / 1e6, peak: Math.round(peak / MB), defect: defects[0] })
  }
  return results
}

/** The same documents in several formats, 100 MB of text or as much as asked for. */
async function speed(folder: string, megabytes: number) {
  const texts: string[] = []
  for (const file of await listSource({ path: join(data, 'en-chilit') }))
    if ('kind' in file)
      for await (const item of readDocuments(file)) if (!isRejection(item)) texts.push(item.text ?? '')
  const documents = []
  for (let bytes = 0, i = 0; bytes < megabytes * MB; i++) {
    const text = `${i}. ${texts[i % texts.length]!}`
    bytes += Buffer.byteLength(text)
    documents.push({ id: String(i), text, source: 'study', url: `https://a.example/${i}`, language: 'en' })
  }
  const jsonl = join(folder, 'documents.jsonl')
  await write(await openPackedJsonl(jsonl), documents)
  const paths = [jsonl]
  for (const ending of ['jsonl.gz', 'jsonl.zst', 'parquet']) {
    paths.push(join(folder, `out.${ending}`))
    await exportCorpus(folder, paths.at(-1)!)
  }
  const date = '2026-01-01T00:00:00Z'
  const records = documents.map(({ text, url }) =>
    formats.encodeWarcResponse({ url, date, body: `<html><body><p>${text}` }),
  )
  paths.push(join(folder, 'out.warc.gz'))
  writeFileSync(paths.at(-1)!, Buffer.concat(records))
  const rounds = [1, 2, 3].map(() => paths.map(readApart))
  return paths.map((path, i) => {
    const best = rounds.map((round) => round[i]!).sort((a, b) => a.cpu - b.cpu)[1]!
    const { documents, size, bytes, seconds, cpu, peak } = best
    return {
      file: path.slice(folder.length + 1),
      documents,
      megabytes: size / MB,
      textPerSecond: bytes / MB / seconds,
      textPerCpuSecond: bytes / MB / cpu,
      filePerSecond: size / MB / seconds,
      peak: Math.round(peak / MB),
    }
  })
}

async function write(file: Awaited<ReturnType<typeof openPackedJsonl>>, rows: object[]) {
  for (const row of rows) await file.write(row)
  await file.close()
}

interface ReadApart {
  documents: number
  rejected: number
  size: number
  bytes: number
  seconds: number
  cpu: number
  peak: number
}

function readApart(path: string): ReadApart {
  const child = spawnSync(process.execPath, [join(import.meta.dirname, 'readers-read.ts'), path], { encoding: 'utf8' })
  if (child.status !== 0) throw new Error(child.stderr)
  return JSON.parse(child.stdout) as ReadApart
}

/** Records by type, documents, and rejections by rule. */
async function crawls() {
  const result: Record<string, unknown> = {}
  for (const name of ['aut-example.warc.gz', 'pywb-iana.warc.gz']) {
    const path = join(data, 'warc', name)
    const [types, rules]: Record<string, number>[] = [{}, {}]
    let [html, text, digests, wrong] = [0, 0, 0, 0]
    for await (const item of formats.parseWarc(formats.fileBytes(path))) {
      const { type = 'none', digestOk } = describeRecord(item)
      types![type] = (types![type] ?? 0) + 1
      if (digestOk !== undefined) digests++
      if (digestOk === false) wrong++
    }
    for (const file of await listSource({ path }))
      if ('kind' in file)
        for await (const item of readDocuments(file)) {
          if (isRejection(item)) rules![item.rule] = (rules![item.rule] ?? 0) + 1
          else if (item.html === undefined) text++
          else html++
        }
    result[name] = { types, html, text, rules, digests, wrong }
  }
  return result
}

export async function studyReaders(inputs: number, megabytes: number): Promise<Record<string, unknown>> {
  const folder = mkdtempSync(join(tmpdir(), 'xueba-readers-study-'))
  const show = (name: string, value: unknown) => (console.error(name, JSON.stringify(value, null, 1)), value)
  try {
    const real = data !== '' && existsSync(join(data, 'warc'))
    return {
      fuzz: show('fuzz', await fuzz(inputs)),
      limits: show('limits', await limits()),
      ...(real ? { crawls: show('crawls', await crawls()), speed: show('speed', await speed(folder, megabytes)) } : {}),
      peak: Math.round((process.resourceUsage().maxRSS * 1024) / MB),
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
