/**
 * The HTML that a document was made from, read again from the sources of the run's recipe: pages are not kept, they lie where they came from.
 * Files are read from their beginning until the page is found, so a page far into a large archive is given up on (`MOST_READ`).
 * A recording has no sources; it keeps some pages in `pages.jsonl`.
 */
import { existsSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isRejection, listSource, readDocuments } from '../../corpus/index.ts'
import { latestStage, type Run } from '../../run/index.ts'

export const PAGES = 'pages.jsonl'
/** Documents read in search of one. */
const MOST_READ = 20_000

/** The HTML of these documents, as far as it is found. */
export async function pagesOf(run: Run, ids: ReadonlySet<string>): Promise<Map<string, string>> {
  const stage = latestStage(run, 'corpus')
  const found = new Map<string, string>()
  if (!stage) return found
  const kept = join(stage.folder, PAGES)
  if (existsSync(kept)) {
    for (const line of (await readFile(kept, 'utf8')).split('\n').filter(Boolean)) {
      const { id, html } = JSON.parse(line) as { id: string; html: string }
      if (ids.has(id)) found.set(id, html)
    }
    return found
  }
  const sources = (stage.manifest?.config.sources ?? []) as { path?: unknown }[]
  const crawl = join(stage.folder, 'crawl')
  // File by file, as the stage reads them: documents are named after the file, and after the folder where a folder is read.
  const town = existsSync(crawl) ? readdirSync(crawl).map((file) => join(crawl, file)) : []
  const paths = [...town, ...sources.flatMap(({ path }) => (typeof path === 'string' ? [path] : []))]
  let read = 0
  for (const path of paths.filter((one) => existsSync(one)))
    for (const file of await listSource({ path })) {
      if (!('kind' in file) || (file.kind !== 'archive' && file.kind !== 'page')) continue
      for await (const document of readDocuments(file)) {
        if (found.size === ids.size || read++ > MOST_READ) return found
        if (!isRejection(document) && document.html !== undefined && ids.has(document.id))
          found.set(document.id, document.html)
      }
    }
  return found
}
