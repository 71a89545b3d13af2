/**
 * What has been paid for: every answer of an endpoint, by the hash of its request, in one file that is only appended to. An answer is on the disk before
 * it is used; a torn last line is cut. So a run that was killed asks for nothing twice but what was under way at that moment.
 */
import { closeSync, fsyncSync, writeSync } from 'node:fs'
import { z } from 'zod'
import { openForAppend, readLines } from '../run/lines.ts'
import { UserError } from '../run/index.ts'

const answer = z.object({
  key: z.string(),
  text: z.string(),
  finish: z.string(),
  time: z.number(),
  promptTokens: z.number(),
  completionTokens: z.number(),
})
export type Answer = z.infer<typeof answer>

export interface Answers {
  get(key: string): Answer | undefined
  add(answer: Answer): void
  size: number
  tokens: number
  close(): void
}

/** A line that cannot be read is an error: it was paid for. */
export function openAnswers(path: string): Answers {
  const { file } = openForAppend(path)
  const known = new Map<string, Answer>()
  let tokens = 0
  const keep = (one: Answer) => {
    known.set(one.key, one)
    tokens += one.promptTokens + one.completionTokens
  }
  for (const [i, line] of readLines(path).lines.entries()) {
    const parsed = answer.safeParse(jsonOf(line))
    if (!parsed.success) {
      closeSync(file)
      throw new UserError(
        `${path}, line ${i + 1} is no answer of an endpoint: mend the line or take it out`,
        `${path} 第 ${i + 1} 行不是接口的回答：请改好或删掉这一行`,
      )
    }
    keep(parsed.data)
  }
  return {
    get: (key) => known.get(key),
    add(one) {
      writeSync(file, `${JSON.stringify(one)}\n`)
      fsyncSync(file)
      keep(one)
    },
    get size() {
      return known.size
    },
    get tokens() {
      return tokens
    },
    close: () => closeSync(file),
  }
}

/** What earlier attempts paid, without opening the file for writing. */
export function countAnswers(path: string): { requests: number; tokens: number } {
  let tokens = 0
  const { lines } = readLines(path)
  for (const line of lines) {
    const { data } = answer.safeParse(jsonOf(line))
    tokens += data ? data.promptTokens + data.completionTokens : 0
  }
  return { requests: lines.length, tokens }
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
