/**
 * Addition and subtraction with worked steps, digit by digit.
 *
 * The steps are made for a tiny model with one token per digit: the sum said again, so that its digits stand where the steps expect them,
 * ones first, the carry written out even when it is 0, no spaces around digits, and a last step whose result is copied into the
 * answer, so that every token depends on two or three others:
 *   47+38： ⏎ 个位：7+8=15，写5进1 ⏎ 十位：4+3+1=8 ⏎ 答案：85
 * Both operands have exactly `digits` digits; differences are never negative. A pair belongs to train or test whatever the
 * order of its operands. Multiplication is left out: its steps do not fit a context this small.
 */
import { random } from '../tensor/random.ts'
import type { Exercise, Language, Task } from './task.ts'
import { checkable, drawExercises, finalAnswer, finalLine, isHeldOut } from './task.ts'

export type Operation = '+' | '-'

const HELD_OUT = 0.2
/** One short question in so many is answered with the steps all the same: what is never said cannot be found by trying. */
const SHOWN = 4

const WORDS = {
  zh: {
    places: ['个位', '十位', '百位', '千位', '万位'],
    write: (digit: number, carry: number) => `，写${digit}进${carry}`,
    borrow: (borrow: number) => `，借${borrow}`,
    separator: '：',
    prompts: ['计算：{}', '{}=？', '请算一算{}。', '{}等于多少？', '{}得多少？'],
    short: [1, 3, 4],
  },
  en: {
    places: ['ones', 'tens', 'hundreds', 'thousands', 'ten thousands'],
    write: (digit: number, carry: number) => `, write ${digit} carry ${carry}`,
    borrow: (borrow: number) => `, borrow ${borrow}`,
    separator: ': ',
    prompts: ['What is {}?', 'Calculate {}.', '{}=?', 'How much is {}?', 'Work out {}.'],
    short: [0, 2, 3],
  },
} as const

/** The steps alone, one per digit, without the final line. Operands are non-negative integers of equal length, a ≥ b for '-'. */
export function arithmeticSteps(a: number, b: number, operation: Operation, language: Language): string[] {
  const words = WORDS[language]
  const [as, bs] = [[...String(a)].map(Number).toReversed(), [...String(b)].map(Number).toReversed()]
  let carry = 0
  return as.map((x, place) => {
    const y = bs[place]!
    const isFirst = place === 0
    const isLast = place === as.length - 1
    const head = words.places[place]! + words.separator
    if (operation === '+') {
      const sum = x + y + carry
      const step = `${x}+${y}${isFirst ? '' : `+${carry}`}=${sum}`
      carry = sum > 9 ? 1 : 0
      return head + step + (isLast ? '' : words.write(sum % 10, carry))
    }
    const before = isFirst ? '' : `-${carry}`
    const top = x - carry < y ? x + 10 : x
    const step = `${top}${before}-${y}=${top - carry - y}`
    carry = top > x ? 1 : 0
    return head + step + (isLast ? '' : words.borrow(carry))
  })
}

/** One exercise; `wording` picks the prompt. `asAsked`: who asks in short gets the answer alone, as people give it. */
export function arithmeticExercise(
  a: number,
  b: number,
  operation: Operation,
  language: Language,
  wording: number,
  asAsked = false,
): Exercise {
  const { prompts, short } = WORDS[language]
  const isShort = asAsked && (short as readonly number[]).includes(wording % prompts.length)
  const answer = String(operation === '+' ? a + b : a - b)
  return {
    id: `${Math.max(a, b)}${operation}${Math.min(a, b)}`,
    prompt: prompts[wording % prompts.length]!.replace('{}', `${a}${operation}${b}`),
    answer,
    solution: [
      ...(isShort
        ? []
        : [`${a}${operation}${b}${WORDS[language].separator.trim()}`, ...arithmeticSteps(a, b, operation, language)]),
      finalLine(answer, language),
    ].join('\n'),
  }
}

/** Addition and subtraction of numbers with `digits` (1 to 5) digits. */
export function arithmetic(options: {
  language: Language
  digits?: number
  operations?: readonly Operation[]
  /** worked: every solution has its steps; as-asked: one to a short question is the answer alone, three times in four. */
  solutions?: 'worked' | 'as-asked'
}): Task {
  const { language, digits = 2, operations = ['+'], solutions = 'worked' } = options
  if (!(Number.isInteger(digits) && digits >= 1 && digits <= 5))
    throw new RangeError(`arithmetic: digits is ${digits}, expected 1 to 5`)
  if (operations.length === 0) throw new RangeError('arithmetic: operations is empty, expected + or - or both')
  const low = digits === 1 ? 0 : 10 ** (digits - 1)
  const span = 10 ** digits - low

  const make = (count: number, seed: number, isTest: boolean) => {
    const r = random(seed, `arithmetic ${isTest ? 'test' : 'train'}`)
    const manners = random(seed, 'arithmetic manners')
    const draw = () => {
      const operation = r.pick(operations)
      const [a, b] = [low + r.below(span), low + r.below(span)]
      const asAsked = solutions === 'as-asked' && manners.below(SHOWN) > 0
      const swap = operation === '-' && a < b
      return arithmeticExercise(swap ? b : a, swap ? a : b, operation, language, r.below(5), asAsked)
    }
    return drawExercises(draw, count, (id) => isHeldOut(id, HELD_OUT) === isTest, isTest)
  }
  const correct = (exercise: Exercise, completion: string) => finalAnswer(completion, language) === exercise.answer
  return {
    name: `arithmetic-${digits}-digits`,
    languages: [language],
    train: (count, seed) => make(count, seed, false),
    test: (count, seed) => make(count, seed, true),
    ...checkable(correct, (completion) => /^-?[0-9]{1,15}$/.test(finalAnswer(completion, language) ?? '')),
  }
}
