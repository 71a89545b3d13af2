/** The three files of a report, each written whole or not at all, to the top of the run and wherever else they are wanted. */
import { join } from 'node:path'
import { writeFileAtomic } from '../../formats/index.ts'
import type { ReportCard } from './card.ts'
import { toMarkdown } from './markdown.ts'
import { toPage } from './page.ts'

export const REPORT_FILES = ['report.json', 'report.md', 'report.html'] as const

/** Returns the path of the page at the top of the run. */
export async function writeReport(run: string, card: ReportCard, alsoTo: readonly string[] = []): Promise<string> {
  const contents = [`${JSON.stringify(card, null, 2)}\n`, toMarkdown(card, run), toPage(card, run)]
  for (const folder of [...alsoTo, run])
    for (const [i, name] of REPORT_FILES.entries()) await writeFileAtomic(join(folder, name), contents[i]!)
  return join(run, 'report.html')
}
