/**
 * Published benchmarks on one model: which there are, where their data comes from, and their scores with 95 % intervals beside what
 * guessing scores. Data is never shipped: local files and folders, or datasets of the Hugging Face Hub by name.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { weightFiles } from '../../formats/index.ts'
import { sha256OfFile, sha256OfJson, UserError } from '../../run/index.ts'
import { type Interval, mean, passAtK, wilson } from '../statistics.ts'
import { type Answer, openAnswers } from './answers.ts'
import { askQuestions, CHUNK, type Examinee } from './ask-suite.ts'
import { random } from '../../tensor/random.ts'
import { blimpTasks } from './blimp.ts'
import { centred, CORE_TASKS, coreTasks } from './core.ts'
import { GSM8K_TOKENS, gsm8kTasks } from './gsm8k.ts'
import { HUMANEVAL_TOKENS, humanevalTasks } from './humaneval.ts'
import { mmluTasks } from './mmlu.ts'
import type { SuiteTask } from './question.ts'
import { type DataFile, filesAt } from './rows.ts'
import { openSandbox, type Sandbox } from './sandbox.ts'

export const suiteName = z.enum(['core', 'blimp', 'mmlu', 'cmmlu', 'humaneval', 'gsm8k'])
export type SuiteName = z.infer<typeof suiteName>

/** Where a suite is read from when nobody says; null: it has to be said. */
export const USUAL_DATA: Record<SuiteName, string | null> = {
  core: null, // nanochat's bundle is an archive, no dataset
  blimp: null, // 67 configurations on the Hub, a paradigm each
  mmlu: 'hf:cais/mmlu:all',
  cmmlu: null, // an archive
  humaneval: 'hf:openai/openai_humaneval',
  gsm8k: 'hf:openai/gsm8k:main',
}

export interface SuiteOptions {
  /** A file, a folder, or `hf:owner/name:config@revision`. */
  where: string
  /** Questions of each task at most. */
  limit: number | undefined
  seed: number
  /** Longest answer where the model writes one; undefined: what the suite needs. */
  maxTokens: number | undefined
  /** Of answers that the model writes: 1 = the likeliest one; more are sampled, for pass@k. */
  samples: number
  /** A base model goes on with a text, others are asked in their chat template, where a suite has them write. */
  isBase: boolean
  /** A folder to keep answers in, to go on where a run was cut. */
  out: string | undefined
  onProgress?: (progress: { task: string; done: number; total: number }) => void
}

export interface TaskScore extends Interval {
  task: string
  questions: number
  shots: number
  accuracy: number
  chance: number
  /** 0 = guessing, 1 = all right. */
  centred: number
  /** Questions whose text did not fit the context and lost its beginning. */
  cropped: number
  /** pass@k of several samples. */
  passAt?: Record<number, number>
}

export interface SuiteScore {
  suite: SuiteName
  where: string
  tasks: TaskScore[]
  /** Over tasks, or over questions, as the suite's authors do. */
  mean: Interval & { value: number; over: string; chance: number }
  /** Tasks of the suite whose data is not there. */
  missing: string[]
}

/** Runs one suite. Throws a UserError for data that is missing or damaged. */
export async function runSuite(
  examinee: Examinee,
  folder: string,
  suite: SuiteName,
  options: SuiteOptions,
): Promise<SuiteScore> {
  const data = await dataOf(suite, options.where)
  const sandbox = suite === 'humaneval' ? await openSandbox() : null
  const answers = openAnswers(options.out, suite, await keyOf(folder, data, options))
  try {
    const { tasks, missing } = await tasksOf(suite, examinee, data, sandbox, options)
    const total = tasks.reduce((sum, { size }) => sum + size, 0)
    let done = 0
    const scores: TaskScore[] = []
    for (const task of tasks) {
      await answerTask(examinee, task, answers, options, (more) => {
        done += more
        options.onProgress?.({ task: task.name, done, total })
      })
      scores.push(scoreOf(task, [...answers.of(task.name).values()]))
    }
    return { suite, where: options.where, tasks: scores, mean: meanOf(suite, scores), missing }
  } finally {
    answers.close()
    await sandbox?.close()
  }
}

// --- internal ---

interface Data {
  files: DataFile[]
  /** Worked examples of their own. */
  examples: DataFile[]
}

async function dataOf(suite: SuiteName, where: string): Promise<Data> {
  if (where.startsWith('hf:')) {
    const files = await filesAt(where, suite === 'blimp' ? 'train' : 'test')
    if (suite === 'mmlu') return { files: [...files, ...(await filesAt(where, 'dev'))], examples: [] }
    return { files, examples: suite === 'gsm8k' ? await filesAt(where, 'train') : [] }
  }
  const all = await filesAt(where)
  if (suite !== 'gsm8k') return { files: all, examples: [] }
  const test = all.filter(({ name }) => /test/.test(name))
  return test.length > 0
    ? { files: test, examples: all.filter(({ name }) => /train/.test(name)) }
    : { files: all, examples: [] }
}

/** Everything that decides an answer. */
async function keyOf(folder: string, { files, examples }: Data, options: SuiteOptions): Promise<string> {
  const { limit, seed, maxTokens, samples, isBase } = options
  const hashes = async (paths: readonly string[]) => Promise.all(paths.map((path) => sha256OfFile(path)))
  return sha256OfJson({
    format: 1,
    weights: await hashes((await weightFiles(folder)).map((file) => join(folder, file))),
    tokenizer: await hashes([join(folder, 'tokenizer.json')]),
    data: await hashes([...files, ...examples].map(({ path }) => path)),
    names: [...files, ...examples].map(({ name }) => name),
    limit: limit ?? null,
    seed,
    maxTokens: maxTokens ?? null,
    samples,
    isBase,
  })
}

async function tasksOf(
  suite: SuiteName,
  { tokenizer, model }: Examinee,
  { files, examples }: Data,
  sandbox: Sandbox | null,
  { limit, seed, maxTokens, isBase }: SuiteOptions,
): Promise<{ tasks: SuiteTask[]; missing: string[] }> {
  const whole = (tasks: SuiteTask[]) => ({ tasks, missing: [] })
  switch (suite) {
    case 'core':
      return coreTasks(files, tokenizer, limit)
    case 'blimp':
      return whole(await blimpTasks(files, tokenizer, limit, seed))
    case 'mmlu':
    case 'cmmlu': {
      const language = suite === 'mmlu' ? 'en' : 'zh'
      return whole(await mmluTasks(files, tokenizer, { language, context: model.config.maxPositions, limit, seed }))
    }
    case 'gsm8k':
      return whole(
        await gsm8kTasks(files, examples, tokenizer, { limit, seed, isBase, maxTokens: maxTokens ?? GSM8K_TOKENS }),
      )
    case 'humaneval': {
      const written = { limit, seed, isBase, maxTokens: maxTokens ?? HUMANEVAL_TOKENS }
      return whole(await humanevalTasks(files, tokenizer, sandbox!, written))
    }
  }
}

async function answerTask(
  examinee: Examinee,
  task: SuiteTask,
  answers: ReturnType<typeof openAnswers>,
  { samples, seed }: SuiteOptions,
  onDone: (more: number) => void,
): Promise<void> {
  for (let first = 0; first < task.size;) {
    const { kind } = task.question(first)
    const last = Math.min(task.size, first + CHUNK[kind])
    const open = Array.from({ length: last - first }, (_, i) => first + i).filter((i) => !answers.of(task.name).has(i))
    if (open.length > 0) {
      const draw = random(seed, `answers ${task.name}`, first).bits()
      const results = await askQuestions(
        examinee,
        open.map((i) => task.question(i)),
        { samples, seed: draw },
      )
      answers.add(results.map((result, i): Answer => ({ task: task.name, index: open[i]!, ...result })))
    }
    onDone(last - first)
    first = last
  }
}

function scoreOf({ name, chance, shots }: SuiteTask, answers: readonly Answer[]): TaskScore {
  const shares = answers.map(({ right, of }) => right / of)
  const accuracy = mean(shares)
  const samples = answers[0]!.of
  return {
    task: name,
    questions: answers.length,
    shots,
    accuracy,
    ...wilson(accuracy * answers.length, answers.length),
    chance,
    centred: centred(accuracy, chance),
    cropped: answers.filter((answer) => answer.cropped).length,
    ...(samples > 1
      ? { passAt: { 1: accuracy, [samples]: mean(answers.map(({ right, of }) => passAtK(of, right, of))) } }
      : {}),
  }
}

/** Intervals of independent tasks add as squares; half of a score interval stands for 1.96 standard errors. */
function meanOf(suite: SuiteName, all: readonly TaskScore[]): SuiteScore['mean'] {
  const inCore = new Set(CORE_TASKS.map(({ name }) => name))
  const tasks = suite === 'core' ? all.filter(({ task }) => inCore.has(task)) : all
  if (suite === 'core') {
    const halves = tasks.map(({ low, high, chance }) => (high - low) / 2 / (1 - chance))
    return {
      ...combine(
        tasks.map((t) => t.centred),
        halves,
      ),
      chance: 0,
      over: `centred accuracy, ${tasks.length} of CORE's ${CORE_TASKS.length} tasks`,
    }
  }
  if (suite === 'mmlu' || tasks.length === 1) {
    const count = tasks.reduce((sum, { questions }) => sum + questions, 0)
    const right = tasks.reduce((sum, { accuracy, questions }) => sum + accuracy * questions, 0)
    return { value: right / count, ...wilson(right, count), chance: tasks[0]!.chance, over: `${count} questions` }
  }
  const halves = tasks.map(({ low, high }) => (high - low) / 2)
  return {
    ...combine(
      tasks.map((t) => t.accuracy),
      halves,
    ),
    chance: tasks[0]!.chance,
    over: `${tasks.length} tasks`,
  }
}

function combine(values: readonly number[], halves: readonly number[]): Interval & { value: number } {
  if (values.length === 0) throw new UserError('no task of CORE among the data', '数据里没有 CORE 的任务')
  const value = mean(values)
  const half = Math.sqrt(halves.reduce((sum, h) => sum + h ** 2, 0)) / values.length
  return { value, low: value - half, high: value + half }
}
