/**
 * A document's life: the page as it was found, the text that was taken from it, and what every rule said, also behind the one that dropped it. The
 * page is read again from where it came from (pages.ts), and judged with the thresholds of this run. Documents that were texts from the
 * beginning, and pages that are gone, have their text and their verdict only. Duplicates show beside their twins instead (`rule`, `detail`).
 */
import { z } from 'zod'
import { corpusConfig, explainDocument, loadLists, passes, ruleText, verdictOf } from '../../corpus/index.ts'
import { latestStage, type Run } from '../../run/index.ts'
import { documentById } from './artifacts.ts'
import { pagesOf } from './pages.ts'

export interface LifeCheck {
  rule: string
  name: { en: string; zh: string }
  passes: boolean
  /** Null where a rule is not about a number. */
  value: number | null
  threshold: number
  wants: '≥' | '≤'
  /** What decided: a piece of the text, or words. */
  quote: string | null
}

export interface Life {
  id: string
  url: string | null
  html: string | null
  text: string
  /** What dropped it, as the log of the corpus says; null: it is read. */
  rule: string | null
  detail: string | null
  steps: { step: string; checks: LifeCheck[]; failed: string | null }[]
  /** Lines that were taken out on the way. */
  dropped: { rule: string; line: string }[]
}

/** A page longer than this is shown, and judged, without its end. */
const MOST_HTML = 400_000

export async function lifeOf(run: Run, id: string): Promise<Life> {
  const known = await documentById(run, id)
  const say = (key: string) => (typeof known[key] === 'string' ? known[key] : null)
  const html = (await pagesOf(run, new Set([id]))).get(id)?.slice(0, MOST_HTML) ?? null
  const life: Life = {
    id,
    url: say('url'),
    html,
    text: say('text') ?? '',
    rule: say('rule'),
    detail: say('detail'),
    steps: [],
    dropped: [],
  }
  const config = configOf(run)
  if (html === null || !config) return life
  const raw = { id, source: say('source') ?? id, html, ...(life.url === null ? {} : { url: life.url }) }
  const { text, steps, dropped } = explainDocument(raw, config, await loadLists(config))
  return {
    ...life,
    text: text === '' ? life.text : text,
    steps: steps.map(({ step, checks, failed }) => ({
      step,
      failed: failed?.detail ?? null,
      checks: checks.map((check): LifeCheck => {
        const { en, zh, presence } = ruleText(check.rule)
        const { rule, value, threshold, wants } = check
        const isNumber = presence !== true && rule !== 'language'
        const quote = verdictOf(check).quote ?? null
        return {
          rule,
          name: { en, zh },
          passes: passes(check),
          value: isNumber ? value : null,
          threshold,
          wants,
          quote,
        }
      }),
    })),
    dropped,
  }
}

/** The run's thresholds; where it reads from, and the questions that it keeps out, do not matter here. Of an older run, today's where its own are no more. */
function configOf(run: Run) {
  const known = latestStage(run, 'corpus')?.manifest?.config ?? {}
  const { filters, sources: _sources, decontaminate: _decontaminate, ...shape } = corpusConfig.shape
  const own = Object.keys(shape).map((key) => [key, known[key]])
  const thresholds = z.record(z.string(), z.unknown()).safeParse(known.filters).data ?? {}
  const usable = Object.entries(thresholds).filter(([key, value]) => filters.safeParse({ [key]: value }).success)
  const config = { ...Object.fromEntries(own), filters: Object.fromEntries(usable), sources: [{ path: '-' }] }
  return corpusConfig.safeParse({ ...config, decontaminate: false }).data
}
