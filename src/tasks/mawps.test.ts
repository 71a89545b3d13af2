import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { random } from '../tensor/random.ts'
import { mawps, mawpsExercise, refillRow, solvePrefix } from './mawps.ts'
import { namesIn, storyOf } from './pool.ts'
import type { MawpsRow } from './mawps.ts'
import { loadMawpsRows } from './mawps.node.ts'

const numbered = (rows: MawpsRow[]) => rows.map((row, i) => ({ line: i + 2, row }))

/** Another word for every number. */
const letters = (i: number) => String.fromCharCode(98 + (i % 25), 98 + Math.floor(i / 25))

const row = (i: number) => ({
  Question: `Ann ( ${letters(i)}1 ) 's box has number0 pens . It costs $ number1 , how much for number2 boxes ?`,
  Numbers: '6.0 2.5 4',
  Equation: '* number1 number2',
  Answer: '10.0',
})

describe('mawps', () => {
  test('fills slots, joins words, and works the equation out', () => {
    expect(mawpsExercise(row(1))).toMatchObject({
      prompt: "Ann (cb1)'s box has 6 pens. It costs $2.5, how much for 4 boxes?",
      answer: '10',
      solution: '2.5*4=10\nAnswer: 10',
    })
    expect(solvePrefix('* 3 * 1500 8')).toEqual({ value: 36_000, steps: ['1500*8=12000', '3*12000=36000'] })
    expect(solvePrefix('- + 47 38 9').steps).toEqual([
      '47+38: 7+8=15, 4+3+1=8; 47+38=85',
      '85-9: 15-9=6, 8-1-0=7; 85-9=76',
    ])
    expect(solvePrefix('- 210 58').steps).toEqual(['210-58: 10-8=2, 11-1-5=5, 2-1-0=1; 210-58=152'])
    expect(solvePrefix('+ 3 4').steps).toEqual(['3+4=7'])
    expect(solvePrefix('- 3 4.5').steps).toEqual(['3-4.5=-1.5'])
    expect(solvePrefix('/ 1 3').steps).toEqual(['1/3=0.3333'])
  })

  test('leaves out what does not add up, and says why', () => {
    const good = Array.from({ length: 60 }, (_, i) => row(i))
    const bad = [
      { ...row(0), Answer: '11' },
      { ...row(0), Equation: '* number1' },
      { ...row(0), Equation: '* number1 number9' },
      { ...row(0), Equation: '/ number1 0' },
      { ...row(0), Equation: 'process.exit()' },
      { ...row(0), Equation: '+ 1 2 3' },
    ]
    const { task, rejected } = mawps(numbered([...good, ...bad]))
    expect(rejected.map((r) => [r.line, r.reason.slice(0, 24)])).toEqual([
      [62, 'the equation gives 10, t'],
      [63, 'the equation ends early'],
      [64, 'no number for the slot n'],
      [65, 'the equation divides by '],
      [66, 'the equation holds proce'],
      [67, 'the equation goes on aft'],
    ])
    expect(task.train(100, 1)).toHaveLength(100)
    expect(() => task.test(100, 1)).toThrow(/only \d+ are held out/)
    expect(() => mawps([])).toThrow(/0 of 0 rows/)
  })

  test('tells a story again with other whole numbers that work out, and leaves fractions alone', () => {
    const shared = {
      Question: 'number0 pens and 3 cups are shared by number1 people .',
      Numbers: '84.0 7.0',
      Equation: '/ number0 number1',
      Answer: '12.0',
    }
    const r = random(1, 'test')
    const told = Array.from({ length: 50 }, () => refillRow(shared, r))
    for (const { prompt, answer, solution } of told) {
      const [, a, b] = /^(\d\d) pens and 3 cups are shared by (\d) people\.$/.exec(prompt)!
      expect(Number(answer)).toBe(Number(a) / Number(b))
      expect(Number.isInteger(Number(answer))).toBe(true)
      expect(solution).toBe(`${a}/${b}=${answer}\nAnswer: ${answer}`)
    }
    expect(new Set(told.map((e) => e.id)).size).toBeGreaterThan(20)
    expect(refillRow(row(1), r)).toEqual(mawpsExercise(row(1)))
    const rows = numbered(
      Array.from({ length: 60 }, (_, i) => ({ ...shared, Question: `${shared.Question} ${letters(i)}` })),
    )
    const [given, fresh] = [mawps(rows).task, mawps(rows, { fresh: true }).task]
    expect(fresh.test(3, 1)).toEqual(given.test(3, 1))
    expect(fresh.train(200, 1)).toEqual(fresh.train(200, 1))
    for (const e of fresh.train(200, 1)) expect(fresh.reward(e, e.solution)).toBe(1)
    expect(new Set(fresh.train(200, 1).map((e) => e.id)).size).toBeGreaterThan(100)
    expect(new Set(given.train(200, 1).map((e) => e.id)).size).toBeLessThan(60)
  })

  test('compares numbers: whole ones exactly, others to a hundredth', () => {
    const { task } = mawps(numbered(Array.from({ length: 60 }, (_, i) => row(i))))
    const rewards = (answer: string, given: string[]) =>
      given.map((a) => task.reward({ id: '', prompt: '', answer, solution: '' }, `Answer: ${a}`))
    expect(
      rewards('1250.5', ['1250.5', '1250.50', '1250.51', '1251', '1e3', '１２５０', 'NaN', '', '1250.5 or 3']),
    ).toEqual([1, 1, 1, 0.1, 0, 0, 0, 0, 0])
    expect(rewards('1250', ['1250', '1250.0', '1251', '1249.999'])).toEqual([1, 1, 0.1, 0.1])
  })

  test('the same story in almost the same words stands on one side', () => {
    const questions = [
      'A bee has number0 legs . How many legs do number1 bees have ?',
      'a bee has number0 legs. how many legs do number1 bees have?',
      'There , Sara has number0 legs . How many legs do number1 bees have ?',
      'there Tom has number0 legs . How many legs do number1 bees have ?',
      'There , tom has number1 legs ; how many legs do number0 bees have ?',
    ]
    const [bee, alsoBee, sara, tom, lowerTom] = questions.map((question) => storyOf(question, namesIn(questions)))
    expect([...namesIn(questions)]).toEqual(['sara', 'tom'])
    expect(alsoBee).toBe(bee)
    expect(sara).not.toBe(bee)
    expect([tom, lowerTom]).toEqual([sara, sara])
  })
})

const path = `${process.env.XUEBA_DATA ?? '../shared/data'}/math-mawps-asdiv/mawps-asdiv-a-train.csv`

test.skipIf(!existsSync(path))(`the real file (${path}: skipped when absent; unpack math-mawps-asdiv)`, async () => {
  const { task, rejected } = mawps((await loadMawpsRows(path)).rows)
  expect(rejected.length).toBeLessThan(20)
  const tested = task.test(200, 1)
  const names = namesIn([...tested, ...task.train(5_000, 1)].map((e) => e.prompt))
  const trained = new Set(task.train(5_000, 1).map((e) => storyOf(e.prompt, names)))
  expect(tested.filter((e) => trained.has(storyOf(e.prompt, names)))).toEqual([])
  for (const e of tested) expect(task.reward(e, e.solution)).toBe(1)
})

test('a file without the columns is refused', async () => {
  await expect(loadMawpsRows(import.meta.filename)).rejects.toThrow(/mawps.test.ts: no column Question, Numbers/)
})
