/** Runs side by side: what differs, what is paired, and clear errors for what is no finished run. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pairedGain } from '../statistics.ts'
import { makeRun } from '../report/made-run.test-helper.ts'
import { compareRuns } from './compare.ts'
import { optionsThatDiffer } from './options.ts'
import { comparisonPage } from './page.ts'
import { tablesOf } from './table.ts'

const root = mkdtempSync(join(tmpdir(), 'xueba-compare-'))
const [a, b] = [join(root, 'a'), join(root, 'b')]
afterAll(() => rmSync(root, { recursive: true }))

/** The third question is answered by both, and by the second run alone. */
const rights = { a: [true, false, false, true], b: [true, true, true, true] }
const exam = (right: boolean[]) => ({
  stages: [
    {
      name: 'rl',
      exercises: { sums: { answers: right.map((correct, i) => ({ prompt: `${i}+1=?`, correct })) } },
      world: null,
    },
  ],
})

beforeAll(async () => {
  await makeRun(a, { language: 'en' })
  await makeRun(b, { language: 'en', hostile: '<script>alert(1)</script>' })
  for (const [run, name] of [
    [a, 'a'],
    [b, 'b'],
  ] as const)
    writeFileSync(join(run, '07-eval', 'eval.json'), JSON.stringify(exam(rights[name])))
  const recipe = join(b, 'recipe.yaml')
  writeFileSync(recipe, readFileSync(recipe, 'utf8').replace('steps: 2000', 'steps: 4000'))
})

describe('compareRuns', () => {
  it('puts reports side by side, with paired differences where the paper is the same', async () => {
    const compared = await compareRuns([a, b])
    const { runs, differences, options } = compared
    expect(runs.map(({ name, model, language }) => [name, model, language])).toEqual([
      ['a', 'rl', 'en'],
      ['b', 'rl', 'en'],
    ])
    const { gain, low, high } = pairedGain(rights.a, rights.b)
    expect(differences.accuracy).toEqual([{ value: gain, low, high, count: 4 }])
    expect(options).toEqual([{ option: 'pretrain.steps', values: ['2000', '4000'] }])
    expect(runs[0]!.stages.map(({ name }) => name)).toEqual(['corpus', 'tokenizer', 'pretrain', 'sft', 'rl'])
    expect(runs[0]!.ownSeconds).toBeCloseTo(runs[0]!.seconds, 6)
    const practice = runs[0]!.practice.find(({ stage }) => stage === 'rl')!
    expect(
      practice.rows.some(({ measure, before, after }) => measure === 'accuracy' && before.value! < after.value!),
    ).toBe(true)
    for (const language of ['en', 'zh'] as const) {
      const tables = tablesOf(compared, language)
      for (const { rows } of tables) for (const { cells } of rows) expect(cells.length).toBe(2)
      expect(comparisonPage(compared, language)).not.toContain('<script')
    }
  })

  it('states no difference between answers to other questions', async () => {
    const other = exam(rights.b)
    other.stages[0]!.exercises.sums.answers[0]!.prompt = '9+9=?'
    writeFileSync(join(b, '07-eval', 'eval.json'), JSON.stringify(other))
    expect((await compareRuns([a, b])).differences.accuracy).toEqual([null])
  })

  it('says what is no run, not finished, or named twice', async () => {
    const half = join(root, 'half')
    await makeRun(half, { language: 'en', done: 4 })
    await expect(compareRuns([a, half])).rejects.toThrow(/half is not finished: sft, rl, eval still to be done/)
    await expect(compareRuns([a, root])).rejects.toThrow(/is not a run/)
    await expect(compareRuns([a, a])).rejects.toThrow(/named twice/)
    await expect(compareRuns([a])).rejects.toThrow(/two runs or more/)
  })
})

it('options differ by the names of stages, not by their places', () => {
  const stage = (kind: string, more = {}) => ({ kind, ...more })
  const first = {
    name: 'x',
    seed: 1,
    model: { depth: 2 },
    stages: [stage('pretrain', { steps: 5 }), stage('rl', { beta: 0.1 })],
  }
  const second = {
    name: 'y',
    seed: 2,
    model: { depth: 2 },
    stages: [stage('pretrain', { steps: 5 }), stage('sft', { steps: 9 }), stage('rl', { beta: 0.2 })],
  }
  expect(optionsThatDiffer([first, second])).toEqual([
    { option: 'seed', values: ['1', '2'] },
    { option: 'rl.beta', values: ['0.1', '0.2'] },
    { option: 'sft', values: [null, 'sft'] },
  ])
})
