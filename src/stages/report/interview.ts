/**
 * Puts the same questions to the model of every stage of a run. A base model is asked twice: it goes on writing after the
 * question, and it gets the chat template that it has never seen. Each answer is greedy, and drawn once with the run's seed.
 */
import { z } from 'zod'
import { freeModel } from '../../nn/index.ts'
import type { Engine } from '../../tensor/index.ts'
import { type Tokenizer, textStart, textStops } from '../../tokenizer/index.ts'
import { type Asked, ask, inChat, type Manner } from '../ask.ts'
import { goesOn, loadModel, loadTokenizer } from '../model-folder.ts'
import { whole } from '../options.ts'
import type { Comparison, ModelAnswer, Spoken } from './card.ts'
import type { ReportQuestion } from './questions.ts'

export const interviewOptions = z.object({
  questions: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('put to the model of every stage; default: some that suit the run'),
  maxTokens: whole.default(64).describe('longest answer'),
  temperature: z.number().nonnegative().default(0.7).describe('of the second, drawn answer; 0 = no second answer'),
})
export type InterviewOptions = z.infer<typeof interviewOptions>

/** A model to be asked: the stage that made it, and its folder. */
export interface Candidate {
  name: string
  kind: string
  folder: string
}

export async function interview(
  engine: Engine,
  candidates: readonly Candidate[],
  questions: readonly ReportQuestion[],
  options: Omit<InterviewOptions, 'questions'> & { seed: number },
): Promise<Comparison[]> {
  const comparisons = questions.map(({ question, expected = null }): Comparison => ({
    question,
    expected,
    answers: [],
  }))
  for (const candidate of candidates) {
    const tokenizer = await loadTokenizer(candidate.folder)
    const model = await loadModel(engine, candidate.folder, { trainable: false })
    try {
      for (const [name, manner] of mannersOf(candidate.kind, tokenizer)) {
        const { maxTokens, temperature, seed } = options
        const put = (t: number) =>
          ask(
            model,
            manner,
            questions.map((q) => q.question),
            { maxTokens, temperature: t, seed },
          )
        const greedy = await put(0)
        const sampled = temperature > 0 ? await put(temperature) : undefined
        comparisons.forEach(({ answers }, i) => {
          const drawn = sampled && { ...spoken(sampled[i]!, questions[i]!), temperature }
          answers.push({
            stage: candidate.name,
            manner: name,
            greedy: spoken(greedy[i]!, questions[i]!),
            sampled: drawn ?? null,
          })
        })
      }
    } finally {
      freeModel(model)
    }
  }
  return comparisons
}

function mannersOf(kind: string, tokenizer: Tokenizer): [ModelAnswer['manner'], Manner][] {
  if (tokenizer.manners?.template === null) return [['text', goOn(tokenizer)]]
  const chat: [ModelAnswer['manner'], Manner] = ['chat', inChat(tokenizer)]
  return goesOn(kind, tokenizer) ? [['text', goOn(tokenizer)], chat] : [chat]
}

/** Plain text to go on with, over line breaks, to the end of the document. */
function goOn(tokenizer: Tokenizer): Manner {
  const endOfText = textStart(tokenizer)
  return {
    prompt: (question) => [endOfText, ...tokenizer.encode(question)],
    stopIds: textStops(tokenizer),
    read: (ids) => tokenizer.decode(ids),
  }
}

function spoken({ text, finish }: Asked, { isRight }: ReportQuestion): Spoken {
  return { text, truncated: finish === 'length', correct: isRight ? isRight(text) : null }
}
