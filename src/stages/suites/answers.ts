/**
 * What a model answered, kept while a suite runs: a line a question in `SUITE-KEY.jsonl`, where the key stands for everything that decides an
 * answer (weights, tokenizer, data, settings). The same command goes on where it was cut; another one finds nothing to go on with.
 */
import { closeSync, fsyncSync, mkdirSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { openForAppend, readLines } from '../../run/lines.ts'

export interface Answer {
  task: string
  index: number
  /** Right answers among `of`: 1 but for samples. */
  right: number
  of: number
  /** The text did not fit the context and lost its beginning. */
  cropped?: true
  /** The scores of choices in nats, or what was written (the first answer). */
  said: number[] | string
}

export interface Answers {
  of(task: string): ReadonlyMap<number, Answer>
  add(answers: readonly Answer[]): void
  close(): void
}

/** Without a folder answers are only kept in memory. */
export function openAnswers(folder: string | undefined, suite: string, key: string): Answers {
  const known = new Map<string, Map<number, Answer>>()
  const of = (task: string) => {
    const found = known.get(task) ?? new Map<number, Answer>()
    known.set(task, found)
    return found
  }
  const put = (answer: Answer) => of(answer.task).set(answer.index, answer)
  if (folder === undefined) return { of, add: (answers) => answers.forEach(put), close() {} }
  mkdirSync(folder, { recursive: true })
  const path = join(folder, `${suite}-${key.slice(0, 12)}.jsonl`)
  const { file } = openForAppend(path) // cuts off a torn line
  for (const line of readLines(path).lines) put(JSON.parse(line) as Answer)
  return {
    of,
    add(answers) {
      writeSync(file, answers.map((answer) => `${JSON.stringify(answer)}\n`).join(''))
      fsyncSync(file)
      answers.forEach(put)
    },
    close: () => closeSync(file),
  }
}
