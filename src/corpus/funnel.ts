/** What became of a corpus, in numbers: `funnel.json`. Documents and bytes of UTF-8 that are left after each step, and that each rule took away. */
import { join } from 'node:path'
import { z } from 'zod'
import { UserError } from '../run/errors.ts'
import { readJson } from '../run/files.ts'
import type { Count } from './clean-batch.ts'
import { steps } from './clean.ts'

export const FUNNEL_FILE = 'funnel.json'

const amount = z.object({ documents: z.number(), bytes: z.number() })

const schema = z.object({
  documents: z.number(),
  bytes: z.number(),
  heldOut: z.number(),
  heldOutBytes: z.number(),
  rejected: z.number(),
  /** In order; the first is what was read. */
  funnel: z.array(amount.extend({ step: z.string() })),
  /** How many documents each rule refused, most first. */
  rules: z.record(z.string(), z.number()),
  /** And how many bytes of text they had where they were refused. */
  ruleBytes: z.record(z.string(), z.number()),
  languages: z.record(z.string(), z.number()),
  masked: z.record(z.string(), z.number()),
  sources: z.array(
    z.object({
      path: z.string(),
      read: amount,
      kept: amount,
      heldOut: amount,
      /** Its weight in pre-training, where it has one. */
      epochs: z.number().optional(),
      share: z.number().optional(),
    }),
  ),
  /** Of duplicates: how many clusters there are of each size, and the largest. */
  clusters: z.object({
    count: z.number(),
    sizes: z.record(z.string(), z.number()),
    largest: z.array(z.object({ id: z.string(), documents: z.number() })),
  }),
  /** With `dedup.lines`: what was taken out of documents that stay. */
  lines: z.object({ lines: z.number(), bytes: z.number() }).optional(),
})
export type CorpusReport = z.infer<typeof schema>
export type FunnelStep = CorpusReport['funnel'][number]

/** Steps of a single document, then of all together. */
export const funnelSteps = [...steps, 'exact-duplicate', 'near-duplicate', 'duplicate-lines'] as const

/** Throws a UserError for a folder without one. */
export async function readFunnel(folder: string): Promise<CorpusReport> {
  const path = join(folder, FUNNEL_FILE)
  const { data } = schema.safeParse(await readJson(path))
  if (data) return data
  throw new UserError(
    `${folder} holds no corpus: there is no readable ${FUNNEL_FILE}`,
    `${folder} 里没有语料：读不到 ${FUNNEL_FILE}`,
  )
}

/** Counts by name. */
export function counter(names: readonly string[] = []) {
  const counts = new Map<string, { documents: number; bytes: number }>(
    names.map((name) => [name, { documents: 0, bytes: 0 }]),
  )
  const add = (name: string, documents: number, bytes: number) => {
    if (!counts.has(name)) counts.set(name, { documents: 0, bytes: 0 })
    const entry = counts.get(name)!
    entry.documents += documents
    entry.bytes += bytes
  }
  return {
    add,
    addAll(more: Record<string, Count>) {
      for (const [name, [documents, bytes]] of Object.entries(more)) add(name, documents, bytes)
    },
    get: (name: string) => counts.get(name) ?? { documents: 0, bytes: 0 },
    entries: () => [...counts],
    /** Most first. */
    ranked: () => [...counts].sort(([a, x], [b, y]) => y.documents - x.documents || (a < b ? -1 : 1)),
  }
}

/** The report as numbers by name, as a stage's metrics are. */
export function corpusMetrics(report: CorpusReport): Record<string, number> {
  const metrics: Record<string, number> = {
    documents: report.documents,
    bytes: report.bytes,
    heldOut: report.heldOut,
    heldOutBytes: report.heldOutBytes,
    rejected: report.rejected,
  }
  for (const { step, documents, bytes } of report.funnel) {
    metrics[`funnel.${step}.documents`] = documents
    metrics[`funnel.${step}.bytes`] = bytes
  }
  for (const [rule, count] of Object.entries(report.rules)) metrics[`rejected.${rule}`] = count
  for (const [language, count] of Object.entries(report.languages)) metrics[`language.${language}`] = count
  for (const [kind, count] of Object.entries(report.masked)) metrics[`masked.${kind}`] = count
  return metrics
}
