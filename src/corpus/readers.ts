/**
 * Local files as raw documents: archives, pages, text, tables, by their endings.
 *
 * A path is a file, a folder (read whole, in the order of names) or a glob. Names in documents are relative to the folder that
 * holds the path, so that a corpus does not depend on where it was built. Whatever is no document is a rejection with its place; only
 * what the person asked for and cannot be had (no such file, no such column) is an error.
 */
import { existsSync } from 'node:fs'
import { glob, readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { parseHttp, readCsv, readJsonl, readText, readWarc } from '../formats/index.ts'
import type { WarcRecord } from '../formats/index.ts'
import { codeOf, UserError } from '../run/errors.ts'
import { decodeHtml } from './charset.ts'
import type { RawDocument, Rejection } from './document.ts'

export type SourceKind = 'archive' | 'page' | 'text' | 'jsonl' | 'csv'

export interface SourceSpec {
  path: string
  /** Of JSONL rows and CSV columns that hold the text. Default `text`. */
  field?: string
}

export interface SourceFile {
  path: string
  /** What documents call it. */
  name: string
  kind: SourceKind
  bytes: number
}

const endings: [SourceKind, RegExp][] = [
  ['archive', /\.(warc|arc)(\.(wet|wat))?(\.gz)?$|\.wet(\.gz)?$/i],
  ['page', /\.(html?|xhtml)$/i],
  ['text', /\.(txt|text|md|markdown)(\.gz)?$/i],
  ['jsonl', /\.(jsonl|ndjson)(\.gz)?$/i],
  ['csv', /\.csv(\.gz)?$/i],
]
const known = '.warc .arc .wet .html .txt .md .jsonl .csv (.gz)'
const pageLimit = 64 << 20

/** The files of a source, sorted by name; rejections for files of a folder that no reader knows. Throws a UserError for a path that is not there. */
export async function listSource({ path }: SourceSpec): Promise<(SourceFile | Rejection)[]> {
  const isGlob = /[*?[\]{}]/.test(path) && !existsSync(path)
  const root = isGlob ? resolve(path.slice(0, path.search(/[*?[\]{}]/)).replace(/[^/\\]*$/, '') || '.') : resolve(path)
  const paths = isGlob ? await matches(path) : await below(root, path)
  const base = isGlob ? root : dirname(root)
  const items: (SourceFile | Rejection)[] = []
  for (const file of paths.sort()) {
    const name = relative(base, file).split(sep).join('/')
    const kind = endings.find(([, pattern]) => pattern.test(file))?.[0]
    if (kind !== undefined) items.push({ path: file, name, kind, bytes: (await stat(file)).size })
    else if (file === root)
      throw new UserError(
        `${path}: no reader for this file; known are ${known}`,
        `${path}：没有能读这种文件的程序；可读的有 ${known}`,
      )
    else
      items.push({ source: name, rule: 'unknown-file', detail: `no reader for ${basename(file)}; known are ${known}` })
  }
  if (paths.length === 0) throw new UserError(`${path}: no files`, `${path}：没有文件`)
  return items
}

/** Every document of a file, every defect in it as a rejection. */
export async function* readDocuments(file: SourceFile, field = 'text'): AsyncGenerator<RawDocument | Rejection> {
  if (file.kind === 'archive') yield* fromArchive(file)
  else if (file.kind === 'page') yield await fromPage(file)
  else if (file.kind === 'text') yield* fromText(file)
  else if (file.kind === 'jsonl') yield* fromJsonl(file, field)
  else yield* fromCsv(file, field)
}

async function matches(pattern: string): Promise<string[]> {
  const found: string[] = []
  for await (const path of glob(pattern)) if ((await stat(path)).isFile()) found.push(resolve(path))
  return found
}

async function below(root: string, asked: string): Promise<string[]> {
  const info = await stat(root).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error
    throw new UserError(`${asked}: no such file or folder`, `${asked}：没有这个文件或文件夹`)
  })
  if (info.isFile()) return [root]
  const names = await readdir(root, { recursive: true })
  const files: string[] = []
  for (const name of names.filter((name) => !name.split(sep).some((part) => part.startsWith('.')))) {
    const path = join(root, name)
    if ((await stat(path).catch(() => undefined))?.isFile()) files.push(path) // links are followed
  }
  return files
}

async function* fromArchive({ path, name }: SourceFile): AsyncGenerator<RawDocument | Rejection> {
  let number = 0
  for await (const record of readWarc(path)) {
    if ('defect' in record) yield { source: name, offset: record.offset, rule: 'defect', detail: record.defect }
    else {
      const item = fromRecord(record, name, number++)
      if (item !== undefined) yield item
    }
  }
}

/** Undefined for records that are not about a page's content: requests, metadata, the description of the file. */
function fromRecord(
  { type, url, offset, content, headers }: WarcRecord,
  source: string,
  number: number,
): RawDocument | Rejection | undefined {
  const place = { source, offset, ...(url === undefined ? {} : { url }) }
  const id = `${source}#${number}`
  const reject = (rule: string, detail: string): Rejection => ({ ...place, id, rule, detail })
  if (type === 'conversion') return textDocument(new TextDecoder().decode(content), { ...place, id })
  if (type === 'revisit') return reject('revisit', 'the content was captured before')
  if (type === 'resource') {
    const mime = headers.get('content-type') ?? ''
    return isPage(mime)
      ? { ...place, id, html: decodeHtml(content, mime).text }
      : reject('not-a-page', `content type ${mime || 'missing'}`)
  }
  if (type !== 'response') return undefined
  if (url !== undefined && !/^https?:/i.test(url)) return reject('not-a-page', `address ${url.slice(0, 100)}`)
  const response = parseHttp(content)
  if (response === undefined) return reject('defect', 'the response has no HTTP status line')
  if (response.status !== 200) return reject('http-status', `status ${response.status}`)
  if (response.defect !== undefined) return reject('defect', response.defect)
  const mime = response.headers.get('content-type') ?? ''
  if (!isPage(mime) && !(mime === '' && looksLikeHtml(response.body)))
    return reject('not-a-page', `content type ${mime || 'missing'}`)
  const { text, charset } = decodeHtml(response.body, mime)
  if (/^text\/plain/i.test(mime) && !looksLikeHtml(response.body)) return textDocument(text, { ...place, id })
  return { ...place, id, html: text, meta: { charset } }
}

const isPage = (mime: string) => /^(text\/html|application\/xhtml\+xml|text\/plain)\b/i.test(mime)
const looksLikeHtml = (body: Uint8Array) =>
  /^\s*(<!doctype html|<html|<head|<body)/i.test(new TextDecoder('latin1').decode(body.subarray(0, 512)))

async function fromPage({ path, name, bytes }: SourceFile): Promise<RawDocument | Rejection> {
  if (bytes > pageLimit)
    return { source: name, rule: 'defect', detail: `page of ${bytes} bytes; more than ${pageLimit} are refused` }
  const { text, charset } = decodeHtml(await readFile(path))
  return { id: name, source: name, html: text, meta: { charset } }
}

async function* fromText({ path, name }: SourceFile): AsyncGenerator<RawDocument | Rejection> {
  for await (const item of readText(path)) {
    if ('defect' in item)
      yield { source: name, line: item.line, offset: item.offset, rule: 'defect', detail: item.defect }
    else yield textDocument(item.text, { id: `${name}#${item.line}`, source: name, line: item.line })
  }
}

async function* fromJsonl({ path, name }: SourceFile, field: string): AsyncGenerator<RawDocument | Rejection> {
  for await (const item of readJsonl(path)) {
    const place = { source: name, line: item.line }
    if ('defect' in item) {
      yield { ...place, offset: item.offset, rule: 'defect', detail: item.defect }
      continue
    }
    const row = item.value
    if (typeof row !== 'object' || row === null)
      yield { ...place, rule: 'defect', detail: `an object was expected, not ${JSON.stringify(row).slice(0, 40)}` }
    else {
      const { [field]: text, url, id } = row as Record<string, unknown>
      const own = {
        id: typeof id === 'string' && id !== '' ? id : `${name}#${item.line}`,
        ...(typeof url === 'string' ? { url } : {}),
      }
      if (typeof text === 'string') yield textDocument(text, { ...own, ...place })
      else if ('messages' in row)
        yield { ...place, ...own, rule: 'dialogue', detail: '"messages" are for the sft stage, not for the corpus' }
      else
        yield {
          ...place,
          ...own,
          rule: 'defect',
          detail: `no string "${field}"; the row has ${Object.keys(row).slice(0, 10).join(', ') || 'no keys'}`,
        }
    }
  }
}

async function* fromCsv({ path, name }: SourceFile, field: string): AsyncGenerator<RawDocument | Rejection> {
  for await (const item of readCsv(path)) {
    const place = { source: name, line: item.line }
    if ('defect' in item) {
      yield { ...place, offset: item.offset, rule: 'defect', detail: item.defect }
      continue
    }
    const text = item.row[field]
    if (text === undefined) {
      const columns = Object.keys(item.row).join(', ')
      throw new UserError(
        `${path}: no column "${field}"; there are ${columns}`,
        `${path}：没有“${field}”这一列；有的列是 ${columns}`,
      )
    }
    yield textDocument(text, { ...place, id: `${name}#${item.line}` })
  }
}

/** JSON can hold half a character, which no UTF-8 file can: refused, not replaced in silence. */
function textDocument(
  text: string,
  place: { id: string; source: string; line?: number; offset?: number; url?: string },
): RawDocument | Rejection {
  if (text.isWellFormed()) return { ...place, text }
  return { ...place, rule: 'defect', detail: 'the text holds half of a surrogate pair' }
}
