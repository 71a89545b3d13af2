/** xueba corpus …: from raw web pages to clean text, each step by itself. */
import { explain } from './corpus/explain.ts'
import { extract } from './corpus/extract.ts'
import { language } from './corpus/language.ts'
import type { Group } from './verb.ts'

export const corpus: Group = {
  name: 'corpus',
  summary: { en: 'from web pages to clean text, step by step', zh: '从网页到干净的文本，一步一步看' },
  verbs: [extract, language, explain],
}
