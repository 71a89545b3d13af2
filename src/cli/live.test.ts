import { Writable } from 'node:stream'
import { afterEach, expect, test } from 'vitest'
import type { RunEvent } from '../run/index.ts'
import { setLanguage } from './language.ts'
import { createLive } from './live.ts'

afterEach(() => setLanguage('en'))

/** What is said of some events where there is no terminal. */
function said(...events: object[]): string {
  let text = ''
  const out = new Writable({ write: (chunk, _, done) => ((text += String(chunk)), done()) })
  const live = createLive(out as unknown as NodeJS.WriteStream)
  for (const [seq, event] of events.entries())
    live.show({ seq, attempt: 1, time: 0, stage: '05-rl', ...event } as unknown as RunEvent)
  return text
}

test('metrics are said by name and in their unit, before and after on one line, in both languages', () => {
  const task = 'arithmetic-2-digits'
  const events = [
    { type: 'metric', name: 'accuracy', split: task, step: 50, value: 0.5, low: 0.4, high: 0.6 },
    { type: 'metric', name: 'bitsPerByte', split: 'heldout', step: 50, value: 0.51282 },
    { type: 'metric', name: 'gradNorm', split: 'train', step: 50, value: 1 },
    {
      type: 'stage-done',
      seconds: 65,
      metrics: {
        steps: 1279,
        [`${task}.accuracyBefore`]: 0.25,
        [`${task}.accuracy`]: 1,
        'funnel.url.bytes': 3,
        'masked.ip': 0,
      },
    },
  ]
  setLanguage('zh')
  expect(said(...events).split('\n')).toEqual([
    '    @50 正确率 · 2 位数算术 50% [40–60%]',
    '    @50 每字节比特 · 留出 0.513',
    '    完成，用时 1m05s：步数 1,279，正确率 · 2 位数算术 25% → 100%',
    '',
  ])
  setLanguage('en')
  expect(said(...events)).toContain('    done in 1m05s: steps 1,279, accuracy · sums of 2 digits 25% → 100%\n')
})
