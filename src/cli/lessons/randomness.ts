/** Prints the lesson about chance: the next token's probabilities, many answers to one question, and the tired model. */
import { answerOften, type ManyAnswers, tire, type TiredModel } from '../../lessons/index.ts'
import { UserError } from '../../run/index.ts'
import { openTask } from '../../tasks/open.node.ts'
import { makeQuestions, makeWorld } from '../../world/index.ts'
import { say } from '../language.ts'
import type { LessonFlags } from './flags.ts'
import { backgroundOf, withModel } from './model.ts'

const TEMPERATURES = [0, 0.7, 1.5]

export async function randomness(target: string, { stage, prompt, times, seed, json }: LessonFlags): Promise<void> {
  const { language, seed: runSeed, readTown, task: spec } = await backgroundOf(target)
  await withModel(target, stage, async ({ model, tokenizer, kind }) => {
    if (kind === 'pretrain')
      throw new UserError(
        'this lesson asks questions, and a base model does not answer yet: choose --stage sft or rl',
        '这堂课要提问，而基座模型还不会答话：请用 --stage sft 或 rl',
      )
    const question = prompt ?? ownQuestion(language, runSeed, readTown)
    const options = { count: times, temperatures: TEMPERATURES, maxTokens: 40, seed }
    const many = await answerOften(model, tokenizer, question, options)
    const { task } = await openTask(spec ?? { name: 'arithmetic', digits: 2, operations: ['+'] }, language)
    const tired = await tire(model, tokenizer, task, { times, maxTokens: 64, seed })
    if (json) return console.log(JSON.stringify({ question, ...many, tired }))
    showMany(question, many, times)
    showTired(tired)
  })
}

/** About a person of the town, where the model has read of it. */
function ownQuestion(language: 'zh' | 'en', seed: number, readTown: boolean): string {
  if (!readTown) return say({ en: 'What do you like to do?', zh: '你喜欢做什么？' })
  return makeQuestions(makeWorld({ language, seed }), seed).find(({ group }) => group === 'untaught')!.question
}

function showMany(question: string, { next, spreads }: ManyAnswers, times: number): void {
  console.log(say({ en: `You ask: ${question}`, zh: `你问：${question}` }))
  console.log(
    say({
      en: '\nThe model does not pick a word, it gives every token a probability. For the first token of its answer:',
      zh: '\n模型并不直接“说”某个词，它给每个词元一个概率。回答的第一个词元：',
    }),
  )
  for (const { text, probability } of next)
    console.log(
      `  ${percent(probability).padStart(5)} ${'█'.repeat(Math.round(probability * 40)).padEnd(1, '▏')} ${JSON.stringify(text)}`,
    )
  for (const { temperature, answers } of spreads) {
    console.log(
      say({
        en: `\nTemperature ${temperature}, asked ${times} times: ${answers.length} different ${answers.length === 1 ? 'answer' : 'answers'}`,
        zh: `\n温度 ${temperature}，问 ${times} 遍：${answers.length} 种回答`,
      }),
    )
    for (const { text, times } of answers.slice(0, 5)) console.log(`  ${String(times).padStart(4)} × ${oneLine(text)}`)
    if (answers.length > 5) console.log(say({ en: '       … and others', zh: '       ……等等' }))
  }
  console.log(
    say({
      en: '\nAt 0 the likeliest token is always taken. Higher temperatures even the chances out: more variety, and more nonsense.',
      zh: '\n温度为 0 时总取概率最大的词元。温度越高，机会越平均：花样多了，胡话也多了。',
    }),
  )
}

function showTired({ exercise, times, right, low, high, ...answers }: TiredModel): void {
  const { rightAnswer, wrongAnswer, wrongTimes } = answers
  console.log(
    say({
      en: `\nThe tired model: the same exercise ${times} times (temperature 1): ${exercise.prompt}`,
      zh: `\n算累了的模型：同一道题做 ${times} 遍（温度 1）：${exercise.prompt}`,
    }),
  )
  console.log(
    say({
      en: `  right ${right} of ${times} times (its chance of being right lies between ${percent(low)} and ${percent(high)}).`,
      zh: `  ${times} 遍里对了 ${right} 遍（真正的正确率多半在 ${percent(low)} 和 ${percent(high)} 之间）。`,
    }),
  )
  if (right === 0 || right === times)
    console.log(
      right === 0
        ? say({ en: '  That is not tired, it has not learnt this yet.', zh: '  这不是累，是还没学会。' })
        : say({
            en: '  It is wide awake: no problem that it sometimes misses was found.',
            zh: '  它清醒得很：没找到它时对时错的题。',
          }),
    )
  if (rightAnswer) block(say({ en: 'a right answer:', zh: '做对的一次：' }), rightAnswer)
  if (wrongAnswer)
    block(
      say({ en: `a wrong one (${wrongTimes} times the same):`, zh: `做错的一次（这样错了 ${wrongTimes} 遍）：` }),
      wrongAnswer,
    )
  console.log(
    say({
      en: `  a calculator says ${exercise.answer}, ${times} times of ${times}. It computes; the model draws, one digit after the other.`,
      zh: `  计算器：${exercise.answer}，${times} 遍都一样。计算器是在算，模型是在一个一个地抽数字。`,
    }),
  )
}

function block(title: string, text: string): void {
  console.log(`  ${title}`)
  for (const line of text.split('\n')) console.log(`    │ ${line}`)
}

const percent = (share: number) => `${(share * 100).toFixed(share < 0.1 ? 1 : 0)}%`

const oneLine = (text: string) =>
  text.replace(/\s+/g, ' ').slice(0, 100) || say({ en: '(nothing)', zh: '（什么也没说）' })
