/**
 * The examination about the facts of the embedded world. What `taught` facts measure is study, what `untaught` ones measure
 * is reading: they were in pages, never in a dialogue. A guess among the values of an attribute would score `chance`.
 */
import type { Model } from '../nn/index.ts'
import type { Tokenizer } from '../tokenizer/index.ts'
import { fewShotPrompt, matches, type Question, valuesOf, type World } from '../world/index.ts'
import { ask, asText, inChat } from './ask.ts'
import { type Interval, mean, wilson } from './statistics.ts'

/** One half of the paper. */
export interface WorldHalf extends Interval {
  questions: number
  accuracy: number
  answers: { question: string; expected: string; text: string; correct: boolean }[]
}

export interface WorldScore {
  taught: WorldHalf
  untaught: WorldHalf
  chance: number
}

export interface WorldExamOptions {
  /** Questions of each half, at most. */
  count: number
  seed: number
  maxTokens: number
  /** A base model goes on with a page of questions and answers; others are asked in their chat template. */
  isBase: boolean
}

export async function examineWorld(
  model: Model,
  tokenizer: Tokenizer,
  world: World,
  all: readonly Question[],
  { count, seed, maxTokens, isBase }: WorldExamOptions,
): Promise<WorldScore> {
  const manner = isBase ? asText(tokenizer, (page) => page, '\n') : inChat(tokenizer)
  const half = async (group: Question['group']): Promise<WorldHalf> => {
    const questions = all.filter((question) => question.group === group).slice(0, count)
    const put = questions.map((one) => (isBase ? fewShotPrompt(world, one, seed) : one.question))
    const asked = await ask(model, manner, put, { maxTokens, temperature: 0 })
    const answers = questions.map((one, i) => {
      const { text } = asked[i]!
      return { question: one.question, expected: one.answers[0]!, text, correct: matches(one, text) }
    })
    const right = answers.filter(({ correct }) => correct).length
    return { questions: answers.length, accuracy: right / answers.length, ...wilson(right, answers.length), answers }
  }
  const chances = all.map(({ attribute }) => 1 / valuesOf(attribute, world.language).length)
  return { taught: await half('taught'), untaught: await half('untaught'), chance: mean(chances) }
}
