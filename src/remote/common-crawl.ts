/**
 * Common Crawl: a crawl by its id is a list of WARC (or WET) files of about 1 GB (150 MB) each.
 * (https://commoncrawl.org/get-started: crawl-data/CC-MAIN-2024-10/warc.paths.gz on https://data.commoncrawl.org)
 *
 * One file at a time is read, from its beginning, without a copy: that is as polite as the service asks for. COMMON_CRAWL_ENDPOINT names a
 * mirror. Left out: single captures through the index (CDX), and S3.
 */
import { gunzipSync } from 'node:zlib'
import { fileBytes, parseText } from '../formats/index.ts'
import { UserError } from '../run/index.ts'
import { insist, type Manner, type Patience, readAnswer } from './request.ts'

export interface Crawl {
  /** `CC-MAIN-2024-10` */
  id: string
  /** `warc.paths`-like list in a local file, or the paths themselves; the crawl's own list when absent. */
  paths?: string | readonly string[]
  format: 'warc' | 'wet'
}

const MOST_BYTES = 64 << 20

export const isCrawlId = (id: string) => /^CC-[A-Z]+[-/]\d{4}[\d/-]*$/.test(id)

const endpoint = () => (process.env.COMMON_CRAWL_ENDPOINT || 'https://data.commoncrawl.org').replace(/\/+$/, '')

export const crawlManner = (patience: Patience): Manner => ({ headers: {}, patience, refuse })

/** The address of a path of the list. */
export const crawlUrl = (path: string) =>
  /^https?:\/\//.test(path) ? path : `${endpoint()}/${path.replace(/^\/|^s3:\/\/commoncrawl\//, '')}`

/** The paths of a crawl's files, in the order of its list. Throws a UserError. */
export async function crawlPaths({ id, paths, format }: Crawl, patience: Patience): Promise<string[]> {
  if (Array.isArray(paths)) return [...paths]
  const lines = typeof paths === 'string' ? await localList(paths) : await ownList(id, format, patience)
  const found = lines.map((line) => line.trim()).filter((line) => line !== '')
  if (found.length === 0)
    throw new UserError(`${String(paths ?? id)}: the list of paths is empty`, `${String(paths ?? id)}：路径列表是空的`)
  return found
}

async function ownList(id: string, format: string, patience: Patience): Promise<string[]> {
  const url = `${endpoint()}/crawl-data/${id}/${format}.paths.gz`
  const answer = await insist(url, () => readAnswer(url, crawlManner(patience), MOST_BYTES), patience)
  const packed = answer[0] === 0x1f && answer[1] === 0x8b
  return (packed ? gunzipSync(answer, { maxOutputLength: MOST_BYTES }) : answer).toString('utf8').split('\n')
}

async function localList(path: string): Promise<string[]> {
  const lines: string[] = []
  for await (const item of parseText(fileBytes(path))) {
    if ('defect' in item)
      throw new UserError(`${path}, line ${item.line}: ${item.defect}`, `${path} 第 ${item.line} 行：${item.defect}`)
    lines.push(...item.text.split('\n'))
  }
  return lines
}

function refuse(url: string, status: number): UserError {
  if (status === 404)
    return new UserError(
      `${url}: 404: Common Crawl has no such crawl or file; its crawls are listed on https://index.commoncrawl.org`,
      `${url}：404：Common Crawl 没有这次抓取或这个文件；全部抓取列在 https://index.commoncrawl.org`,
    )
  if (status === 403)
    return new UserError(
      `${url}: 403: Common Crawl refuses this address; it does so for a day when it was asked too fast`,
      `${url}：403：Common Crawl 拒绝了这个地址；请求太快时会被拒绝一天`,
    )
  return new UserError(`${url} answered ${status}`, `${url} 的回答是 ${status}`)
}
