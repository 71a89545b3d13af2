/**
 * Events as a person reads them: on a terminal one live line under what has been said, elsewhere plain lines, one every few
 * seconds, that grep well.
 */
import type { RunEvent } from '../run/index.ts'
import { formatInterval, formatValue } from '../stages/report/format.ts'
import { measuredOf } from '../stages/report/measured.ts'
import { metricName, stageWords } from '../stages/report/words.ts'
import { language, say } from './language.ts'

/** Between two progress lines where there is no terminal, ms. */
const PLAIN_INTERVAL = 10_000

/** `pre-training: reading widely`, and in Chinese. */
function titleOf({ kind, name }: { kind: string; name: string }): string {
  const known = Object.hasOwn(stageWords, kind) ? stageWords[kind as keyof typeof stageWords] : undefined
  const title = known
    ? say({ en: `${known.term.en}: ${known.life.en}`, zh: `${known.term.zh}：${known.life.zh}` })
    : kind
  return title + (name === kind ? '' : ` (${name})`)
}

export interface Live {
  show(event: RunEvent): void
  note(text: string): void
  end(): void
}

export function createLive(out: NodeJS.WriteStream = process.stdout): Live {
  const terminal = out.isTTY === true && process.env.TERM !== 'dumb'
  let live = ''
  let stages: { name: string }[] = []
  let shownAt = 0
  let position = ''
  /** Of a stage that another run made: what that one said of it is for the log. */
  let isTaken = false

  const clear = () => {
    if (live) out.write('\r\x1b[2K')
    live = ''
  }
  const line = (text: string) => {
    clear()
    out.write(`${text}\n`)
  }
  const status = (text: string) => {
    if (terminal) {
      clear()
      live = clip(text, (out.columns || 80) - 1)
      out.write(live)
    } else if (Date.now() - shownAt > PLAIN_INTERVAL) {
      shownAt = Date.now()
      out.write(`${text}\n`)
    }
  }

  return {
    note: line,
    end: clear,
    show(event) {
      if (isTaken && ['progress', 'metric', 'sample', 'warning', 'verdict'].includes(event.type)) return
      switch (event.type) {
        case 'started':
          stages = event.stages
          return line(startLine(event))
        case 'stage-started':
          position = `[${stages.findIndex((s) => s.name === event.name) + 1}/${stages.length}]`
          shownAt = 0
          isTaken = event.takenFrom !== undefined
          return line(`${position} ${titleOf(event)}`)
        case 'resumed':
          // Without a step the stage begins anew, and says so itself.
          return event.step === undefined
            ? undefined
            : line(say({ en: `going on from step ${event.step}`, zh: `从第 ${event.step} 步接着来` }))
        case 'progress':
          return status(`${position} ${progressLine(event)}`)
        case 'sample':
          return line(
            `    ${say({ en: 'writes', zh: '试写' })}${event.step === undefined ? '' : ` @${event.step}`}: ${oneLine(event.prompt)} → ${oneLine(event.text)}`,
          )
        case 'metric':
          return event.split === 'heldout' || event.low !== undefined ? line(`    ${metricLine(event)}`) : undefined
        case 'warning':
          return line(`    ${say({ en: 'note', zh: '注意' })}: ${say(event.message)}`)
        case 'verdict':
          return line(`    ${say(event.message)}`)
        case 'stage-done':
          isTaken = false
          return line(`    ${doneLine(event)}`)
        case 'paused':
          return line(say({ en: 'paused', zh: '已暂停' }))
        case 'continued':
          return line(say({ en: 'going on', zh: '继续' }))
        case 'stopped':
          return line(
            say({ en: `stopped at step ${event.step ?? 0}; saved`, zh: `停在第 ${event.step ?? 0} 步，已保存` }),
          )
        case 'failed':
          return line(`xueba: ${say({ en: event.message, zh: event.zh ?? event.message })}`)
        case 'done':
          return line(
            say({ en: `done in ${duration(event.seconds)}`, zh: `全部完成，用时 ${duration(event.seconds)}` }),
          )
        case 'checkpoint':
        case 'rollout':
          return undefined
        default:
          event satisfies never
      }
    },
  }
}

function startLine({ recipe, machine = {} }: Extract<RunEvent, { type: 'started' }>): string {
  const { cpu, threads, backend } = machine
  return say({
    en: `recipe ${recipe} on ${cpu}, ${threads} threads, ${backend} kernels`,
    zh: `食谱 ${recipe}；${cpu}，${threads} 个线程，${backend} 内核`,
  })
}

function progressLine(e: Extract<RunEvent, { type: 'progress' }>): string {
  const parts = [`${e.step}/${e.steps}`]
  if (e.loss != null) parts.push(say({ en: `loss ${e.loss.toFixed(3)}`, zh: `损失 ${e.loss.toFixed(3)}` }))
  if (e.tokensPerSecond != null)
    parts.push(say({ en: `${compact(e.tokensPerSecond)} tok/s`, zh: `${compact(e.tokensPerSecond)} 词元/秒` }))
  if (e.peakShare != null)
    parts.push(say({ en: `${Math.round(e.peakShare * 100)}% of peak`, zh: `峰值的 ${Math.round(e.peakShare * 100)}%` }))
  if (e.etaSeconds != null)
    parts.push(say({ en: `${duration(e.etaSeconds)} left`, zh: `还要 ${duration(e.etaSeconds)}` }))
  return parts.join('  ')
}

function metricLine({ name, value, low, high, step, split }: Extract<RunEvent, { type: 'metric' }>): string {
  const { label, unit } = metricName(split ? `${split}.${name}` : name, language())
  const interval = low == null || high == null ? '' : ` ${formatInterval({ low, high }, unit)}`
  return `${step === undefined ? '' : `@${step} `}${label} ${formatValue(value, unit, language())}${interval}`
}

function doneLine({ seconds, metrics, skipped, takenFrom }: Extract<RunEvent, { type: 'stage-done' }>): string {
  if (takenFrom !== undefined)
    return say({
      en: `taken over from ${takenFrom}, where it took ${duration(seconds)}`,
      zh: `直接取自 ${takenFrom}（当时用了 ${duration(seconds)}）`,
    })
  if (skipped) return say({ en: 'already done', zh: '之前已完成，跳过' })
  const shown = measuredOf(metrics, language())
    .slice(0, 8)
    .map(({ label, value }) => `${label} ${value}`)
  return `${say({ en: `done in ${duration(seconds)}`, zh: `完成，用时 ${duration(seconds)}` })}${say({ en: ': ', zh: '：' })}${shown.join(say({ en: ', ', zh: '，' }))}`
}

const oneLine = (text: string) => clip(text.replace(/\s+/g, ' ').trim(), 160)

export const compact = (value: number) =>
  value >= 1e6
    ? `${(value / 1e6).toFixed(1)}M`
    : value >= 1e4
      ? `${(value / 1e3).toFixed(1)}k`
      : String(Math.round(value))

export function duration(seconds: number): string {
  const s = Math.round(seconds)
  return s < 60
    ? `${s}s`
    : s < 3600
      ? `${Math.floor(s / 60)}m${String(s % 60).padStart(2, '0')}s`
      : `${Math.floor(s / 3600)}h${String(Math.floor((s % 3600) / 60)).padStart(2, '0')}m`
}

/** Cuts to so many columns; Han characters take two. */
export function clip(text: string, columns: number): string {
  let width = 0
  let out = ''
  for (const c of text) {
    width += /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]/.test(c)
      ? 2
      : 1
    if (width > columns) return `${out.slice(0, -1)}…`
    out += c
  }
  return out
}
