/** Numbers as people read them, in both languages. */
import { language } from './language.svelte.ts'

const locale = () => (language() === 'zh' ? 'zh-CN' : 'en')

export const whole = (n: number): string => Math.round(n).toLocaleString(locale())

/** 557952 → 558k, 55.8 万. */
export function count(n: number): string {
  if (language() === 'zh') {
    if (n >= 1e12) return `${trim(n / 1e12)} 万亿`
    if (n >= 1e8) return `${trim(n / 1e8)} 亿`
    if (n >= 1e4) return `${trim(n / 1e4)} 万`
    return whole(n)
  }
  if (n >= 1e12) return `${trim(n / 1e12)} trillion`
  if (n >= 1e9) return `${trim(n / 1e9)} billion`
  if (n >= 1e6) return `${trim(n / 1e6)} million`
  if (n >= 1e4) return `${trim(n / 1e3)}k`
  return whole(n)
}

const trim = (n: number) => (n >= 1000 ? Math.round(n).toLocaleString('en') : Number(n.toPrecision(3)).toString())

export function bytes(n: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let at = 0
  while (n >= 1000 && at < units.length - 1) [n, at] = [n / 1000, at + 1]
  return `${trim(n)} ${units[at]}`
}

export function duration(seconds: number): string {
  const zh = language() === 'zh'
  const s = Math.round(seconds)
  if (seconds < 1) return zh ? '不到 1 秒' : 'under 1 s'
  if (s < 60) return zh ? `${s} 秒` : `${s} s`
  const [m, h] = [Math.floor(s / 60), Math.floor(s / 3600)]
  if (h > 0) return zh ? `${h} 小时 ${m % 60} 分` : `${h} h ${m % 60} min`
  return zh ? `${m} 分 ${s % 60} 秒` : `${m} min ${s % 60} s`
}

export const share = (p: number, digits = 0): string => `${(100 * p).toFixed(digits)}%`

/** A probability that may be tiny. */
export const chance = (p: number): string =>
  p >= 0.0995 ? share(p) : p >= 0.001 ? share(p, 1) : p > 0 ? '<0.1%' : '0%'

export const number = (n: number | null | undefined, digits = 3): string =>
  n === null || n === undefined
    ? '–'
    : Number.isInteger(n)
      ? whole(n)
      : Math.abs(n) >= 1e5 || (n !== 0 && Math.abs(n) < 1e-3)
        ? n.toExponential(2)
        : Number(n.toPrecision(digits)).toString()
