/** Large numbers in words. */
import { say } from '../language.ts'

/** `15 trillion`, `15 万亿`; small numbers with two digits. */
export function big(value: number): string {
  const units: [number, string, string][] = [
    [1e12, ' trillion', ' 万亿'],
    [1e8, '', ' 亿'],
    [1e9, ' billion', ''],
    [1e6, ' million', ''],
    [1e4, '', ' 万'],
  ]
  if (Math.abs(value) >= 1e16) return value.toExponential(1).replace(/e\+?(\d+)/, (_, e: string) => ` × 10^${e}`)
  const found = units
    .filter(([, en, zh]) => say({ en, zh }) !== '')
    .toSorted((a, b) => b[0] - a[0])
    .find(([unit]) => Math.abs(value) >= unit)
  if (!found) return value >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(2)))
  const [unit, en, zh] = found
  return `${Number((value / unit).toPrecision(3))}${say({ en, zh })}`
}
