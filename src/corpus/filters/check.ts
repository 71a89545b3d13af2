/**
 * What a filter says about a text: one check after the other, each a value against a threshold. Filters are generators, so that cleaning
 * stops at the first that fails and computes nothing after it, while `xueba corpus explain` reads all of them.
 */
import type { Verdict } from '../document.ts'
import { ruleText } from './rules.ts'

export interface Check {
  /** `filter/rule`, as in rejections; `rules.ts` says each in words. */
  rule: string
  value: number
  threshold: number
  /** On which side of the threshold the value has to be; the threshold itself passes. */
  wants: '≥' | '≤'
  /** The line, or the words, that decide, where there are such. */
  quote?: string
}

export function atLeast(rule: string, value: number, threshold: number, quote?: string): Check {
  return { rule, value, threshold, wants: '≥', ...(quote === undefined ? {} : { quote }) }
}

export function atMost(rule: string, value: number, threshold: number, quote?: string): Check {
  return { rule, value, threshold, wants: '≤', ...(quote === undefined ? {} : { quote }) }
}

export const passes = ({ value, threshold, wants }: Check): boolean =>
  wants === '≥' ? value >= threshold : value <= threshold

/** The first check that fails, as a verdict; null when all pass. */
export function judge(checks: Iterable<Check>): Verdict {
  for (const check of checks) if (!passes(check)) return verdictOf(check)
  return null
}

export function verdictOf({ rule, value, threshold, wants, quote }: Check): NonNullable<Verdict> {
  const { en, presence } = ruleText(rule)
  const clipped = quote === undefined ? undefined : clipLine(quote)
  const number = `${short(value)} ${en} ${wants === '≥' ? '<' : '>'} ${short(threshold)}`
  return {
    rule,
    detail: presence === undefined ? number : clipped === undefined ? en : `${en}: ${clipped}`,
    value,
    threshold,
    ...(clipped === undefined ? {} : { quote: clipped }),
  }
}

/** Three digits: how verdicts write numbers. Whole numbers stay whole. */
export const short = (value: number): string =>
  Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(3)))

const longestLine = 160

/** A line that is quoted: never half a character. */
export function clipLine(line: string): string {
  return line.length <= longestLine ? line : `${line.slice(0, longestLine - 1).replace(/[\ud800-\udbff]$/, '')}…`
}
