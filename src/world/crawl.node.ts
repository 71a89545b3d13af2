/** Writes the world as files that any corpus stage reads: a crawl as WARC, school books as JSON Lines. */
import { join } from 'node:path'
import { encodeWarcInfo, encodeWarcResponse, openAtomic, writeFileAtomic } from '../formats/index.ts'
import type { Exercise } from '../tasks/task.ts'
import { makeCrawl } from './crawl.ts'
import type { CrawledPage } from './crawl.ts'
import { makePages, pageText } from './pages.ts'
import { makeTextbooks } from './textbooks.ts'
import type { World } from './world.ts'

/** The town has no clock: every capture carries the same date. */
const DATE = '2026-01-01T00:00:00Z'

/** One gzip member a record, atomically; `path` should end in `.warc.gz`. */
export async function writeCrawl(path: string, pages: Iterable<CrawledPage>): Promise<void> {
  const file = await openAtomic(path)
  try {
    await file.write(encodeWarcInfo(DATE, { software: 'xueba', format: 'WARC File Format 1.1' }))
    for (const { url, html } of pages) await file.write(encodeWarcResponse({ url, date: DATE, body: html }))
  } catch (error) {
    await file.discard()
    throw error
  }
  await file.close()
}

/**
 * `web.warc.gz` and `textbooks.jsonl` (`{id, text}`) in `folder`; returns their paths. `exercises` are worked in the books: give
 * those of a task's train half only. `rounds`: see `makePages`, `makeTextbooks`.
 */
export async function writeWorld(
  folder: string,
  world: World,
  exercises: readonly Exercise[],
  rounds?: number,
): Promise<{ web: string; textbooks: string }> {
  const [web, textbooks] = [join(folder, 'web.warc.gz'), join(folder, 'textbooks.jsonl')]
  await writeCrawl(web, makeCrawl(world, makePages(world, { rounds })))
  const books = makeTextbooks({ language: world.language, seed: world.seed, exercises, rounds })
  const lines = books.map((book, i) => `${JSON.stringify({ id: `textbook-${i}`, text: pageText(book) })}\n`)
  await writeFileAtomic(textbooks, lines.join(''))
  return { web, textbooks }
}
