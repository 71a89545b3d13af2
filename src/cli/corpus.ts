/** xueba corpus …: from raw web pages to clean text, each step by itself. */
import { ablate } from './corpus/ablate.ts'
import { build } from './corpus/build.ts'
import { explain } from './corpus/explain.ts'
import { exportVerb } from './corpus/export.ts'
import { extract } from './corpus/extract.ts'
import { funnel } from './corpus/funnel.ts'
import { language } from './corpus/language.ts'
import { warc } from './corpus/warc.ts'
import type { Group } from './verb.ts'

export const corpus: Group = {
  name: 'corpus',
  summary: { en: 'from web pages to clean text, step by step', zh: '从网页到干净的文本，一步一步看' },
  verbs: [build, funnel, explain, ablate, warc, extract, language, exportVerb],
}
