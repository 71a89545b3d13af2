/**
 * Word problems in the layout of GSM8K (Cobbe et al., "Training verifiers to solve math word problems", 2021): `question`, and an `answer` in prose whose sums
 * are annotated (`<<48/2=24>>`) and whose last line is `#### 24`.
 *
 * The worked answer is that prose without the annotations, or the annotated sums alone, a line each, which small models learn sooner; then the final
 * line of all tasks, `Answer: 24`. Rows without a number after `####`, or with an annotation that is not true, are left out and reported. A tenth
 * of the problems is held out, by hash of the story.
 */
import { drawsFrom, namesIn, type NumberedRow, type RejectedRow, splitRows, storyOf } from './pool.ts'
import { formatRational, isSameNumber, parseRational, workOut } from './rational.ts'
import { checkable, type Exercise, finalAnswer, finalLine, type Task } from './task.ts'

export interface Gsm8kRow {
  question: string
  answer: string
}

const HELD_OUT = 0.1

/** One exercise from one row; throws what is wrong with it. */
export function gsm8kExercise({ question, answer }: Gsm8kRow, solutions: 'prose' | 'sums' = 'prose'): Exercise {
  const [steps = '', last, ...more] = answer.split('####')
  if (last === undefined) throw new Error('the answer has no line "#### number"')
  if (more.length > 0) throw new Error('the answer has more than one "####"')
  const value = parseRational(last)
  if (!value) throw new Error(`"#### ${last.trim()}" is no number`)
  const sums = [...steps.matchAll(/<<([^<>]*)>>/g)].map(([, sum]) => sum!)
  for (const sum of sums) expectTrue(sum)
  const prose = steps.replace(/<<[^<>]*>>/g, '').trim()
  const right = formatRational(value)
  const worked = solutions === 'sums' ? sums.join('\n') : prose
  return {
    id: question,
    prompt: question.trim(),
    answer: right,
    solution: [...(worked === '' ? [] : [worked]), finalLine(right, 'en')].join('\n'),
  }
}

/** Throws when `48/2=24` is no sum, or not true; its right side may be rounded. */
function expectTrue(sum: string): void {
  const equals = sum.lastIndexOf('=')
  const [left, right] = [sum.slice(0, equals), sum.slice(equals + 1)]
  if (equals < 0 || !parseRational(right)) throw new Error(`the annotation <<${sum}>> is no sum`)
  const { value } = workOut(left)
  const shown = `${value.numerator}/${value.denominator}`
  if (!isSameNumber(shown, right)) throw new Error(`the annotation <<${sum}>> is not true: ${formatRational(value)}`)
}

/** The task, and the rows that were left out. Throws when hardly any row is usable. */
export function gsm8k(
  rows: readonly NumberedRow<Gsm8kRow>[],
  { solutions = 'prose' }: { solutions?: 'prose' | 'sums' } = {},
): { task: Task; rejected: RejectedRow[] } {
  const names = namesIn(rows.map(({ row }) => row.question))
  const make = (row: Gsm8kRow) => gsm8kExercise(row, solutions)
  const pool = splitRows('gsm8k', rows, HELD_OUT, make, ({ question }) => storyOf(question, names))
  const correct: Task['correct'] = ({ answer }, completion) => isSameNumber(finalAnswer(completion, 'en') ?? '', answer)
  return {
    rejected: pool.rejected,
    task: {
      name: 'gsm8k',
      languages: ['en'],
      ...drawsFrom('gsm8k', pool, make),
      ...checkable(correct, (completion) => parseRational(finalAnswer(completion, 'en') ?? '') !== undefined),
    },
  }
}
