import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { arithmetic, arithmeticExercise, arithmeticSteps } from './arithmetic.ts'

const zh = arithmetic({ language: 'zh', operations: ['+', '-'] })
const en = arithmetic({ language: 'en', operations: ['+', '-'] })

describe('arithmetic', () => {
  test('writes the steps of a sum and of a difference', () => {
    expect(arithmeticExercise(47, 38, '+', 'zh', 0)).toEqual({
      id: '47+38',
      prompt: '计算：47+38',
      answer: '85',
      solution: '47+38：\n个位：7+8=15，写5进1\n十位：4+3+1=8\n答案：85',
    })
    expect(arithmeticExercise(52, 38, '-', 'en', 0).solution).toBe(
      '52-38:\nones: 12-8=4, borrow 1\ntens: 5-1-3=1\nAnswer: 14',
    )
    expect(arithmeticSteps(503, 208, '-', 'en')).toEqual([
      'ones: 13-8=5, borrow 1',
      'tens: 10-1-0=9, borrow 1',
      'hundreds: 5-1-2=2',
    ])
  })

  test('every step is true, and its last digits spell the answer', () => {
    const operand = fc.integer({ min: 100, max: 999 })
    fc.assert(
      fc.property(operand, operand, fc.constantFrom('+' as const, '-' as const), (x, y, operation) => {
        const [a, b] = [Math.max(x, y), Math.min(x, y)]
        const results = arithmeticSteps(a, b, operation, 'en').map((step) => {
          const [, left, right] = /: ([\d+-]+)=(\d+)/.exec(step)!
          const value = [...left!.matchAll(/[+-]?\d+/g)].reduce((sum, term) => sum + Number(term[0]), 0)
          expect(value).toBe(Number(right))
          return right!
        })
        const digits =
          results.at(-1)! +
          results
            .slice(0, -1)
            .toReversed()
            .map((r) => r.at(-1))
            .join('')
        expect(Number(digits)).toBe(operation === '+' ? a + b : a - b)
      }),
    )
  })

  test('is deterministic, and train and test are disjoint', () => {
    expect(zh.train(50, 1)).toEqual(zh.train(50, 1))
    expect(zh.train(50, 1)).not.toEqual(zh.train(50, 2))
    const tested = en.test(500, 1).map((e) => e.id)
    expect(new Set(tested).size).toBe(500)
    const trained = new Set(en.train(20_000, 2).map((e) => e.id))
    expect(tested.filter((id) => trained.has(id))).toEqual([])
    expect(arithmetic({ language: 'en', digits: 1 }).test(5, 1)).toHaveLength(5)
    expect(() => arithmetic({ language: 'en', digits: 1 }).test(500, 1)).toThrow(/500 different exercises/)
  })

  test('solutions earn 1, wrong answers of the right form 0.1, anything else 0', () => {
    for (const task of [zh, en]) for (const e of task.train(200, 3)) expect(task.reward(e, e.solution)).toBe(1)
    const e = arithmeticExercise(47, 38, '+', 'zh', 0)
    expect(zh.reward(e, '答案：86')).toBe(0.1)
    expect(zh.reward(e, '答案:85。\n')).toBe(1)
    for (const hostile of [
      '',
      '85',
      'Answer: 85',
      '答案：85 答案：86',
      '答案：８５',
      '答案：85 或者 86',
      '答案：85\n就这样',
      '答案：',
      '答案：\u200b85',
      '答案：85'.repeat(100_000),
      `${'9'.repeat(1_000_000)}`,
      `x${' '.repeat(500)}答案：85`,
      '答案：85.0.0',
      '\ud800答案：85',
    ])
      expect(zh.reward(e, hostile), hostile.slice(0, 40)).toBe(0)
    expect(zh.reward(e, '答案：84\n答案：85')).toBe(1)
    expect(zh.reward(e, '答案：85\n答案：84')).toBe(0.1)
    expect(zh.reward(e, `${'嗯，'.repeat(50_000)}\n答案：85`)).toBe(1)
  })

  test('refuses options that make no sense', () => {
    expect(() => arithmetic({ language: 'zh', digits: 9 })).toThrow(/digits is 9/)
    expect(() => arithmetic({ language: 'zh', operations: [] })).toThrow(/operations is empty/)
  })
})

test('as asked: short questions mostly get the answer alone, the others their steps, and the answers are the same', () => {
  for (const language of ['zh', 'en'] as const) {
    const [worked, asked] = (['worked', 'as-asked'] as const).map((solutions) =>
      arithmetic({ language, solutions }).train(400, 1),
    )
    const isShort = (prompt: string) => /^(What is|How much is)|=[?？]$|多少？$/.test(prompt)
    const lines = asked!.map(({ solution }) => solution.split('\n').length)
    expect(new Set(lines)).toEqual(new Set([1, 4]))
    const short = asked!.filter(({ prompt }) => isShort(prompt))
    expect(short.filter(({ solution }) => solution.includes('\n')).length / short.length).toBeCloseTo(0.25, 1)
    for (const [i, exercise] of asked!.entries()) {
      expect({ ...exercise, solution: '' }).toEqual({ ...worked![i]!, solution: '' })
      expect(worked![i]!.solution.endsWith(exercise.solution)).toBe(true)
      if (!isShort(exercise.prompt)) expect(exercise.solution).toContain('\n')
    }
  }
})
