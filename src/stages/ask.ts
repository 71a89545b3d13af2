/**
 * Putting questions to a model and reading its answers. A chat model gets its template; a base model, which knows no
 * template, goes on with a text that frames the question (worked examples before it), and its answer ends where the next
 * example would begin.
 */
import { type BatchOptions, type Completion, generateBatch } from '../generate/index.ts'
import type { Model } from '../nn/index.ts'
import { renderChat, stopIds, type Tokenizer, textStart, textStops } from '../tokenizer/index.ts'
import { finalLine, type Task } from '../tasks/index.ts'
import { pageTitle } from '../world/index.ts'
import type { Language } from './stage.ts'
import { expectChats } from './tokenizer-folder.ts'

/** How a question becomes ids, and ids become an answer. */
export interface Manner {
  prompt(question: string): number[]
  stopIds: number[]
  /** How many of these tokens are the answer; what was sampled behind it is dropped as if it never had been. */
  length?(ids: Int32Array): number
  read(ids: ArrayLike<number>): string
}

export interface Asked extends Completion {
  question: string
  prompt: number[]
  text: string
}

/** With the chat template. */
export function inChat(tokenizer: Tokenizer): Manner {
  expectChats(tokenizer)
  return {
    prompt: (content) => renderChat(tokenizer, [{ role: 'user', content }], { generationPrompt: true }).ids,
    stopIds: stopIds(tokenizer),
    read: (ids) => tokenizer.decode(ids),
  }
}

/** As plain text; the answer ends before `until`, a line break or several. */
export function asText(tokenizer: Tokenizer, frame: (question: string) => string, until: string): Manner {
  const endOfText = textStart(tokenizer)
  const end = tokenizer.encode(until)
  return {
    prompt: (question) => [endOfText, ...tokenizer.encode(frame(question))],
    stopIds: [...textStops(tokenizer), ...(end.length === 1 ? end : [])].slice(-5),
    read: (ids) => tokenizer.decode(ids).split(until)[0]!,
  }
}

/**
 * Worked examples as plain text, one after the other as on a page of a school book, then the question. The model goes on with
 * exercises of its own: its answer ends with the first line that begins with `last` ("Answer: "), or before a blank line. Where `last` is
 * null an answer is one line. `title`: what stands above the page.
 */
export function fewShot(
  tokenizer: Tokenizer,
  examples: readonly { prompt: string; solution: string }[],
  last: string | null,
  title?: string,
): Manner {
  const shown = examples.map(({ prompt, solution }) => `${prompt}\n${solution}\n`).join('')
  const frame = (question: string) => `${title === undefined ? '' : `${title}\n`}${shown}${question}\n`
  if (last === null) return asText(tokenizer, frame, '\n')
  const manner = asText(tokenizer, frame, '\n\n')
  const lastLine = (lines: readonly string[]) => lines.findIndex((line) => line.startsWith(last.trimEnd()))
  return {
    ...manner,
    length(ids) {
      // Up to the line break after the last line, where it is there: `end` is not the last of the lines begun.
      const isWhole = (n: number) => {
        const lines = tokenizer.decode(ids.subarray(0, n)).split('\n')
        const end = lastLine(lines)
        return end >= 0 && end < lines.length - 1
      }
      if (!isWhole(ids.length)) return ids.length
      let n = 1
      while (!isWhole(n)) n++
      return n
    },
    read(ids) {
      const lines = manner.read(ids).split('\n')
      const end = lastLine(lines)
      return (end < 0 ? lines : lines.slice(0, end + 1)).join('\n')
    },
  }
}

/**
 * How a model that knows no dialogue is given the exercises of tasks: as on a page of the world's school books, with `shots` worked
 * examples of each task's training half before the question. Without examples the page's title has to say what kind of page it is.
 */
export function asOnPage(
  tokenizer: Tokenizer,
  tasks: readonly Task[],
  { shots, seed, language }: { shots: number; seed: number; language: Language },
): Manner {
  const examples = tasks.flatMap((task) => (shots > 0 ? task.train(shots, seed) : []))
  const last = tasks.every(({ isOpen }) => isOpen) ? null : finalLine('', tasks[0]?.languages[0] ?? language)
  return fewShot(tokenizer, examples, last, shots > 0 ? undefined : pageTitle(language))
}

/** One answer for each question, in order. A question that leaves no room in the context gets an empty one. */
export async function ask(
  model: Model,
  manner: Manner,
  questions: readonly string[],
  options: Omit<BatchOptions, 'stopIds' | 'streams'>,
): Promise<Asked[]> {
  const context = options.session?.capacity ?? model.config.maxPositions
  const empty: Completion = { ids: new Int32Array(), logProbs: new Float32Array(), finish: 'length' }
  const asked = questions.map((question): Asked => ({ ...empty, question, prompt: manner.prompt(question), text: '' }))
  const fitting = asked.filter(({ prompt }) => prompt.length < context)
  const completions = await generateBatch(
    model,
    fitting.map(({ prompt }) => prompt),
    { ...options, stopIds: manner.stopIds },
  )
  fitting.forEach((one, i) => Object.assign(one, answerIn(completions[i]!, manner)))
  return asked
}

function answerIn({ ids, logProbs, finish }: Completion, manner: Manner): Completion & { text: string } {
  const text = manner.read(ids)
  const length = manner.length?.(ids) ?? ids.length
  if (length === ids.length) return { ids, logProbs, finish, text }
  return { ids: ids.slice(0, length), logProbs: logProbs.slice(0, length), finish: 'stop', text }
}
