/**
 * Files as raw documents, from this disk or from elsewhere. Whatever is no document is a rejection with its place; only what the person asked
 * for and cannot be had (no such file, no such column, no network) is an error.
 */
import { createReadStream } from 'node:fs'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileAccess, openParquet, parseCsv, parseJsonl, parseJsonRows, parseText, parseWarc } from '../formats/index.ts'
import type { Bytes, RandomAccess } from '../formats/index.ts'
import { crawlManner, hubManner, keepCopy, openRanges, patience as usual, remoteBytes } from '../remote/index.ts'
import type { Manner, Patience } from '../remote/index.ts'
import { codeOf, UserError } from '../run/errors.ts'
import { fromRecord } from './archive.ts'
import { decodeHtml } from './charset.ts'
import type { RawDocument, Rejection } from './document.ts'
import { fromRow } from './rows.ts'
import { textDocument } from './document.ts'
import { isAddress } from './sources.ts'
import type { SourceFile } from './sources.ts'

const pageLimit = 64 << 20

type Items = AsyncGenerator<RawDocument | Rejection>

/** Every document of a file, every defect in it as a rejection. `field`: of rows and columns, what holds the text; `a.b` for one inside another. */
export async function* readDocuments(file: SourceFile, field = 'text', patience: Patience = usual): Items {
  const here = await fetched(file, patience)
  if (file.kind === 'parquet') return yield* fromParquet(here, field, patience)
  if (file.kind === 'page') return yield await fromPage(here, patience)
  const bytes = await openBytes(here.path, patience)
  if (file.kind === 'archive') return yield* fromArchive(here, bytes)
  if (file.kind === 'text') return yield* fromText(here, bytes)
  if (file.kind === 'jsonl') return yield* fromJsonl(here, bytes, field)
  return yield* fromCsv(here, bytes, field)
}

/** The bytes of a file, or of an http(s) address. Throws a UserError where there is none. */
export async function openBytes(path: string, patience: Patience = usual): Promise<Bytes> {
  if (isAddress(path)) return remoteBytes(path, mannerOf(path, patience))
  const handle = await open(path).catch((error: unknown) => {
    const code = codeOf(error)
    if (code === 'ENOENT') throw new UserError(`${path}: no such file`, `${path}：没有这个文件`)
    throw new UserError(`${path} cannot be read: ${code ?? String(error)}`, `读不了 ${path}：${code ?? String(error)}`)
  })
  if ((await handle.stat()).isDirectory()) {
    await handle.close()
    throw new UserError(`${path} is a folder`, `${path} 是一个文件夹`)
  }
  return createReadStream(path, { fd: handle, highWaterMark: 1 << 18 })
}

/** Only a Hub's own addresses are asked in its way: the token is nobody else's. */
function mannerOf(path: string, patience: Patience): Manner {
  const hub = process.env.HF_ENDPOINT || 'https://huggingface.co'
  if (path.startsWith(`${hub.replace(/\/+$/, '')}/`)) return hubManner(patience)
  return /^[^/]*\/\/[^/]+\/crawl-data\//.test(path) ? crawlManner(patience) : { headers: {}, patience }
}

/** The same file, as its copy where one is kept. */
export async function fetched(file: SourceFile, patience: Patience): Promise<SourceFile> {
  if (file.copy === undefined) return file
  const { path, ...check } = file.copy
  await keepCopy({ url: file.path, path: file.name, size: file.bytes, ...check }, path, hubManner(patience))
  return { ...file, path }
}

async function* fromArchive({ name }: SourceFile, bytes: Bytes): Items {
  let number = 0
  for await (const record of parseWarc(bytes)) {
    if ('defect' in record) {
      const url = record.record?.url
      const place = { source: name, offset: record.offset, ...(url === undefined ? {} : { url }) }
      yield { ...place, rule: 'defect', detail: record.defect }
    } else {
      const item = fromRecord(record, name, number++)
      if (item !== undefined) yield item
    }
  }
}

async function fromPage({ path, name, bytes }: SourceFile, patience: Patience): Promise<RawDocument | Rejection> {
  const refused = (size: number): Rejection => {
    return { source: name, rule: 'defect', detail: `page of ${size} bytes; more than ${pageLimit} are refused` }
  }
  if (bytes > pageLimit) return refused(bytes)
  const parts: Uint8Array[] = []
  let size = 0
  if (isAddress(path)) {
    for await (const part of await openBytes(path, patience)) {
      parts.push(part)
      if ((size += part.length) > pageLimit) return refused(size)
    }
  } else parts.push(await readFile(path))
  const { text, charset } = decodeHtml(Buffer.concat(parts))
  return { id: name, source: name, html: text, ...(isAddress(path) ? { url: path } : {}), meta: { charset } }
}

async function* fromText({ name }: SourceFile, bytes: Bytes): Items {
  for await (const item of parseText(bytes)) {
    if ('defect' in item)
      yield { source: name, line: item.line, offset: item.offset, rule: 'defect', detail: item.defect }
    else yield textDocument(item.text, { id: `${name}#${item.line}`, source: name, line: item.line })
  }
}

async function* fromJsonl({ name }: SourceFile, bytes: Bytes, field: string): Items {
  for await (const item of /\.json(\.\w+)?$/i.test(name) ? parseJsonRows(bytes) : parseJsonl(bytes)) {
    const place = { source: name, line: item.line }
    if ('defect' in item) yield { ...place, offset: item.offset, rule: 'defect', detail: item.defect }
    else yield fromRow(item.value, field, place)
  }
}

async function* fromCsv({ path, name }: SourceFile, bytes: Bytes, field: string): Items {
  for await (const item of parseCsv(bytes)) {
    const place = { source: name, line: item.line }
    if ('defect' in item) yield { ...place, offset: item.offset, rule: 'defect', detail: item.defect }
    else {
      if (item.row[field] === undefined) throw noColumn(path, field, Object.keys(item.row))
      yield fromRow(item.row, field, place)
    }
  }
}

/** What documents take from a row beside the text; see rows.ts. */
const rowKeys = ['id', 'url', 'date', 'messages', 'conversations']

async function* fromParquet({ path, name }: SourceFile, field: string, patience: Patience): Items {
  const { source, close } = await openAccess(path, patience)
  try {
    const file = await openParquet(source)
    if (typeof file === 'string') return yield { source: name, rule: 'defect', detail: file }
    const top = file.columns.includes(field) ? field : field.split('.', 1)[0]!
    const dialogue = file.columns.some((column) => column === 'messages' || column === 'conversations')
    if (!file.columns.includes(top) && !dialogue) throw noColumn(path, field, file.columns)
    const wanted = file.columns.includes(top) ? [top, 'id', 'url', 'date'] : rowKeys
    for await (const item of file.read(wanted)) {
      const place = { source: name, line: item.row + 1 }
      if ('defect' in item)
        yield { ...place, rule: 'defect', detail: `${item.defect} (${item.rows} rows from row ${item.row + 1} on)` }
      else yield fromRow(item.value, field, place)
    }
  } finally {
    await close()
  }
}

/** A server that sends whole files only fills a temporary one. */
export async function openAccess(
  path: string,
  patience: Patience,
): Promise<{ source: RandomAccess; close(): Promise<void> }> {
  if (!isAddress(path)) {
    const source = await fileAccess(path)
    return { source, close: source.close }
  }
  const ranges = await openRanges(path, mannerOf(path, patience))
  if (ranges !== undefined) return { source: ranges, close: async () => {} }
  const folder = await mkdtemp(join(tmpdir(), 'xueba-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    const whole = join(folder, 'whole')
    const handle = await open(whole, 'w')
    for await (const chunk of await openBytes(path, patience)) await handle.write(chunk)
    await handle.close()
    const source = await fileAccess(whole)
    return { source, close: () => source.close().then(remove) }
  } catch (error) {
    await remove()
    throw error
  }
}

function noColumn(path: string, field: string, columns: string[]): UserError {
  return new UserError(
    `${path}: no column "${field}"; there are ${columns.join(', ')}`,
    `${path}：没有“${field}”这一列；有的列是 ${columns.join(', ')}`,
  )
}
