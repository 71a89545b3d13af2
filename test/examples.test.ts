/** The examples of the library, run as they stand but for where `xueba` lies and how long they train. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { generate, load, train } from '../src/library/index.ts'

const root = mkdtempSync(join(tmpdir(), 'xueba-examples-'))
const project = join(import.meta.dirname, '..')
const library = pathToFileURL(join(project, 'src/library/index.ts')).href
const run = promisify(execFile)

/** Runs a copy of an example in the temporary folder; returns what it printed. */
async function example(name: string, args: string[], change: (code: string) => string = (code) => code) {
  const code = readFileSync(join(project, 'examples', name), 'utf8').replace("from 'xueba'", `from '${library}'`)
  writeFileSync(join(root, name), change(code))
  const { stdout } = await run(process.execPath, [join(root, name), ...args], { cwd: root })
  return stdout
}

beforeAll(() => {
  mkdirSync(join(root, 'texts'))
  const line = (i: number) => `Once upon a time ${i} birds sat on the roof of house ${i % 7}, and one of them sang.`
  for (let file = 0; file < 30; file++) {
    const text = Array.from({ length: 20 }, (_, i) => line(file * 20 + i)).join('\n')
    writeFileSync(join(root, 'texts', `${file}.txt`), text)
  }
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

it('own-text trains on a folder and writes', async () => {
  const short = (code: string) =>
    code.replace('minutes: Number(minutes)', 'steps: 20, rows: 4, time: 64').replace('vocab: 1024', 'vocab: 300')
  const printed = await example('own-text.ts', ['texts'], short)
  expect(printed).toMatch(/^20 [\d.]+$/m)
  expect(printed.split('\n').at(-1)!.length).toBeGreaterThan(20)
}, 60_000)

it('short-answers is practised, and chat talks with the outcome', async () => {
  await example('short-answers.ts', [])
  const shape = { rows: 4, time: 96 }
  const events: string[] = []
  const trained = await train(
    {
      name: 'short',
      language: 'en',
      model: { depth: 1 },
      stages: [
        { kind: 'corpus', sources: [{ path: join(root, 'texts') }] },
        { kind: 'tokenizer', vocab: 300 },
        { kind: 'pretrain', steps: 20, ...shape },
        { kind: 'sft', steps: 10, ...shape, data: [{ world: 'dialogues', count: 60 }] },
        {
          kind: 'rl',
          steps: 2,
          ...shape,
          promptsPerStep: 2,
          groupSize: 4,
          maxTokens: 12,
          evaluateProblems: 2,
          tasks: [{ task: { name: 'own', file: join(root, 'short-answers.ts') } }],
        },
      ],
    },
    { out: join(root, 'run'), onEvent: ({ type }) => void events.push(type) },
  )
  expect(trained).toBe(join(root, 'run'))
  expect(events.at(-1)).toBe('done')
  expect((await example('chat.ts', [trained, 'Who are you?'])).length).toBeGreaterThan(0)

  const base = await load(trained, { stage: 'base' })
  await expect(async () => {
    for await (const _ of generate(base, [{ role: 'user', content: 'Hello' }])) break
  }).rejects.toThrow(/base model/)
  const pieces: string[] = []
  for await (const piece of generate(base, 'Once upon', { maxTokens: 8, temperature: 0 })) pieces.push(piece)
  expect(pieces.join('').length).toBeGreaterThan(2)
  await base.close()
}, 120_000)

it('fine-tune goes on from a model that is there, and gets better at the folder', async () => {
  const found = readdirSync(join(root, 'run')).find((name) => name.endsWith('-pretrain'))!
  const losses: number[] = []
  for (const steps of ['1', '40']) {
    const printed = await example('fine-tune.ts', [join(root, 'run', found), 'texts', steps])
    losses.push(Number(new RegExp(`^${steps} ([\\d.]+)$`, 'm').exec(printed)![1]))
    expect(printed.split('\n').at(-1)!.length).toBeGreaterThan(20)
  }
  expect(losses[0]).toBeLessThan(0.8 * Math.log(300)) // its first step is not one of random weights
  expect(losses[1]).toBeLessThan(losses[0]!)
}, 60_000)

it('says what is wrong with a recipe that is an object', async () => {
  await expect(train({ name: 'x', language: 'en', stages: [{ kind: 'pretrian' }] })).rejects.toThrow(
    /stages\.0\.kind.*pretrain/s,
  )
  await expect(train('no-such-recipe')).rejects.toThrow(/no-such-recipe/)
  await expect(load(join(root, 'nowhere'))).rejects.toThrow(/neither a model folder/)
})
