/**
 * Rejection sampling: the latest model answers exercises of the training half several times, and what is right becomes dialogues for a
 * later `sft` (`{ stage: rejection-sampling }`). So DeepSeek-R1 made its fine-tuning data from its first RL model (DeepSeek-AI, 2025,
 * section 2.3.3); RAFT (Dong et al., 2023) and STaR (Zelikman et al., 2022) are the same step in a loop.
 *
 * Right means that the task says so and the answer came to its end. Exercises that the task holds back are never asked.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { openJsonl } from '../formats/index.ts'
import { createSession } from '../generate/index.ts'
import { freeModel } from '../nn/index.ts'
import { UserError } from '../run/index.ts'
import { random } from '../tensor/index.ts'
import { ask, type Asked, asOnPage, inChat } from './ask.ts'
import { DIALOGUES } from './dialogues.ts'
import { goesOn, loadModel, loadTokenizer, modelBefore } from './model-folder.ts'
import { whole } from './options.ts'
import { openTasks, practice } from './practice.ts'
import type { Stage } from './stage.ts'

const schema = z.object({
  tasks: z
    .array(practice({ problems: whole.default(500) }))
    .min(1)
    .describe('what to answer, and how many different exercises of each'),
  from: z.string().default('latest').describe('the earlier stage whose model answers, by name; default: the latest'),
  samples: whole.default(8).describe('answers to each exercise'),
  keep: whole.default(1).describe('right answers kept of each exercise, at most'),
  choose: z
    .enum(['shortest', 'diverse'])
    .default('shortest')
    .describe(
      'which of the right ones: the shortest, or those that share the fewest lines with what was chosen already',
    ),
  temperature: z.number().positive().default(1),
  maxTokens: whole.default(48).describe('longest answer'),
})
type Options = z.infer<typeof schema>

/** Answers that are sampled at the same time, at most. */
const SLOTS = 128
/** Exercises between two looks at the controls. */
const PORTION = 64

export const rejectionSampling: Stage<Options> = {
  kind: 'rejection-sampling',
  config: schema,
  async run(context, options) {
    const { seed, folder } = context
    const { samples, keep, choose, temperature, maxTokens } = options
    const before = modelBefore(context, options.from)
    const origin = context.earlier.find((stage) => stage.folder === before)
    const tokenizer = await loadTokenizer(before)
    const tasks = await openTasks(context, options.tasks)
    const isBase = goesOn(origin?.kind, tokenizer)
    const shots = tokenizer.shots ?? 0
    const manner = isBase ? asOnPage(tokenizer, tasks, { ...context, shots }) : inChat(tokenizer)
    const wanted = tasks.flatMap((task, i) =>
      distinct(task.train(options.tasks[i]!.problems, random(seed, `rejection sampling ${i}`).bits())).map(
        (exercise) => ({ task, exercise }),
      ),
    )
    const model = await loadModel(await context.engine(), before, { trainable: false })
    const session = createSession(model, Math.min(SLOTS, PORTION * samples), model.config.maxPositions)
    const file = await openJsonl(join(folder, DIALOGUES))
    const counts = { answers: 0, correct: 0, solved: 0, kept: 0, tokens: 0, keptTokens: 0 }
    try {
      for (let first = 0; first < wanted.length; first += PORTION) {
        const part = wanted.slice(first, first + PORTION)
        const questions = part.flatMap(({ exercise }) => Array<string>(samples).fill(exercise.prompt))
        const drawn = random(seed, 'rejected answers', first).bits()
        const asked = await ask(model, manner, questions, { maxTokens, temperature, seed: drawn, session })
        for (const [i, { task, exercise }] of part.entries()) {
          const answers = asked.slice(i * samples, (i + 1) * samples)
          const right = answers.filter((one) => one.finish === 'stop' && task.correct(exercise, one.text))
          const chosen = chooseAnswers(right, keep, choose)
          counts.answers += answers.length
          counts.tokens += answers.reduce((sum, { ids }) => sum + ids.length, 0)
          counts.correct += right.length
          counts.solved += Number(right.length > 0)
          counts.kept += chosen.length
          for (const { text, ids } of chosen) {
            counts.keptTokens += ids.length
            const messages = [
              { role: 'user', content: exercise.prompt },
              { role: 'assistant', content: text.trim() },
            ]
            const made = { from: origin?.name ?? null, task: task.name, id: exercise.id }
            await file.write({ messages, made: { ...made, right: right.length, of: samples } })
          }
        }
        const step = Math.min(first + PORTION, wanted.length)
        context.emit({ type: 'progress', step, steps: wanted.length })
        await context.border({ step, save: async () => {} })
      }
      if (counts.kept === 0)
        throw new UserError(
          `rejection-sampling: none of ${counts.answers} answers of "${origin?.name}" is right: nothing could be studied; practise longer first, or ask for easier exercises`,
          `rejection-sampling：“${origin?.name}”的 ${counts.answers} 个回答没有一个对的，没有东西可学；请先多刷题，或换容易些的题目`,
        )
      await file.close()
    } catch (error) {
      await file.discard()
      throw error
    } finally {
      session.free()
      freeModel(model)
    }
    const { answers, correct, solved, kept, tokens, keptTokens } = counts
    return {
      problems: wanted.length,
      answers,
      correct: correct / answers,
      solved: solved / wanted.length,
      dialogues: kept,
      tokens,
      answerLength: keptTokens / kept,
    }
  },
}

const distinct = <T extends { id: string }>(all: readonly T[]): T[] => [
  ...new Map(all.map((one) => [one.id, one])).values(),
]

/** At most `keep` different texts; the shortest, or greedily those with the smallest share of lines that the chosen have. */
export function chooseAnswers<T extends Pick<Asked, 'text' | 'ids'>>(
  right: readonly T[],
  keep: number,
  choose: Options['choose'],
): T[] {
  const different = [...new Map(right.map((one) => [one.text, one])).values()]
  const left = different.toSorted((a, b) => a.ids.length - b.ids.length)
  if (choose === 'shortest') return left.slice(0, keep)
  const chosen: T[] = []
  const seen = new Set<string>()
  while (chosen.length < keep && left.length > 0) {
    const known = left.map(({ text }) => {
      const lines = text.split('\n')
      return lines.filter((line) => seen.has(line)).length / lines.length
    })
    const [best] = left.splice(known.indexOf(Math.min(...known)), 1)
    for (const line of best!.text.split('\n')) seen.add(line)
    chosen.push(best!)
  }
  return chosen
}
