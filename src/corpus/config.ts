/** What a recipe says about a corpus; every threshold of every step, with its default. */
import { z } from 'zod'
import { decontaminateConfig } from './decontaminate.ts'
import { dedupConfig } from './dedup.ts'
import { filtersConfig } from './filters/index.ts'
import { piiConfig } from './pii.ts'

export const sourceConfig = z.strictObject({
  path: z.string().min(1).describe('file, folder or glob: .warc .arc .wet .html .txt .md .jsonl .csv, or .gz of them'),
  field: z.string().default('text').describe('field of a JSON line, or column of a CSV file, that holds the text'),
  filters: z
    .enum(['web', 'none'])
    .optional()
    .describe(
      'web: language, quality filters, near-duplicates, personal data; none: only exact duplicates. Archives and pages default to web, text and tables to none',
    ),
  limit: z.number().int().positive().optional().describe('take at most this many documents from the source'),
})

export const corpusConfig = z.strictObject({
  sources: z.array(sourceConfig).min(1),
  languages: z.array(z.string()).default(['zh', 'en']).describe('languages to keep, ISO 639-1; empty keeps all'),
  languageConfidence: z.number().min(0).max(1).default(0.5),
  /** FineWeb keeps it in the text where the page repeats it there; so do we, as the first line. */
  headline: z.boolean().default(true).describe("keep the page's headline as the first line"),
  traditional: z
    .enum(['keep', 'simplify'])
    .default('keep')
    .describe('simplify: traditional Chinese is converted to simplified (needs the package opencc-js)'),
  filters: filtersConfig.prefault({}),
  decontaminate: z
    .union([decontaminateConfig, z.literal(false)])
    .default(false)
    .describe('drop documents that share n-grams with evaluation questions'),
  dedup: dedupConfig.prefault({}),
  pii: z.union([piiConfig, z.literal(false)]).prefault({}),
  heldOut: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.02)
    .describe('share of documents kept for evaluation, by a hash of their text'),
})

export type SourceConfig = z.infer<typeof sourceConfig>
export type CorpusConfig = z.infer<typeof corpusConfig>
export type CorpusInput = z.input<typeof corpusConfig>
