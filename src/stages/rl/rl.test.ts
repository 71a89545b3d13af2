/** The RL stage from folder to folder: what it writes and tells, that a resumed run gives the same bytes, and that it stops. */
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTrainer, freeModel } from '../../nn/index.ts'
import { type EventBody, sha256 } from '../../run/index.ts'
import { makeTask } from '../../tasks/index.ts'
import { renderChat } from '../../tokenizer/index.ts'
import { pageTitle } from '../../world/index.ts'
import { heldOutExercises } from '../exercises.ts'
import { goesOn, loadTokenizer } from '../model-folder.ts'
import { optimizerOf } from '../options.ts'
import { rl } from './rl.ts'
import { rlOptions } from './options.ts'
import type { RolloutLine } from './rollout-log.ts'
import { Stopped } from '../stage.ts'
import {
  anyEngine,
  byteTokenizer,
  type TestContext,
  testContext,
  tinyModel,
  writeModelFolder,
} from '../tiny.test-helper.ts'
import { packDialogues, joinRows } from '../tokens.ts'

const task = { name: 'arithmetic' as const, digits: 1, operations: ['+' as const] }
const options = (more: object = {}) =>
  rlOptions.parse({
    tasks: [{ task }],
    steps: 5,
    promptsPerStep: 4,
    groupSize: 6,
    maxTokens: 12,
    rows: 4,
    time: 96,
    matrixRate: 0.003,
    embeddingRate: 0.001,
    vectorRate: 0.001,
    evaluateEvery: 2,
    checkpointEvery: 2,
    evaluateProblems: 8,
    passAtK: [1, 3],
    ...more,
  })

let run: string
const engine = await anyEngine()
let earlier: { kind: string; name: string; folder: string }[]

/** A model that answers "Answer: 7" with a number that is often wrong. */
beforeAll(async () => {
  run = await mkdtemp(join(tmpdir(), 'xueba-rl-'))
  const tokenizer = byteTokenizer()
  const model = tinyModel(engine)
  const shape = { rows: 8, time: 96 }
  const trainer = createTrainer(model, shape, {
    matrices: 'muon',
    matrixRate: 0.02,
    embeddingRate: 0.01,
    vectorRate: 0.01,
    beta1: 0.9,
    beta2: 0.95,
    eps: 1e-8,
    weightDecay: 0,
    momentum: 0.95,
    clip: 1,
  })
  const examples = makeTask(task, 'en')
    .train(200, 1)
    .map(({ prompt, answer }) =>
      renderChat(tokenizer, [
        { role: 'user', content: prompt },
        { role: 'assistant', content: `Answer: ${answer}` },
      ]),
    )
  for (let t = 1; t <= 60; t++) {
    const rows = packDialogues(examples, shape.time, 256, 1, t).slice(0, shape.rows)
    await trainer.step([joinRows(rows)], t, 1)
  }
  trainer.free()
  const folder = join(run, '01-sft')
  await writeModelFolder(folder, model)
  freeModel(model)
  earlier = [{ kind: 'sft', name: 'sft', folder }]
}, 120_000)

afterAll(async () => {
  await engine.close()
  await rm(run, { recursive: true, force: true })
})

const digest = async (folder: string, file: string) => sha256(await readFile(join(folder, file)))
const FILES = ['model.safetensors', 'rollouts.jsonl', 'rollouts.index.json', 'config.json', 'tokenizer.json'] as const
const digests = (folder: string) => Promise.all(FILES.map((file) => digest(folder, file)))
const named = (events: EventBody[], name: string) =>
  events.filter((e) => e.type === 'metric').filter((e) => e.name === name)

describe('the rl stage', () => {
  let whole: TestContext
  let metrics: Awaited<ReturnType<typeof rl.run>>

  beforeAll(async () => {
    whole = await testContext(engine, run, '02-rl', earlier)
    metrics = await rl.run(whole, options())
  })

  it('examines before, on the way and at the end, with intervals', () => {
    const accuracy = named(whole.events, 'accuracy')
    expect(accuracy.map(({ step }) => step)).toEqual([0, 2, 4, 5])
    for (const { value, low, high, split } of accuracy) {
      expect(split).toBe('arithmetic-1-digits')
      expect(low!).toBeLessThanOrEqual(value!)
      expect(high!).toBeGreaterThanOrEqual(value!)
    }
    expect(named(whole.events, 'pass@3').length).toBe(4)
    expect(metrics).toMatchObject({
      steps: 5,
      stoppedEarly: 0,
      problems: heldOutExercises(makeTask(task, 'en'), 8, 5).length,
      accuracyBefore: accuracy[0]!.value,
      accuracy: accuracy[3]!.value,
    })
    expect(whole.events.some((e) => e.type === 'sample' && e.text.includes('Answer:'))).toBe(true)
  })

  it('tells the numbers of every step', () => {
    for (const name of [
      'reward',
      'correct',
      'answerLength',
      'truncated',
      'skippedGroups',
      'entropy',
      'klOld',
      'clipped',
      'gradNorm',
    ])
      expect(
        named(whole.events, name)
          .filter(({ split }) => split === 'train')
          .map(({ step }) => step),
        name,
      ).toEqual([1, 2, 3, 4, 5])
    expect(whole.events.filter((e) => e.type === 'progress').map(({ step }) => step)).toEqual([1, 2, 3, 4, 5])
    const [mismatch] = named(whole.events, 'logProbMismatch')
    expect(mismatch!.value!).toBeLessThan(1e-4)
  })

  it('keeps whole groups, which index and events point to', async () => {
    const bytes = await readFile(join(whole.folder, 'rollouts.jsonl'))
    const lines = bytes
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as RolloutLine)
    expect(lines.length).toBe(20)
    const index = JSON.parse(await readFile(join(whole.folder, 'rollouts.index.json'), 'utf8')) as Record<
      string,
      number
    >
    expect(Object.keys(index)).toEqual(['1', '2', '3', '4', '5'])
    for (const [step, offset] of Object.entries(index)) {
      const first = JSON.parse(bytes.subarray(offset, bytes.indexOf('\n', offset)).toString()) as RolloutLine
      expect(first.step).toBe(Number(step))
      if (offset > 0) expect(bytes[offset - 1]).toBe(10)
    }
    const pointers = whole.events.filter((e) => e.type === 'rollout')
    expect(pointers.map(({ step, offset, groups, file }) => [step, offset, groups, file])).toEqual(
      Object.entries(index).map(([step, offset]) => [Number(step), offset, 4, 'rollouts.jsonl']),
    )
    const tokenizer = byteTokenizer()
    const solver = makeTask(task, 'en')
    for (const { answers, kept, prompt, id, expected } of lines) {
      expect(answers.length).toBe(6)
      expect(kept).toBe(new Set(answers.map((a) => a.reward)).size > 1)
      expect(answers.reduce((sum, a) => sum + a.advantage, 0)).toBeCloseTo(0, 9)
      for (const { text, ids, reward } of answers) {
        expect(text).toBe(tokenizer.decode(ids))
        expect(reward).toBe(solver.reward({ id, prompt, answer: expected, solution: '' }, text))
      }
    }
    const reward = named(whole.events, 'reward')[0]!.value!
    const ofStep = lines.filter(({ step }) => step === 1).flatMap(({ answers }) => answers.map((a) => a.reward))
    expect(ofStep.reduce((a, b) => a + b) / ofStep.length).toBeCloseTo(reward, 9)
  })

  it('goes on from where it was stopped to the same bytes', async () => {
    const first = await testContext(engine, run, '03-rl', earlier, { stopAfter: 3 })
    await expect(rl.run(first, options())).rejects.toThrow(Stopped)
    // what a crash after the checkpoint leaves: lines that did not happen, or half of one
    await writeFile(join(first.folder, 'rollouts.jsonl'), '{"step":4,"ta', { flag: 'a' })
    const second = await testContext(engine, run, '03-rl', earlier)
    expect(second.resume?.step).toBe(3)
    expect(await rl.run(second, options())).toMatchObject({ ...metrics, tokensPerSecond: expect.any(Number) as number })
    expect(await digests(second.folder)).toEqual(await digests(whole.folder))
    const values = (events: EventBody[]) =>
      events.filter((e) => e.type === 'metric').map(({ name, step, value }) => [name, step, value])
    expect([...values(first.events), ...values(second.events)]).toEqual(values(whole.events))
  })

  it('refuses a rollout file that lost what the checkpoint knows', async () => {
    const first = await testContext(engine, run, '04-rl', earlier, { stopAfter: 2 })
    await expect(rl.run(first, options())).rejects.toThrow(Stopped)
    await truncate(join(first.folder, 'rollouts.jsonl'), 10)
    await expect(rl.run(await testContext(engine, run, '04-rl', earlier), options())).rejects.toThrow(/has 10 bytes/)
  })

  it('replaces groups that taught nothing, counts them, and shows the parts of rewards', async () => {
    const context = await testContext(engine, run, '11-rl', earlier)
    const result = await rl.run(
      context,
      options({
        algorithm: 'dapo',
        resample: 2,
        curriculum: 'success',
        steps: 3,
        promptsPerStep: 6,
        groupSize: 2,
        evaluateEvery: 9,
      }),
    )
    const lines = (await readFile(join(context.folder, 'rollouts.jsonl'), 'utf8')).trimEnd().split('\n')
    const groups = lines.map((line) => JSON.parse(line) as RolloutLine)
    expect(result.resampledGroups).toBeGreaterThan(0)
    for (let step = 1; step <= 3; step++) {
      const own = groups.filter((group) => group.step === step)
      expect(own.filter(({ kept }) => kept).length).toBeLessThanOrEqual(6)
      expect(own.length).toBeLessThanOrEqual(18)
      const [extra] = named(context.events, 'resampledGroups').filter((e) => e.step === step)
      expect(own.length - 6).toBe(extra?.value ?? 0)
    }
    for (const { answers } of groups)
      for (const { reward, parts } of answers) expect(parts!.format + parts!.answer).toBeCloseTo(reward, 12)
    expect(named(context.events, 'answerReward').length).toBe(3)
    expect(named(context.events, 'formatReward')[0]!.value).toBeGreaterThan(0)
  })

  it('learns with a critic, and a stopped run goes on to the same bytes', async () => {
    const ppo = options({
      algorithm: 'ppo',
      steps: 4,
      groupSize: 1,
      promptsPerStep: 16,
      evaluateEvery: 9,
      temperature: 0.9,
    })
    const whole = await testContext(engine, run, '12-rl', earlier)
    const metrics = await rl.run(whole, ppo)
    for (const name of ['valueLoss', 'valueClipped', 'explainedVariance', 'klReference'])
      expect(
        named(whole.events, name).map(({ step }) => step),
        name,
      ).toEqual([1, 2, 3, 4])
    expect(named(whole.events, 'logProbMismatch')[0]!.value).toBeLessThan(1e-4)
    const losses = named(whole.events, 'valueLoss').map(({ value }) => value!)
    expect(losses[3]).toBeLessThan(losses[0]!)
    const first = await testContext(engine, run, '13-rl', earlier, { stopAfter: 2 })
    await expect(rl.run(first, ppo)).rejects.toThrow(Stopped)
    const second = await testContext(engine, run, '13-rl', earlier)
    expect(second.resume?.step).toBe(2)
    expect(await rl.run(second, ppo)).toMatchObject({ ...metrics, tokensPerSecond: expect.any(Number) as number })
    expect(await digests(second.folder)).toEqual(await digests(whole.folder))
  })

  it('keeps a reference model for the KL term', async () => {
    const context = await testContext(engine, run, '05-rl', earlier)
    await rl.run(context, options({ beta: 0.1, steps: 3, rolloutKeep: 1, evaluateEvery: 9 }))
    const [first, , third] = named(context.events, 'klReference').map(({ value }) => value!)
    expect(Math.abs(first!)).toBeLessThan(1e-6)
    expect(third!).toBeGreaterThan(0)
    const lines = (await readFile(join(context.folder, 'rollouts.jsonl'), 'utf8')).trimEnd().split('\n')
    expect(lines.length).toBe(3)
  })

  it('ends and says so when every group earns the same', async () => {
    const model = tinyModel(engine) // random weights: never an answer
    const folder = join(run, '06-base')
    await writeModelFolder(folder, model)
    freeModel(model)
    const context = await testContext(engine, run, '07-rl', [...earlier, { kind: 'pretrain', name: 'base', folder }])
    const result = await rl.run(context, options({ steps: 100, evaluateProblems: 2, maxTokens: 4 }))
    expect(result).toMatchObject({ steps: 20, updates: 0, stoppedEarly: 1 })
    const warnings = context.events.filter((e) => e.type === 'warning')
    expect(warnings.map(({ code }) => code)).toEqual(['no-signal'])
    expect(warnings[0]!.message.en).toContain('100 % of the groups of the last 20 steps')
    expect(await digest(context.folder, 'model.safetensors')).toBe(await digest(folder, 'model.safetensors'))
  })

  it('practises straight from a base model: exercises stand on a page, and an answer ends with its last line', async () => {
    const tokenizer = byteTokenizer()
    const solver = makeTask(task, 'en')
    const pages = solver.train(400, 2).map(({ prompt, answer }) => {
      const ids = [256, ...tokenizer.encode(`${pageTitle('en')}\n${prompt}\nAnswer: ${answer}\nWhat is`)]
      return { ids, mask: ids.map((_, i) => Number(i > 0)) }
    })
    const base = tinyModel(engine)
    const trainer = createTrainer(
      base,
      { rows: 8, time: 96 },
      optimizerOf(options({ matrixRate: 0.02, embeddingRate: 0.01, vectorRate: 0.01 })),
    )
    for (let t = 1; t <= 60; t++) await trainer.step([joinRows(packDialogues(pages, 96, 256, 1, t).slice(0, 8))], t, 1)
    trainer.free()
    const folder = join(run, '14-base')
    await writeModelFolder(folder, base)
    freeModel(base)
    const context = await testContext(engine, run, '15-rl', [...earlier, { kind: 'pretrain', name: 'base', folder }])
    const result = await rl.run(context, options({ steps: 2, passAtK: [1], maxTokens: 24 }))
    expect(result.steps).toBe(2)
    const lines = (await readFile(join(context.folder, 'rollouts.jsonl'), 'utf8')).trimEnd().split('\n')
    const groups = lines.map((line) => JSON.parse(line) as RolloutLine)
    const answers = groups.flatMap((group) => group.answers)
    const stopped = answers.filter(({ finish }) => finish === 'stop')
    expect(stopped.length).toBeGreaterThan(answers.length / 2)
    for (const { ids, text } of stopped) expect([text, `${text}\n`]).toContain(tokenizer.decode(ids))
    const ended = stopped.filter(({ text }) => /^(.*\n)*Answer:.*$/.test(text))
    expect(ended.length).toBeGreaterThan(stopped.length / 2)
    for (const { ids } of ended) expect(tokenizer.decode(ids)).toMatch(/^(?!Answer)[^]*?Answer:.*\n?$|^Answer:.*\n?$/)
    expect(tokenizer.decode(groups[0]!.promptIds)).toContain(`${pageTitle('en')}\n${groups[0]!.prompt}\n`)
    const saved = await loadTokenizer(context.folder)
    expect(saved.shots).toBe(0)
    expect(goesOn('rl', saved)).toBe(true)
    expect(goesOn('rl', await loadTokenizer(whole.folder))).toBe(false)
  })

  it('practises a task of the user, and skips answers whose reward throws', async () => {
    const file = join(run, 'sevens.ts')
    await writeFile(
      file,
      `export const prompts = Array.from({ length: 60 }, (_, i) => 'Say a number, ' + i)
export function reward(exercise: { prompt: string }, completion: string): number {
  if (completion.length % 2 === 0) throw new Error('an even length')
  return completion.length / 100
}`,
    )
    const context = await testContext(engine, run, '10-rl', earlier)
    const own = { name: 'own', file }
    const result = await rl.run(
      context,
      options({ tasks: [{ task: own }], steps: 3, evaluateProblems: 3, passAtK: [1] }),
    )
    expect(result.steps).toBe(3)
    expect(result.unjudged).toBeGreaterThan(0)
    expect(named(context.events, 'unjudged').reduce((sum, { value }) => sum + value!, 0)).toBe(result.unjudged)
    const warnings = context.events.filter((e) => e.type === 'warning')
    expect(warnings.map(({ code }) => code)).toEqual(['unjudged'])
    const lines = (await readFile(join(context.folder, 'rollouts.jsonl'), 'utf8')).trimEnd().split('\n')
    const answers = lines.flatMap((line) => (JSON.parse(line) as RolloutLine).answers)
    expect(answers.filter(({ reward }) => reward === null).length).toBe(result.unjudged)
    for (const answer of answers) if (answer.reward === null) expect(answer.advantage).toBe(0)
    expect(answers.some(({ advantage }) => advantage > 0)).toBe(true)
  })

  it('goes on from the stage that is named, or says which there are', async () => {
    const both = [...earlier, { kind: 'rl', name: 'practice', folder: join(run, 'nowhere') }]
    const short = { steps: 1, evaluateProblems: 1, passAtK: [1] }
    const context = await testContext(engine, run, '09-rl', both)
    expect(await rl.run(context, options({ ...short, from: 'sft' }))).toMatchObject({ steps: 1 })
    await expect(rl.run(context, options({ ...short, from: 'sfT' }))).rejects.toThrow(/"sfT".*there are: sft, practice/)
    await expect(rl.run(context, options(short))).rejects.toThrow(/nowhere/)
  })

  it('says which row is too short', async () => {
    const long = options({ time: 24, steps: 1, evaluateProblems: 1 })
    await expect(rl.run(await testContext(engine, run, '08-rl', earlier), long)).rejects.toThrow(
      /arithmetic-1-digits.*raise time/,
    )
    const longer = options({ time: 97 })
    await expect(rl.run(await testContext(engine, run, '08-rl', earlier), longer)).rejects.toThrow(
      /the model holds 96 tokens/,
    )
  })
})
