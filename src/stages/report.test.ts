import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freeModel } from '../nn/index.ts'
import { finishStage } from '../run/finish.test-helper.ts'
import { createRun, type Recipe, stageFolder } from '../run/index.ts'
import { makeTask } from '../tasks/index.ts'
import type { Engine } from '../tensor/index.ts'
import { makeQuestions, makeWorld } from '../world/index.ts'
import type { ReportCard } from './report/card.ts'
import { questionsOf } from './report/questions.ts'
import { renewReport, report } from './report.ts'
import { anyEngine, testContext, tinyModel, writeModelFolder } from './tiny.test-helper.ts'

let engine: Engine
let run: string
const recipe: Recipe = {
  name: 'tiny',
  language: 'en',
  seed: 5,
  model: {},
  stages: [
    { kind: 'pretrain', name: 'read', config: { steps: 1 } },
    {
      kind: 'sft',
      name: 'study',
      config: {
        data: [
          { world: 'dialogues', count: 9 },
          { task: { name: 'arithmetic', digits: 1 }, count: 9 },
        ],
      },
    },
    { kind: 'report', name: 'report', config: { questions: ['Who?', 'What?'], maxTokens: 5 } },
  ],
}
const folderOf = (index: number) => join(run, stageFolder(index, recipe.stages[index]!.name))
const readCard = async () => JSON.parse(await readFile(join(run, 'report.json'), 'utf8')) as ReportCard

beforeAll(async () => {
  engine = await anyEngine()
  run = await mkdtemp(join(tmpdir(), 'xueba-report-stage-'))
  await createRun(run, recipe)
  const model = tinyModel(engine)
  for (const [i, { kind, name, config }] of recipe.stages.slice(0, 2).entries()) {
    await mkdir(folderOf(i), { recursive: true })
    await writeModelFolder(folderOf(i), model)
    await finishStage(run, i, { kind, name, config, seconds: 1, metrics: { loss: 2 } })
  }
  freeModel(model)
})
afterAll(async () => {
  await engine.close()
  await rm(run, { recursive: true })
})

test('the stage asks every model the same and writes the three files, at the top and in its folder', async () => {
  const context = await testContext(engine, run, basename(folderOf(2)), [])
  const metrics = await report.run(context, report.config.parse(recipe.stages[2]!.config))
  expect(metrics).toEqual({ questions: 2, models: 2 })
  const card = await readCard()
  expect(card.finished).toBe(true)
  expect(card.stages.at(-1)).toMatchObject({ name: 'report', state: 'done', metrics })
  expect(card.comparisons.map(({ question }) => question)).toEqual(['Who?', 'What?'])
  const answers = card.comparisons[0]!.answers
  expect(answers.map(({ stage, manner }) => [stage, manner])).toEqual([
    ['read', 'text'],
    ['read', 'chat'],
    ['study', 'chat'],
  ])
  // Both stages hold the same weights: asked in the same manner, they answer the same.
  expect(answers[2]).toEqual({ ...answers[1], stage: 'study' })
  expect(answers[0]!.greedy).toMatchObject({ correct: null })
  expect(answers[0]!.sampled).toMatchObject({ temperature: 0.7, correct: null })
  for (const name of ['report.md', 'report.html', 'report.json'])
    expect(await readFile(join(run, name), 'utf8')).toBe(await readFile(join(folderOf(2), name), 'utf8'))
})

test('a report made again takes the questions of the recipe, or keeps the answers without a model', async () => {
  const before = await readCard()
  expect(await renewReport(run, { engine: () => Promise.resolve(engine) })).toBe(join(run, 'report.html'))
  expect((await readCard()).comparisons).toEqual(before.comparisons)
  const none = () => Promise.reject(new Error('no engine is needed'))
  await renewReport(run, { engine: none, keepAnswers: true })
  expect((await readCard()).comparisons).toEqual(before.comparisons)
})

test('questions: small talk, facts of the world the run read about, an exercise of its task; right answers are known', async () => {
  const world = makeWorld({ language: 'en', seed: 5 })
  const asked = await questionsOf({ ...recipe }, { language: 'en', seed: 5 })
  expect(asked).toHaveLength(6)
  const [hello, who, taught, untaught, exercise, story] = asked
  for (const { expected, isRight } of [hello!, who!, story!])
    expect([expected, isRight]).toEqual([undefined, undefined])
  const exam = makeQuestions(world, 5)
  for (const [question, group] of [
    [taught, 'taught'],
    [untaught, 'untaught'],
  ] as const) {
    expect(exam.find((one) => one.question === question!.question)!.group).toBe(group)
    expect(question!.isRight!(`It is ${question!.expected}.`)).toBe(true)
    expect(question!.isRight!('I do not know.')).toBe(false)
  }
  const [held] = makeTask({ name: 'arithmetic', digits: 1, operations: ['+'] }, 'en').test(1, 5)
  expect(exercise).toMatchObject({ question: held!.prompt, expected: held!.answer })
  expect(exercise!.isRight!(held!.solution)).toBe(true)
  expect(exercise!.isRight!('Answer: 999')).toBe(false)
})

test('without a world there is no question about it; a task whose file is gone is passed over', async () => {
  const stages = [{ kind: 'rl', tasks: [{ task: { name: 'mawps', file: '/nowhere/problems.csv' } }] }]
  const asked = await questionsOf({ stages }, { language: 'zh', seed: 1 })
  expect(asked.map(({ expected }) => expected !== undefined)).toEqual([false, false, true, false])
  expect(asked[0]!.question).toBe('你好！')
})

test('own questions are marked where the run knows the answer', async () => {
  const [exercise] = (await questionsOf({}, { language: 'zh', seed: 1 })).filter(
    ({ expected }) => expected !== undefined,
  )
  const asked = await questionsOf({}, { language: 'zh', seed: 1 }, ['为什么？', exercise!.question])
  expect(asked.map(({ expected }) => expected)).toEqual([undefined, exercise!.expected])
})
