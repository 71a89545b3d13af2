/**
 * Word problems in the layout of MAWPS and ASDiv (the CSV of SVAMP): `Question` with slots number0, number1, …, `Numbers` that
 * fill them, a prefix `Equation` over slots and constants, `Answer`.
 *
 * The worked answer is the equation evaluated from the inside out, one line per operation, then `Answer: N`. Rows whose equation
 * does not give their answer, or that cannot be read, are left out and reported. A tenth of the problems, by hash of the question with
 * its slots open, is held out, so that the same story with other numbers never stands on both sides.
 */
import { random } from '../tensor/random.ts'
import type { Exercise, Task } from './task.ts'
import { finalAnswer, finalLine, FORMAT_REWARD, isHeldOut } from './task.ts'

export interface MawpsRow {
  Question: string
  Numbers: string
  Equation: string
  Answer: string
}

/** A row with the line of the file where it starts. */
export interface NumberedRow {
  line: number
  row: MawpsRow
}

export interface RejectedRow {
  line: number
  reason: string
}

const HELD_OUT = 0.1

/** Answers are rounded in the data to two or three digits; a thousandth, relative above 1, forgives that and no more. */
const TOLERANCE = 1e-3

const NUMBER = /^-?[0-9]{1,15}(\.[0-9]{1,18})?$/

/** At most four decimals, no trailing zeros. */
export function formatNumber(value: number): string {
  const text = value.toFixed(4).replace(/\.?0+$/, '')
  return text === '-0' ? '0' : text
}

/** Value and steps of a prefix equation such as `- 25000 * 1500 8`; throws what is wrong with it. */
export function solvePrefix(equation: string): { value: number; steps: string[] } {
  const tokens = equation.split(' ').filter((token) => token !== '')
  const steps: string[] = []
  let at = 0
  const next = (): number => {
    const token = tokens[at++]
    if (token === undefined) throw new Error('the equation ends early')
    if (!/^[-+*/]$/.test(token)) {
      if (!NUMBER.test(token)) throw new Error(`the equation holds ${token}, expected a number or + - * /`)
      return Number(token)
    }
    const [a, b] = [next(), next()]
    const value = token === '+' ? a + b : token === '-' ? a - b : token === '*' ? a * b : a / b
    if (!Number.isFinite(value)) throw new Error('the equation divides by zero')
    steps.push(`${formatNumber(a)}${token}${formatNumber(b)}=${formatNumber(value)}`)
    return value
  }
  const value = next()
  if (at !== tokens.length) throw new Error(`the equation goes on after its end: ${tokens.slice(at).join(' ')}`)
  return { value, steps }
}

/** One exercise from one row; throws what is wrong with it. */
export function mawpsExercise(row: MawpsRow): Exercise {
  const numbers = row.Numbers.split(' ').filter((token) => token !== '')
  const fill = (text: string, format: (value: number) => string) =>
    text.replace(/number(\d+)/g, (slot, index) => {
      const value = numbers[Number(index)]
      if (value === undefined) throw new Error(`no number for the slot ${slot}`)
      if (!NUMBER.test(value)) throw new Error(`${slot} is ${value}, expected a number`)
      return format(Number(value))
    })
  const { value, steps } = solvePrefix(fill(row.Equation, String))
  if (!isClose(value, Number(row.Answer))) throw new Error(`the equation gives ${value}, the answer is ${row.Answer}`)
  const answer = formatNumber(value)
  const prompt = joinTokens(fill(row.Question, formatNumber))
  return {
    id: prompt,
    prompt,
    answer,
    solution: [...steps, finalLine(answer, 'en')].join('\n'),
  }
}

/** The task, and the rows that were left out. Throws when no row is usable. */
export function mawps(rows: readonly NumberedRow[]): { task: Task; rejected: RejectedRow[] } {
  const rejected: RejectedRow[] = []
  const pools = [new Map<string, Exercise>(), new Map<string, Exercise>()] as const
  for (const { line, row } of rows) {
    try {
      const exercise = mawpsExercise(row)
      pools[isHeldOut(row.Question, HELD_OUT) ? 1 : 0].set(exercise.id, exercise)
    } catch (error) {
      rejected.push({ line, reason: (error as Error).message })
    }
  }
  const [trainPool, testPool] = [[...pools[0].values()], [...pools[1].values()]]
  if (trainPool.length === 0 || testPool.length === 0)
    throw new Error(
      `mawps: ${rows.length - rejected.length} of ${rows.length} rows are usable, too few to hold a tenth of them out`,
    )
  return {
    rejected,
    task: {
      name: 'mawps',
      languages: ['en'],
      train(count, seed) {
        const found: Exercise[] = []
        for (let epoch = 0; found.length < count; epoch++)
          found.push(
            ...random(seed, 'mawps train', epoch)
              .shuffle(trainPool)
              .slice(0, count - found.length),
          )
        return found
      },
      test(count, seed) {
        if (count > testPool.length)
          throw new RangeError(`${count} different exercises asked for, only ${testPool.length} are held out`)
        return random(seed, 'mawps test').shuffle(testPool).slice(0, count)
      },
      correct,
      reward: (exercise, completion) =>
        correct(exercise, completion) ? 1 : stated(completion) === undefined ? 0 : FORMAT_REWARD,
    },
  }
}

function correct(exercise: Exercise, completion: string): boolean {
  const given = stated(completion)
  return given !== undefined && isClose(given, Number(exercise.answer))
}

function stated(completion: string): number | undefined {
  const text = finalAnswer(completion, 'en')
  return text !== undefined && NUMBER.test(text) ? Number(text) : undefined
}

function isClose(a: number, b: number): boolean {
  return Math.abs(a - b) <= TOLERANCE * Math.max(1, Math.abs(b))
}

/** The data are split into words; this puts punctuation and clitics back. */
function joinTokens(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/ ([.,?!;:%)])/g, '$1')
    .replace(/ ('(?:s|re|ve|ll|d|m|t)?)(?= )/g, '$1')
    .replace(/([$(]) /g, '$1')
    .trim()
}
