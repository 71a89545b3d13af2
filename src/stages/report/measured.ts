/** What a stage measured, as a person reads it: a value before practice and the one after it on one line, bounds left to the report. */
import { formatValue } from './format.ts'
import { metricName } from './words.ts'
import type { Language } from '../stage.ts'

/** Bounds of intervals, gains (the report draws them with theirs), and the corpus's funnel. */
const ELSEWHERE = /(?:Low|High|Gain)(?:Before)?$|^(?:funnel|rejected)\./

export interface Measured {
  label: string
  value: string
}

export function measuredOf(metrics: Readonly<Record<string, number | null>>, language: Language): Measured[] {
  const said = (key: string) => formatValue(metrics[key] ?? null, metricName(key, language).unit, language)
  return Object.keys(metrics)
    .filter((key) => !(key.startsWith('masked.') && metrics[key] === 0))
    .filter((key) => !ELSEWHERE.test(key) && !(key.endsWith('Before') && key.slice(0, -6) in metrics))
    .map((key) => {
      const before = metrics[`${key}Before`] === undefined ? undefined : said(`${key}Before`)
      const value = before === undefined || before === said(key) ? said(key) : `${before} → ${said(key)}`
      return { label: metricName(key, language).label, value }
    })
}
