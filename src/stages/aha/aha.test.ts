/** Marks, the analysis of rollouts, and the verdict: what counts as an “aha”, and that neither chance nor a control does. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { random } from '../../tensor/random.ts'
import type { RolloutLine } from '../rl/rollout-log.ts'
import { createAnalysis } from './analysis.ts'
import { controlFor, judgeStage, readAha, writeAha } from './file.ts'
import { markFinder, PHRASES } from './marks.ts'
import { judgeAha } from './verdict.ts'

const root = mkdtempSync(join(tmpdir(), 'xueba-aha-'))
afterAll(() => rmSync(root, { recursive: true }))

it('finds marks in both languages, as words', () => {
  const [en, zh] = [markFinder(PHRASES.en), markFinder(PHRASES.zh)]
  expect(en('3+4=8. Wait, 3+4=7.\nAnswer: 7')).toEqual({ backtracking: 'Wait' })
  expect(en('Let me check: 7-4=3.')).toEqual({ verification: 'check' })
  expect(en('The waiter was checked; no one knew.')).toEqual({})
  expect(en('That is wrong')).toEqual({ backtracking: 'wrong' })
  expect(en('No, I am a language model.')).toEqual({})
  expect(zh('3+4=8，不对，重新算：7')).toEqual({ backtracking: '不对' })
  expect(zh('验算：7-4=3')).toEqual({ verification: '验算' })
  expect(zh('个位：7+8=15，写5进1')).toEqual({})
  expect(markFinder({ verification: ['a.b'], backtracking: [] })('axb')).toEqual({})
})

interface World {
  /** Chance of a mark, and of a right answer with and without it, at a step. */
  mark(step: number): number
  right(step: number, isMarked: boolean): number
}
/** Steps of 4 groups of 8 answers. */
function practice({ mark, right }: World, seed: number, steps = 80): RolloutLine[] {
  const r = random(seed, 'practice')
  return Array.from({ length: steps * 4 }, (_, g): RolloutLine => {
    const step = 1 + Math.floor(g / 4)
    const answers = Array.from({ length: 8 }, () => {
      const isMarked = r.uniform() < mark(step)
      const correct = r.uniform() < right(step, isMarked)
      const text = `${isMarked ? '1+2=4. Wait, 1+2=3.' : '1+2=3'}\nAnswer: ${correct ? 3 : 4}`
      const ids = Array.from({ length: isMarked ? 20 : 8 }, () => 1)
      return { text, reward: Number(correct), correct, advantage: 0, logProb: 0, finish: 'stop', ids }
    })
    return { step, task: 'sums', id: '1+2', prompt: '1+2=?', expected: '3', kept: true, promptIds: [], answers }
  })
}
const analysisOf = (world: World, seed = 1, steps?: number) => {
  const analysis = createAnalysis(PHRASES.en, seed)
  for (const line of practice(world, seed, steps)) analysis.add(line)
  return analysis.finish()
}

const aha: World = { mark: (step) => (step < 40 ? 0.02 : 0.4), right: (step, is) => (step < 40 ? 0.3 : is ? 0.7 : 0.5) }
const flat: World = { mark: () => 0.02, right: () => 0.3 }

describe('the verdict', () => {
  it('happened: at the planted step, with evidence, beside a control that stays as it was', () => {
    const verdict = judgeAha(analysisOf(aha), analysisOf(flat, 2))
    expect(verdict).toMatchObject({ verdict: 'happened', mark: 'backtracking', control: 'stays' })
    expect(Math.abs(verdict.step! - 40)).toBeLessThanOrEqual(3)
    const evidence = verdict.evidence.find(({ mark }) => mark === 'backtracking')!
    expect(evidence.fails).toEqual([])
    expect(evidence.corrected!).toBeLessThan(0.01)
    expect(evidence.more!.low).toBeGreaterThan(0)
    expect(evidence.after.found / evidence.after.answers).toBeCloseTo(0.4, 1)
    expect(verdict.evidence.find(({ mark }) => mark === 'verification')!.fails).toContain('change')
  })

  it('pins the first answer with a mark, word for word', () => {
    const { firsts, series, k, steps } = analysisOf(aha)
    expect(firsts).toMatchObject([{ mark: 'backtracking', phrase: 'Wait', prompt: '1+2=?', task: 'sums' }])
    expect(firsts[0]!.text).toMatch(/^1\+2=4\. Wait, 1\+2=3\.\nAnswer: [34]$/)
    expect(steps.length).toBe(80)
    expect(k).toBe(4)
    for (const values of Object.values(series)) expect(values.length).toBe(80)
    expect(series.passAtK[0]).toBeGreaterThan(series.correct[0]!)
    expect(judgeAha(analysisOf(flat, 1, 2), undefined)).toMatchObject({ verdict: 'too-short', step: null })
  })

  it.each([
    ['nothing changes', flat, ['change', 'start', 'learning']],
    ['the marks were there before practice', { ...aha, mark: () => 0.4 }, ['change', 'start']],
    [
      'answers with the mark are worse',
      { ...aha, right: (s: number, is: boolean) => (s < 40 ? 0.3 : is ? 0.3 : 0.7) },
      ['worth'],
    ],
    ['nothing is learned', { ...aha, right: () => 0.3 }, ['learning']],
  ] as const)('did not happen: %s', (_, world, fails) => {
    const { verdict, evidence, step } = judgeAha(analysisOf(world), analysisOf(flat, 2))
    expect([verdict, step]).toEqual(['did-not-happen', null])
    for (const rule of fails) expect(evidence.find(({ mark }) => mark === 'backtracking')!.fails).toContain(rule)
  })

  it('did not happen where the control does it, too; is unconfirmed without one', () => {
    expect(judgeAha(analysisOf(aha), analysisOf(aha, 3))).toMatchObject({
      verdict: 'did-not-happen',
      control: 'changes',
    })
    expect(judgeAha(analysisOf(aha), undefined)).toMatchObject({
      verdict: 'unconfirmed',
      step: expect.any(Number) as number,
      control: null,
    })
    expect(judgeAha(analysisOf(flat), undefined)).toMatchObject({ verdict: 'did-not-happen', control: null })
  })

  it('practice that only gets better, or drifts, is no “aha”: at most 5 % of 40', () => {
    const better: World = { mark: () => 0.05, right: (step) => 0.2 + 0.008 * step }
    const alarms = Array.from({ length: 40 }, (_, i) =>
      judgeAha(analysisOf(better, 100 + i), analysisOf(flat, 900 + i)),
    )
    expect(alarms.filter(({ verdict }) => verdict !== 'did-not-happen').length).toBeLessThanOrEqual(2)
  })
})

it('is kept in a stage folder, passes over damage, and finds its control by what it practises', async () => {
  const lines = practice(aha, 5).map((line) => JSON.stringify(line))
  writeFileSync(join(root, 'rollouts.jsonl'), `${lines.join('\n')}\n{"broken\n`)
  const made = await writeAha(root, PHRASES.en, 1)
  expect(await readAha(root, 'en')).toEqual(JSON.parse(JSON.stringify(made)))
  const stage = (name: string, config: object) => ({
    kind: 'rl',
    name,
    folder: root,
    config: config as Record<string, unknown>,
  })
  const tasks = [{ task: { name: 'arithmetic' } }]
  const own = stage('rl', { from: 'sft', tasks })
  const other = stage('other', { from: 'pretrain', tasks, rewardFrom: 'shuffled' })
  const control = stage('shuffled', { from: 'sft', tasks, rewardFrom: 'shuffled' })
  expect(controlFor(own, [own, other])).toBeUndefined()
  expect(controlFor(own, [own, other, control])).toBe(control)
  expect(await judgeStage(own, [own, control], 'en')).toMatchObject({ control: 'shuffled', isControl: false })
  expect(await judgeStage(control, [own, control], 'en')).toMatchObject({ control: null, isControl: true })
})
