/**
 * GSM8K (Cobbe et al., "Training verifiers to solve math word problems", 2021): the model writes its reckoning, and the number behind
 * `####` is its answer, commas left out, as in the authors' grade_school_math/dataset.py. A base model sees worked examples as plain text, the
 * calculator's notes `<<…>>` taken out; a chat model is asked in its template. There are no tools.
 */
import { z } from 'zod'
import { renderChat, stopIds, type Tokenizer, textStops } from '../../tokenizer/index.ts'
import { random } from '../../tensor/random.ts'
import { type SuiteTask, textIds } from './question.ts'
import { checked, type DataFile, fail, readRows } from './rows.ts'
import { subset } from './subset.ts'

const SHOTS = 5
export const GSM8K_TOKENS = 256

const problem = z.object({ question: z.string().min(1), answer: z.string().min(1) })

/** The number behind `####`, without commas. */
export function answerOf(text: string): string | null {
  const found = /#### (-?[0-9.,]+)/.exec(text)
  return found ? found[1]!.replaceAll(',', '').replace(/\.$/, '') : null
}

export interface WrittenOptions {
  limit: number | undefined
  seed: number
  maxTokens: number
  /** A base model goes on with a text. */
  isBase: boolean
}

/** `examples`: files to take worked examples from; without them, problems of `files` that are then not asked. */
export async function gsm8kTasks(
  files: readonly DataFile[],
  examples: readonly DataFile[],
  tokenizer: Tokenizer,
  { limit, seed, maxTokens, isBase }: WrittenOptions,
): Promise<SuiteTask[]> {
  const read = async (file: DataFile) =>
    (await readRows(file)).map((row) => {
      const { question, answer } = checked(problem, row)
      const number = answerOf(answer)
      if (number === null) fail(row.place, '"answer" has no line "#### number"', '“answer”里没有“#### 数字”这一行')
      return { question, answer: answer.replaceAll(/<<[^>]*>>/g, ''), number: number as string }
    })
  const all = (await Promise.all(files.map(read))).flat()
  const pool = examples.length > 0 ? (await Promise.all(examples.map(read))).flat() : all
  const shown = isBase ? random(seed, 'gsm8k examples').shuffle(pool).slice(0, SHOTS) : []
  const items = subset(
    all.filter((one) => !shown.includes(one)),
    limit,
    seed,
    'gsm8k',
  )
  const before = shown.map(({ question, answer }) => `Question: ${question}\nAnswer: ${answer}\n\n`).join('')
  return [
    {
      name: 'gsm8k',
      chance: 0,
      shots: shown.length,
      size: items.length,
      question(index) {
        const { question, number } = items[index]!
        const content = `${question}\n\nThink step by step, then write the answer as a last line of its own: #### number`
        return {
          kind: 'written',
          prompt: isBase
            ? textIds(tokenizer, `${before}Question: ${question}\nAnswer:`)
            : renderChat(tokenizer, [{ role: 'user', content }], { generationPrompt: true }).ids,
          maxTokens,
          stopIds: isBase ? textStops(tokenizer) : stopIds(tokenizer),
          until: isBase ? ['\n\n', 'Question:'] : [],
          judge: (text) => answerOf(text) === number,
        }
      },
    },
  ]
}
