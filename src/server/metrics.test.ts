import { expect, it } from 'vitest'
import { createMetrics } from './metrics.ts'

it('writes counters, histograms and gauges in the text format of Prometheus', () => {
  const metrics = createMetrics()
  metrics.count('xueba_steps_total')
  metrics.count('xueba_steps_total', '', 2)
  metrics.count('xueba_tokens_total', 'kind="prompt"', 7)
  metrics.count('xueba_tokens_total', 'kind="generated"')
  for (const seconds of [0.001, 0.05, 0.06, 1000]) metrics.observe('xueba_queue_seconds', 'path="/a"', seconds)
  const text = metrics.render({ xueba_queue: [3, 'Waiting.'] })
  expect(text.endsWith('\n')).toBe(true)
  const lines = text.trimEnd().split('\n')
  for (const line of lines)
    expect(line).toMatch(/^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+)$/)
  expect(lines).toContain('# TYPE xueba_steps_total counter')
  expect(lines).toContain('xueba_steps_total 3')
  expect(lines).toContain('xueba_tokens_total{kind="prompt"} 7')
  expect(lines).toContain('# TYPE xueba_queue gauge')
  expect(lines).toContain('xueba_queue 3')
  const buckets = lines
    .filter((line) => line.startsWith('xueba_queue_seconds_bucket'))
    .map((line) => line.split(' ')[1])
  expect(buckets).toEqual(['1', '1', '1', '2', '3', '3', '3', '3', '3', '3', '3', '3', '3', '3', '4'])
  expect(lines).toContain('xueba_queue_seconds_bucket{path="/a",le="0.05"} 2')
  expect(lines).toContain('xueba_queue_seconds_count{path="/a"} 4')
  expect(lines).toContain('xueba_queue_seconds_sum{path="/a"} 1000.111')
})
