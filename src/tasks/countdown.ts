/**
 * Countdown: reach a target with + - * /, using every given number exactly once (the game of TinyZero).
 *
 * Two numbers: the worked answer tries the operations in a fixed order (the product last, so that it is only ever written when it
 * is the target) and stops at the hit. Train and test therefore share no set of numbers. Three or four numbers: the worked answer is the derivation alone, without the search,
 * which is what reinforcement learning is left to find. Any correct expression counts, not only the one we built.
 */
import { random } from '../tensor/random.ts'
import type { Random } from '../tensor/random.ts'
import { isWorth, parseExpression } from './expression.ts'
import type { Exercise, Language, Task } from './task.ts'
import { searchTrace } from './search.ts'
import { checkable, drawExercises, finalAnswer, finalLine, isHeldOut } from './task.ts'

const HELD_OUT = 0.2

const PROMPTS = {
  zh: ['用{}算出{target}。', '怎样用{}得到{target}？', '请用{}凑出{target}，每个数用一次。'],
  en: ['Use {} to make {target}.', 'How do you get {target} from {}?', 'Make {target} with {}, each number once.'],
}

interface Term {
  value: number
  text: string
}

/** Every a∘b with a positive whole result, in the order the worked answer tries them. */
function combinations(x: Term, y: Term): { term: Term; line: string }[] {
  const [a, b] = x.value >= y.value ? [x, y] : [y, x]
  const results: [string, number][] = [['+', a.value + b.value]]
  if (a.value > b.value) results.push(['-', a.value - b.value])
  if (a.value % b.value === 0) results.push(['/', a.value / b.value])
  results.push(['*', a.value * b.value])
  return results.map(([sign, value]) => ({
    term: { value, text: `${a.text}${sign}${b.text}` },
    line: `${a.value}${sign}${b.value}=${value}`,
  }))
}

/** Joins random pairs until one term is left; the lines say how. */
function derive(numbers: readonly number[], r: Random): { target: Term; lines: string[] } {
  let terms = numbers.map((value) => ({ value, text: String(value) }))
  const lines: string[] = []
  while (terms.length > 1) {
    const [x, y, ...rest] = r.shuffle(terms)
    const { term, line } = r.pick(combinations(x!, y!))
    lines.push(line)
    terms = rest.length > 0 ? [{ ...term, text: `(${term.text})` }, ...rest] : [term]
  }
  return { target: terms[0]!, lines }
}

function makeExercise(
  numbers: readonly number[],
  language: Language,
  r: Random,
  solutions: 'direct' | 'search',
): Exercise {
  const { target, lines } = derive(numbers, r)
  let [answer, steps] = [target.text, lines]
  if (solutions === 'search') {
    // What is tried is drawn from a stream of its own: the exercises are the same, whatever their solutions.
    const tries = random(target.value, `search ${numbers.join()}`)
    const draw = () => {
      const { target, lines } = derive(numbers, tries)
      return { value: target.value, steps: lines }
    }
    steps = searchTrace({ value: target.value, steps: lines }, draw, language, tries)
  } else if (numbers.length === 2) {
    const [x, y] = numbers.map((value) => ({ value, text: String(value) }))
    const tries = combinations(x!, y!)
    const hit = tries.findIndex(({ term }) => term.value === target.value)
    answer = tries[hit]!.term.text
    steps = tries.slice(0, hit + 1).map(({ line }) => line)
  }
  const [comma, and] = language === 'zh' ? ['、', '和'] : [', ', ' and ']
  const list = numbers.slice(0, -1).join(comma) + and + numbers.at(-1)
  return {
    id: `${numbers.toSorted((a, b) => a - b).join(',')}->${target.value}`,
    prompt: r.pick(PROMPTS[language]).replace('{}', list).replace('{target}', String(target.value)),
    answer,
    solution: [...steps, finalLine(answer, language)].join('\n'),
  }
}

/** Countdown with `count` (2 to 4) numbers from 1 to `largest` and targets up to `largestTarget`. */
export function countdown(options: {
  language: Language
  count?: number
  largest?: number
  largestTarget?: number
  /** search: with wrong tries, noticed and taken back (search.ts). */
  solutions?: 'direct' | 'search'
}): Task {
  const { language, count: length = 2, largest = 20, largestTarget = 400, solutions = 'direct' } = options
  if (!(Number.isInteger(length) && length >= 2 && length <= 4))
    throw new RangeError(`countdown: count is ${length}, expected 2 to 4 numbers`)
  if (!(Number.isInteger(largest) && largest >= 2 && largest <= 99_999))
    throw new RangeError(`countdown: largest is ${largest}, expected 2 to 99999`)

  const make = (count: number, seed: number, isTest: boolean) => {
    const r = random(seed, `countdown ${isTest ? 'test' : 'train'}`)
    const draw = () => {
      const numbers = Array.from({ length }, () => 1 + r.below(largest))
      return makeExercise(numbers, language, r, solutions)
    }
    const isWanted = (id: string) => {
      const [numbers, target] = id.split('->')
      return Number(target) <= largestTarget && isHeldOut(`countdown ${numbers}`, HELD_OUT) === isTest
    }
    return drawExercises(draw, count, isWanted, isTest)
  }
  const correct = (exercise: Exercise, completion: string) => {
    const given = parseExpression(finalAnswer(completion, language) ?? '')
    if (!given) return false
    const [numbers, target] = exercise.id.split('->')
    return given.numbers.toSorted((a, b) => a - b).join(',') === numbers && isWorth(given, Number(target))
  }
  return {
    name: `countdown-${length}-numbers`,
    languages: [language],
    train: (count, seed) => make(count, seed, false),
    test: (count, seed) => make(count, seed, true),
    ...checkable(correct, (completion) => parseExpression(finalAnswer(completion, language) ?? '') !== undefined),
  }
}
