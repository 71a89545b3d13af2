/**
 * Chinese word problems in the layout of Ape210K (Zhao et al., "Ape210K", 2020): `original_text`, an `equation` such as `x=(15/(15+1))*100%`, and its answer
 * `ans`: a number, a fraction `(11/20)`, a mixed number `163(1/7)` or per cent.
 *
 * The worked answer is the equation worked out from the inside, one operation a line, in exact fractions, then `答案：…`. Rows whose equation does not
 * give their answer, or cannot be read, are left out and reported; so are answers that are sums themselves. A tenth of the problems is held
 * out, by hash of the story: the text without numbers and signs. A unit behind the number is not asked for.
 */
import { drawsFrom, type NumberedRow, type RejectedRow, splitRows, storyOf } from './pool.ts'
import { formatRational, isSameNumber, parseRational, workOut } from './rational.ts'
import { checkable, type Exercise, finalAnswer, finalLine, type Task } from './task.ts'

export interface Ape210kRow {
  original_text: string
  equation: string
  ans: string
}

const HELD_OUT = 0.1

/** One exercise from one row; throws what is wrong with it. */
export function ape210kExercise({ original_text, equation, ans }: Ape210kRow): Exercise {
  if (!parseRational(ans)) throw new Error(`the answer "${ans}" is no number, fraction or per cent`)
  const side = /^\s*x\s*=([^=]+)$/.exec(equation)?.[1]
  if (side === undefined) throw new Error(`the equation "${equation}" does not begin with x=`)
  const { value, steps } = workOut(side)
  if (!isSameNumber(`${value.numerator}/${value.denominator}`, ans))
    throw new Error(`the equation gives ${formatRational(value)}, the answer is ${ans}`)
  const answer = ans.trim().replace(/^\(([0-9]+\/[0-9]+)\)$/, '$1')
  return {
    id: original_text,
    prompt: original_text.trim(),
    answer,
    solution: [...steps, finalLine(answer, 'zh')].join('\n'),
  }
}

/** The task, and the rows that were left out. Throws when hardly any row is usable. */
export function ape210k(rows: readonly NumberedRow<Ape210kRow>[]): { task: Task; rejected: RejectedRow[] } {
  const none = new Set<string>()
  const pool = splitRows('ape210k', rows, HELD_OUT, ape210kExercise, (row) => storyOf(row.original_text, none))
  const correct: Task['correct'] = ({ answer }, completion) => isSameNumber(finalAnswer(completion, 'zh') ?? '', answer)
  return {
    rejected: pool.rejected,
    task: {
      name: 'ape210k',
      languages: ['zh'],
      ...drawsFrom('ape210k', pool, ape210kExercise),
      ...checkable(correct, (completion) => parseRational(finalAnswer(completion, 'zh') ?? '') !== undefined),
    },
  }
}
