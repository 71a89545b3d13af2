import { describe, expect, test } from 'vitest'
import { countdown } from './countdown.ts'
import { parseExpression } from './expression.ts'
import type { Exercise } from './task.ts'

const exercise: Exercise = { id: '3,4,8->20', prompt: '', answer: '(8-3)*4', solution: '' }
const zh = countdown({ language: 'zh', count: 3 })

describe('countdown', () => {
  test('its own solutions are correct, and every step is true', () => {
    for (const language of ['zh', 'en'] as const)
      for (const count of [2, 3, 4]) {
        const task = countdown({ language, count })
        for (const e of [...task.train(200, 1), ...task.test(50, 1)]) {
          expect(task.reward(e, e.solution), e.solution).toBe(1)
          for (const line of e.solution.split('\n').slice(0, -1)) {
            const [left, right] = line.split('=')
            expect(parseExpression(left!)!.value).toEqual({ numerator: BigInt(right!), denominator: 1n })
          }
        }
      }
  })

  test('accepts any expression that uses each number once, and nothing else', () => {
    const answers = ['(8-3)*4', '4*(8-3)', '（8－3）×4', '(8 - 3) × 4', '8+3*4']
    expect(answers.map((a) => zh.reward(exercise, `答案：${a}`))).toEqual([1, 1, 0, 1, 1])
    for (const wrong of ['20', '4*5', '8+8+4', '8+4', '3+4+8', '8+3*4+0', '8/(4-4)'])
      expect(zh.reward(exercise, `答案：${wrong}`), wrong).toBe(0.1)
    for (const none of [
      '',
      '(8-3)*4',
      '答案：(8-3)*4=20',
      '答案：process.exit()',
      `答案：${'('.repeat(150)}`,
      '答案：8-3)*4',
    ])
      expect(zh.reward(exercise, none), none).toBe(0)
    expect(zh.reward(exercise, '答案：(8-3)*4\n答案：3+4+8')).toBe(0.1)
  })

  test('is deterministic, disjoint, and says when problems run out', () => {
    const task = countdown({ language: 'en' })
    expect(task.test(100, 5)).toEqual(task.test(100, 5))
    // a worked answer tries other targets of the same numbers on its way
    const numbers = (e: Exercise) => e.id.split('->')[0]
    const trained = new Set(task.train(5_000, 1).map(numbers))
    expect(task.test(50, 2).filter((e) => trained.has(numbers(e)))).toEqual([])
    expect(() => task.test(10_000, 1)).toThrow(/different exercises/)
    expect(() => countdown({ language: 'en', count: 1 })).toThrow(/count is 1/)
    expect(() => countdown({ language: 'en', largest: 0 })).toThrow(/largest is 0/)
  })
})

describe.each(['en', 'zh'] as const)('solutions with a search, in %s', (language) => {
  const [direct, search] = (['direct', 'search'] as const).map((solutions) =>
    countdown({ language, count: 3, largest: 9, largestTarget: 60, solutions }),
  )

  test('are of the same exercises, take back one to three wrong tries, and end right', () => {
    const plain = direct!.train(200, 1)
    search!.train(200, 1).forEach((exercise, i) => {
      const { id, prompt, answer, solution } = exercise
      expect({ id, prompt, answer }).toEqual({ id: plain[i]!.id, prompt: plain[i]!.prompt, answer: plain[i]!.answer })
      expect(search!.correct(exercise, solution)).toBe(true)
      const lines = solution.split('\n')
      const back = lines.filter((line) => /Wait, go back|不对，重来/.test(line))
      expect(lines.length - back.length).toBe(2)
      expect(back.length).toBeLessThanOrEqual(3)
      const target = Number(id.split('->')[1])
      for (const line of lines.slice(0, -1)) {
        const sums = [...line.matchAll(/(\d+)([-+*/])(\d+)=(\d+)/g)]
        expect(sums.length).toBe(2)
        for (const [, a, sign, b, c] of sums) {
          const [x, y] = [Number(a), Number(b)]
          expect(Number(c)).toBe({ '+': x + y, '-': x - y, '*': x * y, '/': x / y }[sign!])
        }
        expect(Number(sums.at(-1)![4]) === target).toBe(!back.includes(line))
      }
    })
  })
})
