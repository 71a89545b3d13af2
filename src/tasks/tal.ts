/**
 * Multiple choice in the layout of TAL-SCQ5K (math-eval, 2023): `problem`, `answer_option_list` of letters with their contents, `answer_value`, and
 * `answer_analysis`, the worked answer in prose. In Chinese or in English, by the letters of the problems. Formulas stay LaTeX without the $$ around them.
 *
 * The answer is a letter; a quarter is right by chance, so a gain is to be read beside that. Rows with one option, with an answer that is none of them, or
 * without a problem are left out and reported. A tenth is held out, by hash of the
 * story, or of the problem where that is a formula alone.
 */
import { drawsFrom, namesIn, type NumberedRow, type RejectedRow, splitRows, storyOf } from './pool.ts'
import { checkable, type Exercise, finalAnswer, finalLine, type Language, type Task } from './task.ts'

export interface TalRow {
  problem: string
  answer_option_list: { aoVal: string; content: string }[][]
  answer_analysis: string[]
  answer_value: string
}

const HELD_OUT = 0.1

/** One exercise from one row; throws what is wrong with it. */
export function talExercise(row: TalRow, language: Language): Exercise {
  const options = row.answer_option_list.flat().map(({ aoVal, content }) => ({ letter: aoVal, text: plain(content) }))
  const problem = plain(row.problem)
  if (problem === '') throw new Error('the problem is empty')
  if (options.length < 2) throw new Error(`${options.length} options are nothing to choose from`)
  const letters = options.map(({ letter }) => letter)
  if (!letters.every((letter, i) => letter === String.fromCharCode(65 + i)))
    throw new Error(`the options are called ${letters.join(', ')}, expected A, B, C, …`)
  const answer = row.answer_value.trim()
  if (!letters.includes(answer)) throw new Error(`the answer "${answer}" is none of ${letters.join(', ')}`)
  const prompt = [problem, ...options.map(({ letter, text }) => `${letter}. ${text}`)].join('\n')
  const analysis = row.answer_analysis.map(plain).filter((text) => text !== '')
  return { id: prompt, prompt, answer, solution: [...analysis, finalLine(answer, language)].join('\n') }
}

/** The task, and the rows that were left out. Throws when hardly any row is usable. */
export function tal(rows: readonly NumberedRow<TalRow>[]): { task: Task; rejected: RejectedRow[] } {
  const chinese = rows.filter(({ row }) => /\p{Script=Han}/u.test(row.problem)).length
  const language = 2 * chinese > rows.length ? 'zh' : 'en'
  const names = namesIn(rows.map(({ row }) => plain(row.problem)))
  const make = (row: TalRow) => talExercise(row, language)
  const pool = splitRows('tal', rows, HELD_OUT, make, ({ problem }) => storyOf(plain(problem), names) || plain(problem))
  const stated = (completion: string) => letterOf(finalAnswer(completion, language) ?? '')
  const correct: Task['correct'] = ({ answer }, completion) => stated(completion) === answer
  return {
    rejected: pool.rejected,
    task: {
      name: `tal-${language}`,
      languages: [language],
      ...drawsFrom('tal', pool, make),
      ...checkable(correct, (completion, { prompt }) => prompt.includes(`\n${stated(completion) ?? '?'}. `)),
    },
  }
}

/** The letter of `B`, `(B)`, `B. 12` or `B、十二`. */
function letterOf(stated: string): string | undefined {
  const match = /^(?:([A-H])(?![A-Za-z0-9])|[(（]([A-H])[)）])/.exec(stated)
  return match?.[1] ?? match?.[2]
}

function plain(text: string): string {
  return text
    .replaceAll('$$', '')
    .replace(/\\uline\{~*\}/g, '____')
    .replace(/[~\s]+/g, ' ')
    .trim()
}
