/**
 * What a source of a recipe is made of: files on this disk (a file, a folder read whole, a glob), an http(s) address, a dataset on the Hugging
 * Face Hub, a crawl of Common Crawl. Each file gets a kind by its ending, and the name that documents call it by: relative to the
 * folder that holds the path, or what pins it where it came from, so that a corpus does not depend on where it was built.
 */
import { existsSync } from 'node:fs'
import { glob, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { crawlPaths, crawlUrl, datasetFolder, openDataset, patience as usual } from '../remote/index.ts'
import type { Patience } from '../remote/index.ts'
import { codeOf, UserError } from '../run/errors.ts'
import type { Rejection } from './document.ts'

export type SourceKind = 'archive' | 'page' | 'text' | 'jsonl' | 'csv' | 'parquet'

/** What `sourceConfig` of config.ts says, without what only the pipeline needs. */
export type SourceSpec = { limit?: number | undefined } & (
  | { path: string }
  | { hf: string; config?: string | undefined; split?: string; revision?: string }
  | { commonCrawl: string; paths?: string | string[] | undefined; files?: number | undefined; format?: 'warc' | 'wet' }
)

export interface SourceFile {
  /** Of a file on this disk, or its http(s) address. */
  path: string
  /** What documents call it. */
  name: string
  kind: SourceKind
  /** 0 where a server has not been asked. */
  bytes: number
  /** Where a copy is kept, checked by the Hub's checksums; without one, a file from elsewhere is read as a stream or in ranges. */
  copy?: { path: string; sha256?: string; blob?: string }
}

const packed = String.raw`(\.gz|\.zst)?$`
const endings: [SourceKind, RegExp][] = [
  ['archive', new RegExp(String.raw`\.(warc|arc)(\.(wet|wat))?${packed}|\.wet${packed}`, 'i')],
  ['page', /\.(html?|xhtml)$/i],
  ['text', new RegExp(String.raw`\.(txt|text|md|markdown)${packed}`, 'i')],
  ['jsonl', new RegExp(String.raw`\.(jsonl|ndjson|json)${packed}`, 'i')],
  ['csv', new RegExp(String.raw`\.csv${packed}`, 'i')],
  ['parquet', /\.parquet$/i],
]
const known = '.warc .arc .wet .txt .md .jsonl .json .csv (or .gz, .zst of them) .html .parquet'

export const isAddress = (path: string) => /^https?:\/\//i.test(path)

/** How a person calls a source. */
export function sourceName(source: SourceSpec): string {
  if ('path' in source) return source.path
  return 'hf' in source ? source.hf : source.commonCrawl
}

/** The files of a source, sorted by name; rejections for files of a folder that no reader knows. Throws a UserError for what is not there. */
export async function listSource(source: SourceSpec, patience: Patience = usual): Promise<(SourceFile | Rejection)[]> {
  if ('hf' in source) return datasetFiles(source, patience)
  if ('commonCrawl' in source) return crawlFiles(source, patience)
  return isAddress(source.path) ? [addressFile(source.path)] : localFiles(source.path)
}

const kindOf = (name: string) => endings.find(([, pattern]) => pattern.test(name))?.[0]

const noReader = (path: string) =>
  new UserError(
    `${path}: no reader for this file; known are ${known}`,
    `${path}：没有能读这种文件的程序；可读的有 ${known}`,
  )

async function localFiles(path: string): Promise<(SourceFile | Rejection)[]> {
  const isGlob = /[*?[\]{}]/.test(path) && !existsSync(path)
  const root = isGlob ? resolve(path.slice(0, path.search(/[*?[\]{}]/)).replace(/[^/\\]*$/, '') || '.') : resolve(path)
  const paths = isGlob ? await matches(path) : await below(root, path)
  const base = isGlob ? root : dirname(root)
  const items: (SourceFile | Rejection)[] = []
  for (const file of paths.sort()) {
    const name = relative(base, file).split(sep).join('/')
    const kind = kindOf(file)
    if (kind !== undefined) items.push({ path: file, name, kind, bytes: (await stat(file)).size })
    else if (file === root) throw noReader(path)
    else
      items.push({ source: name, rule: 'unknown-file', detail: `no reader for ${basename(file)}; known are ${known}` })
  }
  if (paths.length === 0) throw new UserError(`${path}: no files`, `${path}：没有文件`)
  return items
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

/** The query and the host's user are no part of the name. */
function addressFile(address: string): SourceFile {
  const url = URL.parse(address)
  const kind = url === null ? undefined : kindOf(url.pathname)
  if (url === null || kind === undefined) throw noReader(address)
  return { path: address, name: `${url.host}${decodeURI(url.pathname)}`, kind, bytes: 0 }
}

/** With a limit, a few documents of a file of gigabytes may do: nothing is copied then. */
async function datasetFiles(
  { hf, config, split = 'train', revision = 'main', limit }: Extract<SourceSpec, { hf: string }>,
  patience: Patience,
): Promise<SourceFile[]> {
  const query = { name: hf, revision, split, ...(config === undefined ? {} : { config }) }
  const { files, revision: commit } = await openDataset(query, patience)
  return files.map(({ url, path, size, sha256, blob }) => {
    const kind = kindOf(path)
    if (kind === undefined) throw noReader(path)
    const check = { ...(sha256 === undefined ? {} : { sha256 }), ...(blob === undefined ? {} : { blob }) }
    const kept = datasetFolder(hf, commit, ...path.split('/'))
    const copy = limit === undefined || existsSync(kept) ? { copy: { path: kept, ...check } } : {}
    return { path: url, name: `${hf}@${commit.slice(0, 12)}/${path}`, kind, bytes: size, ...copy }
  })
}

async function crawlFiles(
  { commonCrawl, paths, files, format = 'warc' }: Extract<SourceSpec, { commonCrawl: string }>,
  patience: Patience,
): Promise<SourceFile[]> {
  const list = await crawlPaths({ id: commonCrawl, format, ...(paths === undefined ? {} : { paths }) }, patience)
  return list.slice(0, files).map((path) => {
    const kind = kindOf(path)
    if (kind === undefined) throw noReader(path)
    return { path: crawlUrl(path), name: path.replace(/^https?:\/\/[^/]+\//, ''), kind, bytes: 0 }
  })
}
