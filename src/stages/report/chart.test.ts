import fc from 'fast-check'
import { expect, test } from 'vitest'
import { axisOf, lineChart, movingAverage } from './chart.ts'
import { thin } from './curves.ts'
import { formatCount, formatDuration, formatInterval, formatNumber, formatShare, formatValue } from './format.ts'
import { metricName } from './words.ts'

const points = (...values: number[]) => values.map((value, step) => ({ step, value }))

test('axes are round and hold every value', () => {
  expect(axisOf(points(0.22, 0.79), true)).toEqual({ low: 0, high: 1, ticks: [0, 0.25, 0.5, 0.75, 1] })
  expect(axisOf(points(7.4, 1.9), false)).toEqual({ low: 0, high: 7.5, ticks: [0, 2.5, 5, 7.5] })
  const value = fc.double({ min: -1e6, max: 1e6, noNaN: true })
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 20 }), fc.boolean(), (values, share) => {
      const { low, high, ticks } = axisOf(points(...values), share)
      expect(low).toBeLessThan(high)
      const slack = 1e-6 * Math.max(1, high - low)
      for (const one of values) expect(one >= low - slack && one <= high + slack).toBe(true)
      expect(ticks.length).toBeLessThanOrEqual(8)
    }),
  )
})

test('constant curves, zeros and a single point are drawn with finite numbers', () => {
  for (const values of [[0, 0, 0], [5, 5], [3], [-1, -1]]) {
    const curve = { stage: 's', name: 'loss', split: null, points: points(...values) }
    expect(lineChart([curve], { share: false, label: 'x' }).source).not.toMatch(/NaN|Infinity/)
  }
})

test('the moving average keeps straight lines and the ends', () => {
  const line = points(...Array.from({ length: 50 }, (_, i) => 2 * i))
  movingAverage(line, 7).forEach(({ value }, i) => expect(value).toBeCloseTo(2 * i))
})

test('thinning keeps the first and the last', () => {
  const items = Array.from({ length: 1001 }, (_, i) => i)
  const few = thin(items, 10)
  expect(few).toHaveLength(10)
  expect([few[0], few.at(-1)]).toEqual([0, 1000])
  expect(thin([1, 2], 10)).toEqual([1, 2])
})

test('numbers as people write them', () => {
  expect([664_000, 12_345, 999, 1.2e9].map((n) => formatCount(n, 'en'))).toEqual(['664 k', '12.3 k', '999', '1.2 B'])
  expect([664_000, 12_345, 9_999, 1.2e9].map((n) => formatCount(n, 'zh'))).toEqual([
    '66.4 万',
    '1.23 万',
    '9,999',
    '12 亿',
  ])
  expect([1.3579, 0.0421, 12.34, 1234.5, 0.00001, 3].map(formatNumber)).toEqual([
    '1.36',
    '0.0421',
    '12.3',
    '1,235',
    '1.0e-5',
    '3',
  ])
  expect([0, 0.021, 0.22, 1].map(formatShare)).toEqual(['0%', '2.1%', '22%', '100%'])
  expect([4.21, 59.4, 61, 3600, 4000].map((s) => formatDuration(s, 'en'))).toEqual([
    '4.2 s',
    '59 s',
    '1 min 1 s',
    '1 h',
    '1 h 6 min',
  ])
  expect(formatDuration(252, 'zh')).toBe('4 分 12 秒')
  expect(formatInterval({ low: 0.14, high: 0.3 }, 'share')).toBe('[14–30%]')
  expect(formatValue(null, 'count', 'zh')).toBe('–')
})

test('metrics have names in both languages, and unknown ones keep theirs', () => {
  expect(metricName('accuracyBefore', 'zh')).toEqual({ label: '正确率（之前）', unit: 'share' })
  expect(metricName('arithmetic-2-digits.pass@4', 'en')).toEqual({
    label: 'pass@4 · sums of 2 digits',
    unit: 'share',
  })
  expect(metricName('loss.heldout', 'zh').label).toBe('损失 · 留出')
  expect(metricName('sft.world.untaught', 'zh')).toEqual({ label: '镇上的事（只读过的） · 监督微调', unit: 'share' })
  expect(metricName('rl.arithmetic-2-digits.accuracyBefore', 'zh').label).toBe('正确率（之前） · 强化学习 · 2 位数算术')
  expect(metricName('sft.world.taughtGain', 'en').label).toBe('facts that were taught (gain) · fine-tuning')
  expect(metricName('my-base.my-task.accuracy', 'en').label).toBe('accuracy · my-base · my-task')
  expect(metricName('masked.identity', 'zh').label).toBe('遮掉的 · 身份证号')
  expect(metricName('constructor', 'en')).toEqual({ label: 'constructor', unit: 'number' })
})
