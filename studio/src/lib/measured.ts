/** What a stage measured, as a person reads it: a value before practice and the one after it on one line, bounds left to the report. */
import { formatValue } from '../../../src/stages/report/format.ts'
import { metricName } from '../../../src/stages/report/words.ts'

/** Bounds of intervals, gains (the report draws them with theirs), and what the corpus screen draws. */
const ELSEWHERE = /(?:Low|High|Gain)(?:Before)?$|^(?:funnel|rejected)\./

export interface Measured {
  label: string
  value: string
}

export function measuredOf(metrics: Readonly<Record<string, number | null>>, language: 'zh' | 'en'): Measured[] {
  const said = (key: string) => formatValue(metrics[key] ?? null, metricName(key, language).unit, language)
  return Object.keys(metrics)
    .filter((key) => !ELSEWHERE.test(key) && !(key.endsWith('Before') && key.slice(0, -6) in metrics))
    .map((key) => {
      const before = metrics[`${key}Before`] === undefined ? undefined : said(`${key}Before`)
      const value = before === undefined || before === said(key) ? said(key) : `${before} → ${said(key)}`
      return { label: metricName(key, language).label, value }
    })
}
