/**
 * A task out of a finite pool of problems from files: what all of them share. Problems are split by a hash of their story, the text without
 * its numbers and names, so that a story told twice never stands on both sides; rows that no exercise can be made of are left out and named.
 */
import { type Random, random } from '../tensor/random.ts'
import { type Exercise, isHeldOut } from './task.ts'

/** A row with the line of the file where it starts. */
export interface NumberedRow<Row> {
  line: number
  row: Row
  /** The file, where there are several. */
  source?: string
}

export interface RejectedRow {
  line: number
  reason: string
  source?: string
}

export interface Pool<Row> {
  /** One row for each different problem. */
  training: Row[]
  testing: Exercise[]
  rejected: RejectedRow[]
}

/** `make` throws what is wrong with a row. Throws when one side has nothing. */
export function splitRows<Row>(
  name: string,
  rows: readonly NumberedRow<Row>[],
  share: number,
  make: (row: Row) => Exercise,
  storyOf: (row: Row) => string,
): Pool<Row> {
  const rejected: RejectedRow[] = []
  const training = new Map<string, Row>()
  const testing = new Map<string, Exercise>()
  for (const { line, row, source } of rows) {
    try {
      const exercise = make(row)
      if (isHeldOut(storyOf(row), share)) testing.set(exercise.id, exercise)
      else training.set(exercise.id, row)
    } catch (error) {
      rejected.push({ line, reason: (error as Error).message, ...(source === undefined ? {} : { source }) })
    }
  }
  if (training.size === 0 || testing.size === 0)
    throw new Error(
      `${name}: ${rows.length - rejected.length} of ${rows.length} rows are usable, too few to hold ${share === 0.1 ? 'a tenth' : `${share * 100} %`} of them out`,
    )
  return { training: [...training.values()], testing: [...testing.values()], rejected }
}

/** `train` and `test` of a pool; `tell` makes an exercise of a row, perhaps another each time. */
export function drawsFrom<Row>(
  name: string,
  { training, testing }: Pool<Row>,
  tell: (row: Row, r: Random) => Exercise,
) {
  return {
    train(count: number, seed: number): Exercise[] {
      const found: Exercise[] = []
      for (let epoch = 0; found.length < count; epoch++) {
        const r = random(seed, `${name} train`, epoch)
        const chosen = r.shuffle(training).slice(0, count - found.length)
        found.push(...chosen.map((row) => tell(row, r)))
      }
      return found
    },
    test(count: number, seed: number): Exercise[] {
      if (count > testing.length)
        throw new RangeError(`${count} different exercises asked for, only ${testing.length} are held out`)
      return random(seed, `${name} test`).shuffle(testing).slice(0, count)
    },
  }
}

/** Words that are written with a capital somewhere inside a sentence: names of people, and a few of things. */
export function namesIn(questions: readonly string[]): Set<string> {
  const found = questions.flatMap((question) => question.match(/(?<=[a-z0-9,'] )[A-Z][a-z]+/g) ?? [])
  return new Set(found.map((name) => name.toLowerCase()))
}

/** What makes two problems the same story: the words, without names, numbers (and `number0`, a slot for one), case and signs. */
export function storyOf(question: string, names: ReadonlySet<string>): string {
  const words = question.toLowerCase().match(/number\d+|[a-z]+|\p{Script=Han}+/gu) ?? []
  return words.filter((word) => !names.has(word) && !word.startsWith('number')).join('')
}
