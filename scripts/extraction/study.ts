/**
 * How good and how fast main-text extraction is, on every set of gold pages in the data folder, beside Readability on linkedom.
 *
 * Both read the same decoded pages, in turn, page by page; a page's time is the median of its passes. Their HTML becomes text the same way. Rules were
 * made on the half `develop` of the sets; sets that were never looked at are marked so below.
 */
import { Readability } from '@mozilla/readability'
import { parseHTML } from 'linkedom'
import { join } from 'node:path'
import { decodeHtml, detectLanguage, extract } from '../../src/corpus/index.ts'
import { linesOf } from '../../src/corpus/extract/page.ts'
import { UserError } from '../../src/run/index.ts'
import { studyCharsets } from './charsets.ts'
import { mutate } from './mutate.ts'
import { matchSegments, matchShingles, meanScore, pooledScore } from './score.ts'
import type { Counts, Score } from './score.ts'
import { goldSets, readSet } from './sets.ts'
import type { GoldPage } from './sets.ts'

const data = process.env['XUEBA_DATA'] ?? join(import.meta.dirname, '../../../shared/data')

/** Neither half was used for rules. Of the others `validate` was not. */
const unseen = new Set(['web-zyte'])

const methods = {
  ours: (html: string) => extract(html).text,
  readability: (html: string) => {
    const { document } = parseHTML(html)
    const article = new Readability(document as unknown as Document).parse()
    return linesOf(article?.content ?? '').join('\n')
  },
}
type Method = keyof typeof methods

interface Row {
  page: GoldPage
  language: string
  counts: Record<Method, Counts>
  /** Milliseconds. */
  time: Record<Method, number>
  failed: Record<Method, boolean>
}

export interface ExtractionOptions {
  /** Names of sets; all when empty. */
  sets: string[]
  parts: string[]
  passes: number
}

export function studyExtraction({ sets, parts, passes }: ExtractionOptions): boolean {
  const has = (part: string) => parts.length === 0 || parts.includes(part)
  if (has('scores')) {
    for (const set of sets.length > 0 ? sets : goldSets(data))
      printSet(
        set,
        readSet(data, set).map((page) => measure(page, passes)),
      )
  }
  if (has('charsets')) studyCharsets(data)
  return has('fuzz') ? studyFuzz(sets, 10_000) : true
}

function measure(page: GoldPage, passes: number): Row {
  const html = decodeHtml(page.bytes).text
  const { gold } = page
  const row: Row = {
    page,
    language: 'text' in gold ? detectLanguage(gold.text).language : '',
    counts: { ours: none, readability: none },
    time: { ours: 0, readability: 0 },
    failed: { ours: false, readability: false },
  }
  const times: Record<Method, number[]> = { ours: [], readability: [] }
  for (let pass = 0; pass < passes; pass++) {
    for (const method of ['ours', 'readability'] as const) {
      let text = ''
      const start = performance.now()
      try {
        text = methods[method](html)
      } catch {
        row.failed[method] = true
      }
      times[method].push(performance.now() - start)
      if (pass > 0) continue
      row.counts[method] =
        'text' in gold ? matchShingles(gold.text, text) : matchSegments(gold.present, gold.absent, text)
    }
  }
  row.time = { ours: median(times.ours), readability: median(times.readability) }
  return row
}

const none: Counts = { hit: 0, extra: 0, missed: 0 }
const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!

function printSet(set: string, rows: Row[]) {
  const score = 'text' in rows[0]!.page.gold ? meanScore : pooledScore
  const print = (name: string, some: Row[]) => {
    if (some.length === 0) return
    const of = (method: Method) => describe(score(some.map(({ counts }) => counts[method])))
    console.log(`| ${set} | ${name} | ${some.length} | ${of('ours')} | ${of('readability')} |`)
  }
  console.log('\n| set | part | pages | ours: P, R, F1 | Readability: P, R, F1 |\n|---|---|---|---|---|')
  if (unseen.has(set)) print('all, unseen', rows)
  else
    for (const half of ['develop', 'validate'] as const)
      print(
        half,
        rows.filter(({ page }) => page.half === half),
      )
  const languages = Object.groupBy(rows, ({ language }) => language)
  for (const [language, some] of Object.entries(languages))
    if (language !== '' && some!.length >= 3) print(language, some!)
  const bytes = rows.reduce((sum, { page }) => sum + page.bytes.length, 0)
  const speed = (method: Method) => bytes / 1e3 / rows.reduce((sum, { time }) => sum + time[method], 0)
  const failed = (method: Method) => rows.filter((row) => row.failed[method]).length
  console.log(
    `${set}: ${(bytes / 1e6).toFixed(1)} MB; ours ${speed('ours').toFixed(1)} MB/s, Readability ${speed('readability').toFixed(1)} MB/s,` +
      ` ratio ${(speed('ours') / speed('readability')).toFixed(1)}; failed: ours ${failed('ours')}, Readability ${failed('readability')}`,
  )
}

const describe = ({ precision, recall, f1 }: Score) =>
  `${precision.toFixed(3)}, ${recall.toFixed(3)}, **${f1.toFixed(3)}**`

/** Broken copies of pages: nothing but refusals in a sentence, none slow. */
function studyFuzz(sets: string[], count: number): boolean {
  const pages = (sets.length > 0 ? sets : goldSets(data)).flatMap((set) => readSet(data, set, 40))
  let refused = 0
  let slowest = { time: 0, length: 0 }
  let characters = 0
  const start = performance.now()
  for (let i = 0; i < count; i++) {
    const html = mutate(decodeHtml(pages[i % pages.length]!.bytes).text, 1, i)
    const before = performance.now()
    try {
      extract(html)
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      refused++
    }
    const time = performance.now() - before
    characters += html.length
    if (time > slowest.time) slowest = { time, length: html.length }
  }
  const { rss } = process.memoryUsage()
  console.log(
    `\nfuzz: ${count} broken pages, ${(characters / 1e6).toFixed(0)} million characters in ${((performance.now() - start) / 1e3).toFixed(0)} s; ` +
      `${refused} refused, no other error; slowest ${slowest.time.toFixed(0)} ms (${slowest.length} characters); ${(rss / 1e6).toFixed(0)} MB in memory`,
  )
  return slowest.time < 10_000
}
