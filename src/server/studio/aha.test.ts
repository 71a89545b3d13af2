import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import type { Run, RunStage } from '../../run/index.ts'
import { momentsOf, shelfOf } from './aha.ts'

const base = mkdtempSync(join(tmpdir(), 'xueba-aha-'))
afterAll(() => rmSync(base, { recursive: true }))

/** A stage of 10 steps × 20 answers, right from a step on, saying "wait" in one answer of every step. */
function stage(name: string, rightFrom: number, config = {}): RunStage {
  const folder = join(base, name)
  mkdirSync(folder)
  const lines = Array.from({ length: 10 }, (_, step) => {
    const answers = Array.from({ length: 20 }, (_, i) => ({
      text: i === 0 ? 'Wait, 3' : `answer ${i}`,
      ids: [1],
      correct: step >= rightFrom,
    }))
    return JSON.stringify({
      step,
      task: 'sums',
      id: 'a',
      prompt: '1+2?',
      expected: '3',
      kept: true,
      promptIds: [],
      answers,
    })
  })
  writeFileSync(join(folder, 'rollouts.jsonl'), `${lines.join('\n')}\nbroken\n`)
  return { kind: 'rl', name, folder, manifest: { config } } as unknown as RunStage
}

it('finds the first, and calls more frequent only what the intervals show, beside a shuffled control', async () => {
  const [real, shuffled] = [stage('05-rl', 6), stage('06-shuffled', 99, { rewardFrom: 'shuffled' })]
  const moments = await momentsOf({ stages: [real, shuffled] } as unknown as Run, real)
  const [correct, check] = [
    moments.find(({ rule }) => rule === 'correct')!,
    moments.find(({ rule }) => rule === 'self-check')!,
  ]
  expect(correct).toMatchObject({
    first: { step: 6, prompt: '1+2?' },
    verdict: 'more',
    early: { found: 0, answers: 40 },
    late: { found: 40 },
  })
  expect(correct.control).toMatchObject({ stage: '06-shuffled', found: 0, answers: 40 })
  expect(check).toMatchObject({
    first: { step: 0, text: 'Wait, 3' },
    verdict: 'same',
    early: { found: 2 },
    late: { found: 2 },
  })
  const [never] = await momentsOf({ stages: [shuffled] } as unknown as Run, shuffled)
  expect(never).toMatchObject({ rule: 'correct', verdict: 'never' })
  expect(never!.first).toBeUndefined()
})

it('adds the verdict of the analysis, and shows what a recording kept', async () => {
  const real = stage('07-rl', 6)
  const run = { language: 'en', stages: [real] } as unknown as Run
  const shelf = await shelfOf(run, real)
  expect(shelf.moments).toEqual(await momentsOf(run, real))
  expect(shelf.told).toMatchObject({
    outcome: 'too-short',
    verdict: {
      en: expect.stringContaining('cannot be told') as string,
      zh: expect.stringContaining('看不出来') as string,
    },
    firsts: [{ mark: 'backtracking', phrase: 'Wait', step: 0, text: 'Wait, 3' }],
  })
  writeFileSync(join(real.folder, 'aha.json'), JSON.stringify(shelf))
  expect(await shelfOf(run, real)).toEqual(shelf)
  writeFileSync(join(real.folder, 'aha.json'), JSON.stringify(shelf.moments)) // as older recordings have it
  expect(await shelfOf(run, real)).toEqual({ moments: shelf.moments, told: null })
})
