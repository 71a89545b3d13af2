/** Only right answers become dialogues, of different exercises, none of which is held back; what is chosen of them. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTrainer, freeModel } from '../nn/index.ts'
import { makeTask } from '../tasks/index.ts'
import { type Message, renderChat } from '../tokenizer/index.ts'
import { readDialogues } from './dialogues.ts'
import { heldOutExercises } from './exercises.ts'
import { optimizerOf, trainingOptions } from './options.ts'
import { checkOrder } from './order.ts'
import { chooseAnswers, rejectionSampling } from './rejection-sampling.ts'
import { anyEngine, byteTokenizer, testContext, tinyModel, writeModelFolder } from './tiny.test-helper.ts'
import { joinRows, packDialogues } from './tokens.ts'

const spec = { name: 'arithmetic' as const, digits: 1, operations: ['+' as const] }
const task = makeTask(spec, 'en')
const engine = await anyEngine()
let run: string
let earlier: { kind: string; name: string; folder: string }[]

/** A model that answers "Answer: 7" with a number that is often wrong. */
beforeAll(async () => {
  run = await mkdtemp(join(tmpdir(), 'xueba-rejection-'))
  const tokenizer = byteTokenizer()
  const model = tinyModel(engine)
  const rates = { matrixRate: 0.02, embeddingRate: 0.01, vectorRate: 0.01 }
  const trainer = createTrainer(model, { rows: 8, time: 96 }, optimizerOf(trainingOptions.parse(rates)))
  const examples = task.train(200, 1).map(({ prompt, answer }) => {
    const [user, assistant] = ['user' as const, 'assistant' as const]
    return renderChat(tokenizer, [
      { role: user, content: prompt },
      { role: assistant, content: `Answer: ${answer}` },
    ])
  })
  for (let t = 1; t <= 60; t++) await trainer.step([joinRows(packDialogues(examples, 96, 256, 1, t).slice(0, 8))], t, 1)
  trainer.free()
  const folder = join(run, '01-rl')
  await writeModelFolder(folder, model)
  freeModel(model)
  earlier = [{ kind: 'rl', name: 'practice', folder }]
}, 60_000)

afterAll(async () => {
  await engine.close()
  await rm(run, { recursive: true, force: true })
})

it('writes right answers alone, as dialogues that sft reads', async () => {
  const context = await testContext(engine, run, '02-rejection-sampling', earlier)
  const config = rejectionSampling.config.parse({ tasks: [{ task: spec, problems: 90 }], samples: 6, maxTokens: 16 })
  const metrics = await rejectionSampling.run(context, config)
  const text = await readFile(join(context.folder, 'dialogues.jsonl'), 'utf8')
  const rows = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { messages: Message[]; made: Record<string, unknown> })
  const test = new Set(heldOutExercises(task, 1000, 1).map(({ id }) => id))
  for (const { messages, made } of rows) {
    const [question, answer] = messages.map(({ content }) => content)
    const [a, b] = /(\d)\+(\d)/.exec(question!)!.slice(1).map(Number)
    expect(answer).toMatch(new RegExp(`^Answer: ?${a! + b!}\\.?$`))
    expect(test.has(String(made.id))).toBe(false)
    expect(made).toMatchObject({ from: 'practice', task: task.name, of: 6 })
  }
  expect(new Set(rows.map(({ made }) => made.id)).size).toBe(rows.length)
  expect(metrics.dialogues).toBe(rows.length)
  expect(metrics.solved).toBeCloseTo(rows.length / metrics.problems!, 9)
  expect(metrics.correct!).toBeGreaterThan(0)
  expect(metrics.correct!).toBeLessThan(1)
  const made = [...earlier, { kind: 'rejection-sampling', name: 'chosen', folder: context.folder }]
  const read = await readDialogues({ stage: 'chosen', count: 3 }, { ...context, earlier: made }, () => {})
  expect(read).toEqual(rows.slice(0, 3).map(({ messages }) => messages))
})

it('says so when nothing is right', async () => {
  const context = await testContext(engine, run, '03-rejection-sampling', earlier)
  const tasks = [{ task: { ...spec, digits: 2 }, problems: 3 }]
  const config = rejectionSampling.config.parse({ tasks, samples: 1, maxTokens: 2 })
  await expect(rejectionSampling.run(context, config)).rejects.toThrow(/none of 3 answers of "practice" is right/)
})

it('chooses the shortest, or what shares the fewest lines', () => {
  const answer = (text: string) => ({ text, ids: Int32Array.from(text, () => 1) })
  const all = ['a\nb\nc\nlong', 'a\nb\nc', 'x\ny\nzzzzzzz', 'a\nb\nc'].map(answer)
  const texts = (choose: 'shortest' | 'diverse', keep: number) =>
    chooseAnswers(all, keep, choose).map((one) => one.text)
  expect(texts('shortest', 1)).toEqual(['a\nb\nc'])
  expect(texts('shortest', 2)).toEqual(['a\nb\nc', 'a\nb\nc\nlong'])
  expect(texts('diverse', 2)).toEqual(['a\nb\nc', 'x\ny\nzzzzzzz'])
  expect(texts('diverse', 9).length).toBe(3) // the same text once
})

it('is named before it is made, or the recipe is refused', () => {
  const stage = (kind: string, name: string, config = {}) => ({ kind, name, config })
  const data = [{ stage: 'chosen' }]
  const recipe = (kind: string) => ({
    name: 'x',
    language: 'en' as const,
    seed: 1,
    model: {},
    stages: [stage(kind, 'chosen'), stage('sft', 'sft', { data })],
  })
  expect(() => checkOrder(recipe('rejection-sampling'))).not.toThrow()
  expect(() => checkOrder(recipe('rl'))).toThrow(/no earlier stage called "chosen" writes dialogues/)
})
