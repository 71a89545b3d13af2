/** What a recipe says about a corpus; every threshold of every step, with its default. */
import { z } from 'zod'
import { dataSource } from '../run/schema.ts'
import { decontaminateConfig } from './decontaminate.ts'
import { dedupConfig } from './dedup.ts'
import { filtersConfig } from './filters/index.ts'
import { piiConfig } from './pii.ts'

/** What every source may say. */
const common = {
  field: z
    .string()
    .default('text')
    .describe(
      'key of a JSON line, or column of a CSV or Parquet file, that holds the text; a.b for one inside another',
    ),
  filters: z
    .enum(['web', 'none'])
    .optional()
    .describe(
      'web: language, quality filters, near-duplicates, personal data; none: only exact duplicates. Archives and pages default to web, text and tables to none',
    ),
  epochs: z
    .number()
    .min(0)
    .optional()
    .describe('how often its documents are read in an epoch of pre-training; 0.5 reads half of them. Default 1'),
  share: z
    .number()
    .gt(0)
    .max(1)
    .optional()
    .describe('instead of epochs: its share of the tokens that pre-training reads; sources without one share the rest'),
  limit: z.number().int().positive().optional().describe('take at most this many documents from the source'),
}

export const fileSource = z.strictObject({
  path: dataSource().describe(
    'file, folder, glob or http(s) address: .warc .arc .wet .html .txt .md .jsonl .json .csv .parquet, or .gz and .zst of them',
  ),
  ...common,
})

export const hubSource = z.strictObject({
  hf: z
    .string()
    .regex(/^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/, 'a dataset is called OWNER/NAME')
    .describe('dataset on the Hugging Face Hub, of Parquet, JSONL, CSV or text files: HuggingFaceFW/fineweb'),
  config: z.string().min(1).optional().describe('configuration of the dataset, its default one if absent'),
  split: z.string().min(1).default('train').describe('split of the dataset; all for every one'),
  revision: z.string().min(1).default('main').describe('branch, tag or commit'),
  ...common,
})

export const crawlSource = z.strictObject({
  commonCrawl: z
    .string()
    .regex(/^CC-[A-Z]+[-/]\d{4}[\d/-]*$/, 'a crawl is called like CC-MAIN-2024-10')
    .describe('crawl of Common Crawl: CC-MAIN-2024-10'),
  paths: z
    .union([dataSource(), z.array(z.string().min(1)).min(1)])
    .optional()
    .describe("paths of files of the crawl, or a file with a path a line; the crawl's own list if absent"),
  files: z
    .number()
    .int()
    .positive()
    .optional()
    .describe('take at most this many files of the list, from its beginning'),
  format: z.enum(['warc', 'wet']).default('warc').describe("warc: pages; wet: Common Crawl's own plain text"),
  ...common,
})

export const sourceConfig = z.union([fileSource, hubSource, crawlSource])

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
