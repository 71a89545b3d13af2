import { describe, expect, it } from 'vitest'
import { measuredOf } from './measured.ts'

describe('what a stage measured', () => {
  it('puts before and after on one line, and leaves bounds, gains and the funnel to the screens that draw them', () => {
    const metrics = {
      steps: 279,
      'arithmetic-2-digits.accuracyBefore': 0.435,
      'arithmetic-2-digits.accuracyLowBefore': 0.368,
      'arithmetic-2-digits.problemsBefore': 200,
      'arithmetic-2-digits.accuracy': 1,
      'arithmetic-2-digits.accuracyLow': 0.98,
      'arithmetic-2-digits.accuracyGain': 0.565,
      'arithmetic-2-digits.problems': 200,
      'rejected.url/word': 170,
    }
    expect(measuredOf(metrics, 'en')).toEqual([
      { label: 'steps', value: '279' },
      { label: 'accuracy · sums of 2 digits', value: '44% → 100%' },
      { label: 'problems · sums of 2 digits', value: '200' },
    ])
    expect(measuredOf({ 'my-task.accuracyBefore': 0.5 }, 'zh')).toEqual([
      { label: '正确率（之前） · my-task', value: '50%' },
    ])
  })
})
