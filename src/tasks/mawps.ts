/**
 * Word problems in the layout of MAWPS and ASDiv (the CSV of SVAMP): `Question` with slots number0, number1, …, `Numbers` that
 * fill them, a prefix `Equation` over slots and constants, `Answer`.
 *
 * The worked answer is the equation evaluated from the inside out, one line per operation (sums and differences column by column),
 * then `Answer: N`. Rows whose equation
 * does not give their answer, or that cannot be read, are left out and reported. A tenth of the problems is held out, by hash of the
 * story: the question without its numbers, names, case and signs. The two collections tell many stories twice in almost the same
 * words; no story stands on both sides. Training may fill the slots anew each time (`fresh`): some thousand stories become as many
 * exercises as one likes. Held-out ones keep their own numbers.
 */
import type { Random } from '../tensor/random.ts'
import { drawsFrom, namesIn, type NumberedRow, type RejectedRow, splitRows, storyOf } from './pool.ts'
import type { Exercise, Task } from './task.ts'
import { checkable, finalAnswer, finalLine } from './task.ts'

export interface MawpsRow {
  Question: string
  Numbers: string
  Equation: string
  Answer: string
}

const HELD_OUT = 0.1

/** Answers that are no whole numbers are rounded in the data to two digits. */
const TOLERANCE = 0.01

const NUMBER = /^-?[0-9]{1,15}(\.[0-9]{1,18})?$/

/** At most four decimals, no trailing zeros. */
export function formatNumber(value: number): string {
  const text = value.toFixed(4).replace(/\.?0+$/, '')
  return text === '-0' ? '0' : text
}

/**
 * Value and steps of a prefix equation such as `- 25000 * 1500 8`; throws what is wrong with it. A division by zero gives a value
 * that is not finite.
 */
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
    const step = `${formatNumber(a)}${token}${formatNumber(b)}`
    const worked = token === '+' || token === '-' ? columns(a, b, token) : []
    steps.push(`${worked.length > 1 ? `${step}: ${worked.join(', ')}; ` : ''}${step}=${formatNumber(value)}`)
    return value
  }
  const value = next()
  if (at !== tokens.length) throw new Error(`the equation goes on after its end: ${tokens.slice(at).join(' ')}`)
  return { value, steps }
}

/**
 * A sum or difference of natural numbers column by column, ones first, the carry written out: a small model finds no digit of
 * 47+38 in its head, but each of 7+8=15 and 4+3+1=8. Nothing for other numbers.
 */
function columns(a: number, b: number, sign: '+' | '-'): string[] {
  const isNatural = [a, b].every((n) => Number.isSafeInteger(n) && n >= 0)
  if (!isNatural || (sign === '-' && a < b)) return []
  const [as, bs] = [a, b].map((n) => [...String(n)].map(Number).toReversed()) as [number[], number[]]
  let carry = 0
  return Array.from({ length: Math.max(as.length, bs.length) }, (_, place) => {
    const [x, y] = [as[place] ?? 0, bs[place] ?? 0]
    const carried = place === 0 ? '' : `${sign}${carry}`
    if (sign === '+') {
      const sum = x + y + carry
      carry = sum > 9 ? 1 : 0
      return `${x}+${y}${carried}=${sum}`
    }
    const top = x - carry < y ? x + 10 : x
    const difference = top - carry - y
    carry = top > x ? 1 : 0
    return `${top}${carried}-${y}=${difference}`
  })
}

/** One exercise from one row; throws what is wrong with it. */
export function mawpsExercise(row: MawpsRow): Exercise {
  const exercise = fillRow(row, numbersOf(row))
  if (!Number.isFinite(Number(exercise.answer))) throw new Error('the equation divides by zero')
  const [given, right] = [Number(exercise.answer), Number(row.Answer)]
  if (Math.abs(given - right) <= TOLERANCE) return exercise
  throw new Error(`the equation gives ${exercise.answer}, the answer is ${row.Answer}`)
}

const numbersOf = ({ Numbers }: MawpsRow) => Numbers.split(' ').filter((token) => token !== '')

/** The story and its equation with these numbers in their slots. */
function fillRow(row: MawpsRow, numbers: readonly string[]): Exercise {
  const fill = (text: string, format: (value: number) => string) =>
    text.replace(/number(\d+)/g, (slot, index) => {
      const value = numbers[Number(index)]
      if (value === undefined) throw new Error(`no number for the slot ${slot}`)
      if (!NUMBER.test(value)) throw new Error(`${slot} is ${value}, expected a number`)
      return format(Number(value))
    })
  const { value, steps } = solvePrefix(fill(row.Equation, String))
  const answer = formatNumber(value)
  const prompt = joinTokens(fill(row.Question, formatNumber))
  return {
    id: prompt,
    prompt,
    answer,
    solution: [...steps, finalLine(answer, 'en')].join('\n'),
  }
}

/** Draws of other numbers before a story keeps its own. */
const TRIES = 100

/**
 * The story with other whole numbers of as many digits (one digit: 2 to 9), such that no step leaves the natural numbers. A story
 * about fractions, or one that finds no such numbers, comes as it is.
 */
export function refillRow(row: MawpsRow, r: Random): Exercise {
  const own = numbersOf(row)
  if (own.some((value) => !Number.isInteger(Number(value)))) return fillRow(row, own)
  const draw = (value: string) => {
    const low = Math.max(2, 10 ** (String(Math.abs(Number(value))).length - 1))
    return String(low + r.below((low === 2 ? 10 : low * 10) - low))
  }
  for (let i = 0; i < TRIES; i++) {
    const exercise = fillRow(row, own.map(draw))
    if (exercise.solution.split('\n').every((line) => /(=|: )[1-9][0-9]*$/.test(line))) return exercise
  }
  return fillRow(row, own)
}

/** The task, and the rows that were left out. Throws when no row is usable. */
export function mawps(
  rows: readonly NumberedRow<MawpsRow>[],
  { fresh = false }: { fresh?: boolean } = {},
): { task: Task; rejected: RejectedRow[] } {
  const names = namesIn(rows.map(({ row }) => row.Question))
  const pool = splitRows('mawps', rows, HELD_OUT, mawpsExercise, ({ Question }) => storyOf(Question, names))
  return {
    rejected: pool.rejected,
    task: {
      name: 'mawps',
      languages: ['en'],
      ...drawsFrom('mawps', pool, (row, r) => (fresh ? refillRow(row, r) : mawpsExercise(row))),
      ...checkable(correct, (completion) => stated(completion) !== undefined),
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

/** Whole numbers have to be met. */
function isClose(given: number, right: number): boolean {
  return Number.isInteger(right) ? given === right : Math.abs(given - right) <= TOLERANCE
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
