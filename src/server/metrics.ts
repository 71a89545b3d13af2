/** Counters and histograms in Prometheus' text format. */

const HELP = {
  xueba_requests_total: 'Requests by path and status.',
  xueba_tokens_total: 'Tokens read (prompt) and drawn (generated).',
  xueba_steps_total: 'Steps of the engine; generated tokens over steps is the mean batch.',
  xueba_cancelled_total: 'Requests whose client went away or that took too long.',
  xueba_request_seconds: 'From a request that was accepted to the end of its answer.',
  xueba_first_token_seconds: 'From a request that was accepted to the first text of its answer.',
  xueba_queue_seconds: 'Time that a sequence waited for a slot.',
} as const

export type MetricName = keyof typeof HELP

const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300] // seconds

interface Histogram {
  buckets: number[]
  sum: number
  count: number
}

export interface Metrics {
  /** `labels` as they are written: `path="/v1/models"`. They must come from a closed set. */
  count(name: MetricName, labels?: string, by?: number): void
  observe(name: MetricName, labels: string, seconds: number): void
  /** All of them, and the gauges given: name → value and what it is. */
  render(gauges: Record<string, readonly [value: number, help: string]>): string
}

export function createMetrics(): Metrics {
  const counters = new Map<MetricName, Map<string, number>>()
  const histograms = new Map<MetricName, Map<string, Histogram>>()
  const braces = (...labels: string[]) => {
    const some = labels.filter((label) => label !== '')
    return some.length > 0 ? `{${some.join(',')}}` : ''
  }
  const head = (name: string, type: string, help: string) => [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`]
  return {
    count(name, labels = '', by = 1) {
      const series = counters.get(name) ?? new Map<string, number>()
      counters.set(name, series.set(labels, (series.get(labels) ?? 0) + by))
    },
    observe(name, labels, seconds) {
      const series = histograms.get(name) ?? new Map<string, Histogram>()
      const h = series.get(labels) ?? { buckets: BUCKETS.map(() => 0), sum: 0, count: 0 }
      BUCKETS.forEach((bound, i) => (h.buckets[i]! += seconds <= bound ? 1 : 0))
      h.sum += seconds
      h.count++
      histograms.set(name, series.set(labels, h))
    },
    render(gauges) {
      const lines: string[] = []
      for (const [name, series] of counters) {
        lines.push(...head(name, 'counter', HELP[name]))
        for (const [labels, value] of series) lines.push(`${name}${braces(labels)} ${value}`)
      }
      for (const [name, series] of histograms) {
        lines.push(...head(name, 'histogram', HELP[name]))
        for (const [labels, { buckets, sum, count }] of series) {
          BUCKETS.forEach((bound, i) => lines.push(`${name}_bucket${braces(labels, `le="${bound}"`)} ${buckets[i]}`))
          lines.push(`${name}_bucket${braces(labels, 'le="+Inf"')} ${count}`)
          lines.push(`${name}_sum${braces(labels)} ${sum}`, `${name}_count${braces(labels)} ${count}`)
        }
      }
      for (const [name, [value, help]] of Object.entries(gauges))
        lines.push(...head(name, 'gauge', help), `${name} ${value}`)
      return `${lines.join('\n')}\n`
    },
  }
}
