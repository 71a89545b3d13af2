import { expect, it } from 'vitest'
import { judgeAha } from '../aha/verdict.ts'
import { createAnalysis } from '../aha/analysis.ts'
import { PHRASES } from '../aha/marks.ts'
import type { ReportCard } from './card.ts'
import { aha } from './page-aha.ts'
import { markup } from './escape.ts'

it('shows the verdict, what it rests on, and the first find word for word, escaped', () => {
  const analysis = createAnalysis(PHRASES.en, 1)
  const text = '1+2=4. Wait, <b>3</b>'
  const answer = { text, reward: 0, correct: false, advantage: 0, logProb: 0, finish: 'stop', ids: [1] }
  const line = { task: 'sums', id: 'a', prompt: '1+2?', expected: '3', kept: true, promptIds: [], answers: [answer] }
  for (let step = 1; step <= 60; step++) analysis.add({ ...line, step })
  const found = analysis.finish()
  const card = {
    stage: 'rl',
    isControl: false,
    control: null,
    verdict: judgeAha(found, undefined),
    firsts: found.firsts,
  }
  const page = (language: 'en' | 'zh') => markup`${aha({ aha: [card], language } as unknown as ReportCard)}`.source
  expect(page('en')).toContain('“aha”: did not happen')
  expect(page('en')).toContain('going back: 100.0 % of answers at step 0')
  expect(page('en')).toContain('1+2=4. Wait, &lt;b&gt;3&lt;/b&gt;')
  expect(page('zh')).toContain('“顿悟”：没有发生')
  expect(aha({ aha: [], language: 'en' } as unknown as ReportCard)).toBeNull()
})
