/** Golden scores of a fixed model on made-up benchmarks in the published layouts; prompts; going on; what is wrong with a file. */
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  mkdirSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startServer } from '../../remote/server.test-helper.ts'
import { anyEngine, byteTokenizer, tinyModel, writeModelFolder } from '../tiny.test-helper.ts'
import type { Examinee } from './ask-suite.ts'
import { centred, CORE_TASKS, coreTasks } from './core.ts'
import { answerOf, gsm8kTasks } from './gsm8k.ts'
import { mmluTasks } from './mmlu.ts'
import { filesAt } from './rows.ts'
import { createScorer } from './scorer.ts'
import { runSuite, type SuiteName, type SuiteOptions } from './suite.ts'

const root = mkdtempSync(join(tmpdir(), 'xueba-suite-'))
const engine = await anyEngine()
const tokenizer = byteTokenizer()
const model = tinyModel(engine, { maxPositions: 768 })
const examinee: Examinee = { model, tokenizer, scorer: createScorer(model) }
beforeAll(() => writeModelFolder(join(root, 'model'), model))
afterAll(async () => {
  examinee.scorer.free()
  await engine.close()
  rmSync(root, { recursive: true, force: true })
})

const jsonl = (rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).join('\n')
let made = 0
/** A new folder with these files. */
function folderOf(files: Record<string, string | Uint8Array>): string {
  const folder = join(root, `data ${made++}`)
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  return folder
}

const usual = { limit: undefined, seed: 1, maxTokens: undefined, samples: 1, isBase: true, out: undefined }
const run = (suite: SuiteName, where: string, options: Partial<SuiteOptions> = {}) =>
  runSuite(examinee, join(root, 'model'), suite, { where, ...usual, ...options })

const animals = ['cat', 'dog', 'hen', 'cow', 'pig', 'fox', 'owl', 'ant']
const copa = animals.map((animal, i) => ({
  query: `The ${animal} was hungry, therefore`,
  choices: [`it ate.`, `it ran to the ${animals[(i + 3) % 8]}.`],
  gold: i % 2,
}))
const winograd = animals.map((animal, i) => ({
  context_options: [`The ${animal} saw the bird because the ${animal}`, `The ${animal} saw the bird because the bird`],
  continuation: 'looked up.',
  gold: i % 2,
}))
const operators = animals.map((animal) => ({ context: `Spell ${animal}: `, continuation: [...animal].join('-') }))
const core = {
  'copa.jsonl': jsonl(copa),
  'deep/winograd_wsc.jsonl.gz': gzipSync(jsonl(winograd)),
  'bigbench_operators.jsonl': jsonl(operators),
}
const pairs = jsonl(animals.map((a) => ({ sentence_good: `The ${a} sleeps.`, sentence_bad: `The ${a} sleep.` })))
const mmlu = {
  'farm_dev.csv': `question,choice0,choice1,choice2,choice3,answer\n${animals
    .slice(0, 5)
    .map((a, i) => `"What, a ${a}?",yes,no,perhaps,never,${i % 4}`)
    .join('\n')}\n`,
  'farm_test.csv': animals.map((a, i) => `Is it a ${a}?,yes,no,perhaps,never,${'ABCD'[i % 4]}`).join('\n'),
}
const cmmlu = {
  'dev/arts.csv':
    ',Question,A,B,C,D,Answer\n0,画是什么,甲,乙,丙,丁,B\n1,书是什么,甲,乙,丙,丁,D\n2,琴是什么,甲,乙,丙,丁,A\n',
}
const gsm = jsonl(
  animals.map((a, i) => ({
    question: `${i} ${a}s and 2 more?`,
    answer: `${i} + 2 = <<${i}+2=${i + 2}>>${i + 2}\n#### ${i + 2}`,
  })),
)

describe('golden scores', () => {
  test.each<[SuiteName, Record<string, string | Uint8Array>, Record<string, number>, number, number[] | string]>([
    ['core', core, { bigbench_operators: 0, copa: 0.625, winograd: 0.75 }, 0.25, [-5.539, -5.533]],
    ['blimp', { 'agreement.jsonl': pairs }, { agreement: 0 }, 0, [-81.851, -76.593]],
    ['mmlu', mmlu, { farm: 0.25 }, 0.25, [-5.652, -5.397, -5.673, -5.519]],
    ['cmmlu', cmmlu, { arts: 1 / 3 }, 1 / 3, [-5.665, -5.475, -5.641, -5.548]],
    ['gsm8k', { 'gsm8k-train.jsonl': gsm }, { gsm8k: 0 }, 0, ':'.repeat(16)],
  ])('%s', async (suite, files, expected, mean, said) => {
    const out = mkdtempSync(join(root, 'golden-'))
    const score = await run(suite, folderOf(files), { maxTokens: 16, out })
    const [first] = readFileSync(join(out, readdirSync(out)[0]!), 'utf8').split('\n')
    const { said: scores } = JSON.parse(first!) as { said: number[] | string }
    expect(scores).toEqual(typeof said === 'string' ? said : said.map((value) => expect.closeTo(value, 2)))
    expect(Object.fromEntries(score.tasks.map((t) => [t.task, t.accuracy]))).toEqual(expected)
    expect(score.mean.value).toBeCloseTo(mean, 10)
    for (const t of score.tasks) {
      expect(t.low).toBeLessThanOrEqual(t.accuracy)
      expect(t.high).toBeGreaterThanOrEqual(t.accuracy)
      expect(t.centred).toBeCloseTo((t.accuracy - t.chance) / (1 - t.chance), 12)
    }
  })
})

test('a model that knows the answers gets them: what a copy of the data would score', async () => {
  // The gold choice is the only one whose bytes the scorer finds likely: repeated bytes after themselves, under tied embeddings.
  const rows = animals.map((_, i) => ({ sentence_good: 'a'.repeat(40), sentence_bad: 'qzj7#'.repeat(8 + i) }))
  expect((await run('blimp', folderOf({ 'copy.jsonl': jsonl(rows) }))).mean.value).toBe(1)
})

describe("CORE's prompts", () => {
  const text = (ids: readonly number[]) => tokenizer.decode(ids.slice(1))

  test('are its 22 tasks, centred on guessing', () => {
    expect(CORE_TASKS).toHaveLength(22)
    expect(centred(0.25, 0.25)).toBe(0)
    expect(centred(1, 0.62)).toBe(1)
    expect(centred(0.62 / 2, 0.62)).toBeCloseTo(-0.31 / 0.38)
  })

  test('a choice is scored, a context, a continuation', async () => {
    const { tasks, missing } = await coreTasks(await filesAt(folderOf(core)), tokenizer, undefined)
    expect(tasks.map(({ name, shots }) => [name, shots])).toEqual([
      ['copa', 0],
      ['winograd', 0],
      ['bigbench_operators', 7],
    ])
    expect(missing).toHaveLength(19)
    // pythonRandom(1337) puts item 5 of 8 first
    const [first, second, third] = tasks.map((task) => task.question(0))
    if (first?.kind !== 'likeliest' || second?.kind !== 'likeliest' || third?.kind !== 'exact')
      return expect.unreachable()
    const row = copa.find(({ query }) => text(first.choices[0]!.ids).startsWith(query))!
    expect(first.choices.map(({ ids }) => text(ids))).toEqual(row.choices.map((choice) => `${row.query} ${choice}`))
    expect(text(first.choices[0]!.ids).slice(first.choices[0]!.from - 1)).toMatch(/^(it )?ate\.$/)
    expect(second.choices.map(({ ids, from }) => tokenizer.decode(ids.slice(from)))).toEqual(
      Array(2).fill(
        second.gold === 0 ? expect.stringMatching(/ looked up\.$/) : expect.stringMatching(/ looked up\.$/),
      ),
    )
    const shots = text(third.prompt).split('\n\n')
    expect(shots).toHaveLength(8)
    expect(shots[0]).toMatch(/^Spell \w{3}: \w-\w-\w$/)
    expect(shots.at(-1)).toMatch(/^Spell \w{3}:$/)
    expect(tokenizer.decode(third.expected)).toMatch(/^ \w-\w-\w$/)
  })
})

test("MMLU's and CMMLU's prompts", async () => {
  const options = { context: 768, limit: undefined, seed: 1 }
  const last = async (files: Record<string, string>, language: 'en' | 'zh') => {
    const [task] = await mmluTasks(await filesAt(folderOf(files)), tokenizer, { ...options, language })
    const question = task!.question(0)
    return question.kind === 'likeliest' ? question.choices.map(({ ids }) => tokenizer.decode(ids.slice(1))) : []
  }
  const [a, b] = await last(mmlu, 'en')
  expect(a).toMatch(
    /^The following are multiple choice questions \(with answers\) about farm\.\n\nWhat, a cat\?\nA\. yes\n/,
  )
  expect(a).toMatch(/Answer: A\n\nIs it a cat\?\nA\. yes\nB\. no\nC\. perhaps\nD\. never\nAnswer: A$/)
  expect(b).toMatch(/Answer: B$/)
  const [zh] = await last(cmmlu, 'zh')
  expect(zh).toMatch(/^以下是关于艺术学的单项选择题，请直接给出正确答案的选项。\n\n题目：书是什么\nA\. 甲\n/)
  expect(zh).toMatch(/答案是：D\n\n.*答案是：A\n\n题目：画是什么\n.*答案是：A$/s)
  // too many examples for the context are left out
  const [short] = await mmluTasks(await filesAt(folderOf(mmlu)), tokenizer, {
    ...options,
    context: 250,
    language: 'en',
  })
  const question = short!.question(0)
  expect(question.kind === 'likeliest' && question.choices[0]!.ids.length).toBeLessThanOrEqual(250)
})

test("GSM8K's answers and examples", async () => {
  expect(answerOf('So 1,200.\n#### 1,200')).toBe('1200')
  expect(answerOf('#### -3.5 apples')).toBe('-3.5')
  expect(answerOf('#### 7.')).toBe('7')
  expect(answerOf('12')).toBeNull()
  const files = await filesAt(folderOf({ 'a.jsonl': gsm }))
  const [task] = await gsm8kTasks(files, [], tokenizer, { limit: undefined, seed: 1, maxTokens: 8, isBase: true })
  expect([task!.size, task!.shots]).toEqual([3, 5]) // examples are not asked
  const question = task!.question(0)
  if (question.kind !== 'written') return expect.unreachable()
  const prompt = tokenizer.decode(question.prompt.slice(1))
  expect(prompt).toMatch(/^Question: .*\nAnswer: .*#### \d+\n\n.*Question: [^\n]*\nAnswer:$/s)
  expect(prompt).not.toContain('<<')
  const asked = Number(/(\d) \w+s and 2 more\?\nAnswer:$/.exec(prompt)![1])
  expect([question.judge(`it is\n#### ${asked + 2}`), question.judge(`#### ${asked}`)]).toEqual([true, false])
})

test('what was answered is kept; a cut file goes on; other settings begin anew', async () => {
  const where = folderOf({ 'agreement.jsonl': pairs })
  const out = join(root, 'out')
  const whole = await run('blimp', where, { out })
  const [file] = readdirSync(out)
  const path = join(out, file!)
  const lines = readFileSync(path, 'utf8')
  truncateSync(path, Math.floor(lines.length / 2))
  expect(await run('blimp', where, { out })).toEqual(whole)
  const again = readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(again.map(({ index }) => index).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  await run('blimp', where, { out, limit: 3 })
  expect(readdirSync(out)).toHaveLength(2)
})

test('a part of the questions is drawn by the seed', async () => {
  const where = folderOf({ 'agreement.jsonl': pairs })
  const said = async (seed: number) => (await run('blimp', where, { limit: 3, seed })).tasks[0]!.questions
  expect(await said(1)).toBe(3)
  const core3 = await run('core', folderOf(core), { limit: 3 })
  expect(core3.tasks.map(({ questions }) => questions)).toEqual([3, 3, 3])
})

test.each<[string, SuiteName, Record<string, string>, RegExp]>([
  ['no file of it', 'core', { 'x.jsonl': '{}' }, /x\.jsonl: no file of CORE/],
  ['no JSON', 'core', { 'copa.jsonl': `${jsonl(copa)}\n{"query": ` }, /copa\.jsonl:9: malformed JSON/],
  ['a missing key', 'core', { 'copa.jsonl': '{"query": "a", "gold": 0}' }, /copa\.jsonl:1: choices: .*expected array/],
  [
    'gold outside',
    'core',
    { 'copa.jsonl': '{"query":"a","choices":["b","c"],"gold":2}' },
    /copa\.jsonl:1: gold is 2; there are 2/,
  ],
  ['an empty file', 'blimp', { 'a.jsonl': '' }, /a\.jsonl: no questions/],
  ['other columns', 'mmlu', { 'a.csv': 'x,y\n1,2\n' }, /a\.csv:1: expected the columns question, .*found x, y/],
  [
    'no letter',
    'mmlu',
    { 'a.csv': 'p,a,b,c,d,A\nq,a,b,c,d,E\n' },
    /a\.csv:2: "answer" is "E", expected A to D or 0 to 3/,
  ],
  [
    'a row too short',
    'mmlu',
    { 'a.csv': 'question,A,B,C,D,answer\nq,1,2,3,4,A\nq,1,2\n' },
    /a\.csv:3: 3 fields; the header has 6/,
  ],
  [
    'no number',
    'gsm8k',
    { 'a.jsonl': '{"question":"a","answer":"b"}' },
    /a\.jsonl:1: "answer" has no line "#### number"/,
  ],
])('bad data: %s', async (_, suite, files, message) => {
  await expect(run(suite, folderOf(files))).rejects.toThrow(message)
})

const real = process.env.XUEBA_DATA ?? '../shared/data'
test.skipIf(!existsSync(join(real, 'eval-core')))('real files are read and asked', async () => {
  const score = await run('core', join(real, 'eval-core'), { limit: 2 })
  expect(score.tasks).toHaveLength(15)
  expect(score.missing).toHaveLength(8)
  for (const [suite, folder] of [
    ['blimp', 'eval-blimp/causative.jsonl'],
    ['cmmlu', 'eval-cmmlu/arts.csv'],
    ['mmlu', 'eval-mmlu/anatomy_dev.csv'],
    ['gsm8k', 'math-gsm8k'],
  ] as const)
    expect((await run(suite, join(real, folder), { limit: 2, maxTokens: 8 })).tasks[0]!.questions, suite).toBe(2)
})

test('a dataset by its name: test split asked, train split for examples, kept in the cache', async () => {
  const server = await startServer()
  const [endpoint, cache] = [process.env.HF_ENDPOINT, process.env.XDG_CACHE_HOME]
  Object.assign(process.env, { HF_ENDPOINT: server.address, XDG_CACHE_HOME: join(root, 'cache') })
  try {
    const [train, asked] = [gsm.split('\n').slice(0, 5).join('\n'), gsm.split('\n').slice(5).join('\n')]
    server.putDataset('some/maths', 'main', { 'main/train.jsonl': train, 'main/test.jsonl': asked })
    const score = await run('gsm8k', 'hf:some/maths:main', { maxTokens: 8 })
    expect(score.tasks[0]).toMatchObject({ questions: 3, shots: 5 })
    const before = server.asked.length
    await run('gsm8k', 'hf:some/maths:main', { maxTokens: 8 })
    expect(server.asked.slice(before).filter(({ url }) => url.includes('/cdn/'))).toEqual([])
  } finally {
    for (const [key, value] of [
      ['HF_ENDPOINT', endpoint],
      ['XDG_CACHE_HOME', cache],
    ] as const)
      if (value === undefined) delete process.env[key]
      else process.env[key] = value
    await server.close()
  }
})

test('data that is not there', async () => {
  await expect(run('blimp', join(root, 'nowhere'))).rejects.toThrow(/nowhere: no such file or folder/)
  await expect(run('blimp', 'hf:nobody')).rejects.toThrow(/expected hf:owner\/name/)
  await expect(run('blimp', folderOf({ 'a.txt': 'x' }))).rejects.toThrow(/no \.jsonl, \.json, \.csv or \.parquet/)
})
