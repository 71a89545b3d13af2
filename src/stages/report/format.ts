/** Numbers, durations and intervals as people write them, in both languages. */
import type { Language } from '../stage.ts'
import type { Interval } from './card.ts'
import type { Unit } from './words.ts'

export function formatDuration(seconds: number | null, language: Language): string {
  if (seconds === null) return '–'
  const [h, m, s] = language === 'zh' ? [' 小时', ' 分', ' 秒'] : [' h', ' min', ' s']
  if (seconds < 10) return `${seconds.toFixed(1)}${s}`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole}${s}`
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return `${minutes}${m}${whole % 60 > 0 ? ` ${whole % 60}${s}` : ''}`
  return `${Math.floor(minutes / 60)}${h}${minutes % 60 > 0 ? ` ${minutes % 60}${m}` : ''}`
}

/** A metric's value by its unit. */
export function formatValue(value: number | null, unit: Unit, language: Language): string {
  if (value === null) return '–'
  if (unit === 'yes') return value ? { zh: '是', en: 'yes' }[language] : { zh: '否', en: 'no' }[language]
  if (unit === 'share') return formatShare(value)
  if (unit === 'bytes') return formatBytes(value)
  return unit === 'count' ? formatCount(value, language) : formatNumber(value)
}

/** `12%`, with one digit more where it is small. */
export function formatShare(value: number): string {
  const percent = value * 100
  return `${percent !== 0 && Math.abs(percent) < 9.95 ? percent.toFixed(1) : percent.toFixed(0)}%`
}

export function formatInterval({ low, high }: Interval, unit: Unit): string {
  const one = unit === 'share' ? (x: number) => (x * 100).toFixed(0) : formatNumber
  const between = low < 0 ? ', ' : '–' // no dash beside a minus
  return `[${one(low)}${between}${one(high)}${unit === 'share' ? '%' : ''}]`
}

/** A difference, of shares in percentage points: `▲ +12 [+3, +20]`. */
export function formatGain(value: number, { low, high }: Interval, unit: Unit): string {
  const size = (x: number) => (unit === 'share' ? Math.abs(x * 100).toFixed(0) : Math.abs(x).toFixed(2))
  const signed = (x: number) => `${x > 0 ? '+' : x < 0 ? '−' : ''}${size(x)}`
  return `${value > 0 ? '▲' : value < 0 ? '▼' : '='} ${signed(value)} [${signed(low)}, ${signed(high)}]`
}

/** Whole numbers up to 9,999 in full; above, three digits: 66 万, 0.66 M. */
export function formatCount(value: number, language: Language): string {
  const size = Math.abs(value)
  if (language === 'zh') {
    if (size >= 1e8) return `${digits(value / 1e8)} 亿`
    if (size >= 1e4) return `${digits(value / 1e4)} 万`
  } else {
    if (size >= 1e9) return `${digits(value / 1e9)} B`
    if (size >= 1e6) return `${digits(value / 1e6)} M`
    if (size >= 1e4) return `${digits(value / 1e3)} k`
  }
  return Math.round(value).toLocaleString('en-US')
}

export function formatBytes(value: number): string {
  if (value >= 1e9) return `${digits(value / 1e9)} GB`
  if (value >= 1e6) return `${digits(value / 1e6)} MB`
  return value >= 1e3 ? `${digits(value / 1e3)} kB` : `${value} B`
}

/** Three or four significant digits, without trailing zeros. */
export function formatNumber(value: number): string {
  if (value < 0) return `−${formatNumber(-value)}`
  if (Number.isInteger(value)) return value.toLocaleString('en-US')
  const size = value
  if (size >= 1000) return Math.round(value).toLocaleString('en-US')
  if (size < 1e-3) return value.toExponential(1)
  return String(Number(size >= 1 ? value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2) : value.toPrecision(3)))
}

const digits = (value: number) => String(Number(value.toPrecision(3)))
