/**
 * Putting questions to a model and reading its answers. A chat model gets its template; a base model, which knows no
 * template, goes on with a text that frames the question (worked examples before it), and its answer ends where the next
 * example would begin.
 */
import { type BatchOptions, type Completion, generateBatch } from '../generate/index.ts'
import type { Model } from '../nn/index.ts'
import { renderChat, stopIds, type Tokenizer, textStart, textStops } from '../tokenizer/index.ts'
import { expectChats } from './tokenizer-folder.ts'

/** How a question becomes ids, and ids become an answer. */
export interface Manner {
  prompt(question: string): number[]
  stopIds: number[]
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
 * null an answer is one line.
 */
export function fewShot(
  tokenizer: Tokenizer,
  examples: readonly { prompt: string; solution: string }[],
  last: string | null,
): Manner {
  const shown = examples.map(({ prompt, solution }) => `${prompt}\n${solution}\n`).join('')
  const frame = (question: string) => `${shown}${question}\n`
  if (last === null) return asText(tokenizer, frame, '\n')
  const manner = asText(tokenizer, frame, '\n\n')
  return {
    ...manner,
    read(ids) {
      const lines = manner.read(ids).split('\n')
      const end = lines.findIndex((line) => line.startsWith(last.trimEnd()))
      return (end < 0 ? lines : lines.slice(0, end + 1)).join('\n')
    },
  }
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
  fitting.forEach((one, i) => Object.assign(one, completions[i], { text: manner.read(completions[i]!.ids) }))
  return asked
}
