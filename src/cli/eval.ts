/**
 * xueba eval: an examination of one model: exercises, and questions about the embedded world, or published benchmarks (eval-suite.ts), with
 * 95 % intervals.
 */
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { isRun, readRecipe, runFiles } from '../run/index.ts'
import { asOnPage, inChat } from '../stages/ask.ts'
import { evaluateExercises } from '../stages/exercises.ts'
import { registry } from '../stages/index.ts'
import { goesOn, loadModel, loadTokenizer } from '../stages/model-folder.ts'
import { examineWorld } from '../stages/world-exam.ts'
import { type Task, type TaskSpec, taskSchema } from '../tasks/index.ts'
import { openTask } from '../tasks/open.node.ts'
import { openEngine } from '../tensor/open.node.ts'
import { makeQuestions, makeWorld } from '../world/index.ts'
import { evaluateSuites } from './eval-suite.ts'
import { help, UsageError } from './flags.ts'
import { language, say } from './language.ts'
import { findModel, STAGES } from '../library/find-model.ts'
import { verb } from './verb.ts'

const flags = z.object({
  stage: help(
    z.enum(STAGES).optional(),
    'model of which stage (default: the latest)',
    '用哪个阶段的模型（默认最新的）',
  ),
  task: help(
    z.array(z.string()).optional(),
    'arithmetic, countdown, or as in a recipe: "{name: arithmetic, digits: 3}" (default: those of the run)',
    'arithmetic、countdown，或像食谱里那样写："{name: arithmetic, digits: 3}"（默认：这次运行练过的题）',
  ),
  problems: help(z.number().int().positive().default(200), 'problems of each task', '每种题考多少道'),
  questions: help(
    z.number().int().nonnegative().optional(),
    'questions about the embedded world (default: as many as the run asks)',
    '关于内置小镇的问题数',
  ),
  suite: help(
    z.array(z.string()).optional(),
    'published benchmarks instead: core, blimp, mmlu, cmmlu, humaneval, gsm8k; NAME=WHERE says where the data is: a file, a folder, or hf:owner/name:config',
    '改考公开的基准：core、blimp、mmlu、cmmlu、humaneval、gsm8k；名字=地方 写明数据在哪儿：文件、文件夹或 hf:所有者/名字:config',
  ),
  limit: help(
    z.number().int().positive().optional(),
    'of a suite: questions of each task (core: the first of its own order; others: drawn by --seed)',
    '基准：每项任务最多多少题（core 取它自己顺序的前几道，其余按 --seed 抽）',
  ),
  out: help(
    z.string().optional(),
    'of a suite: a folder for every answer and results.json; the same command goes on from it',
    '基准：存放每道题的回答和 results.json 的文件夹；再运行同一条命令就接着做',
  ),
  maxTokens: help(
    z.number().int().positive().optional(),
    'longest answer (default 64; in a suite what it needs)',
    '回答最长多少词元（默认 64；基准按各自需要）',
  ),
  samples: help(
    z.number().int().nonnegative().optional(),
    'sampled answers a problem, for pass@k (default 4; in a suite 1, the likeliest)',
    '每题抽样几次，用来算 pass@k（默认 4；基准默认 1，取最可能的）',
  ),
  seed: help(z.number().int().nonnegative().default(1), 'seed of problems and draws', '题目和抽样的随机种子'),
  show: help(z.number().int().nonnegative().default(3), 'answers to print', '打印几个回答'),
  json: help(z.boolean().default(false), 'print JSON', '输出 JSON'),
})

/** Worked examples before a question to a base model. */
const SHOTS = 3

export const evaluate = verb({
  name: 'eval',
  operands: '<run|model>',
  summary: { en: 'examine a model: exercises and questions', zh: '给模型考试：做题和问答' },
  flags,
  async run([target, ...rest], options) {
    if (!target || rest.length > 0)
      throw new UsageError(say({ en: 'xueba eval <run|model>', zh: 'xueba eval <运行|模型>' }))
    const { folder, kind } = await findModel(target, options.stage)
    const { suite } = options
    if (suite) {
      if (options.task || options.questions)
        throw new UsageError(
          say({ en: '--suite goes without --task and --questions', zh: '--suite 不能和 --task、--questions 一起用' }),
        )
      const { limit, seed, maxTokens, samples, out, json } = options
      await evaluateSuites({ folder, kind }, { suite, limit, seed, maxTokens, samples: samples || 1, out, json })
      return 0
    }
    const recipe = await recipeOf(folder)
    const lang = recipe?.language ?? language()
    const specs = options.task ? options.task.map(taskOf) : (recipe?.tasks ?? [])
    const questions = options.questions ?? recipe?.questions ?? 0
    if (specs.length === 0 && questions === 0)
      throw new UsageError(
        say({
          en: 'nothing to examine: name a --task, or --questions',
          zh: '没有可考的：请用 --task 指定题目，或用 --questions',
        }),
      )
    const engine = await openEngine()
    try {
      const tokenizer = await loadTokenizer(folder)
      const model = await loadModel(engine, folder, { trainable: false })
      const { problems, maxTokens = 64, samples = 4, seed } = options
      const k = samples > 1 ? [1, samples] : []
      const isBase = goesOn(kind, tokenizer)
      // As the eval stage does: a base model is shown worked examples.
      const manner = (task: Task) =>
        isBase
          ? asOnPage(tokenizer, [task], { shots: tokenizer.shots ?? SHOTS, seed, language: lang })
          : inChat(tokenizer)
      const exercises = []
      for (const spec of specs) {
        const { task } = await openTask(spec, lang)
        exercises.push({
          task: task.name,
          ...(await evaluateExercises(model, tokenizer, task, {
            count: problems,
            seed,
            maxTokens,
            k,
            manner: manner(task),
          })),
        })
      }
      const town = makeWorld({ language: lang, seed: recipe?.seed ?? 1 })
      const world =
        questions > 0
          ? await examineWorld(model, tokenizer, town, makeQuestions(town, seed), {
              count: questions,
              seed,
              maxTokens,
              isBase,
            })
          : null
      if (options.json) console.log(JSON.stringify({ model: folder, exercises, world }))
      else {
        for (const { task, accuracy, low, high, problems: count, passAt, answers } of exercises) {
          console.log(
            `${task}: ${percent(accuracy)} [${percent(low)}, ${percent(high)}]  n=${count}  ${Object.entries(passAt)
              .map(([n, { value }]) => `pass@${n} ${percent(value)}`)
              .join('  ')}`,
          )
          for (const a of answers.slice(0, options.show))
            console.log(`  ${a.correct ? '✓' : '✗'} ${a.prompt} → ${a.text.replaceAll('\n', ' / ')}  (${a.expected})`)
        }
        for (const half of ['taught', 'untaught'] as const) {
          if (!world) continue
          const { accuracy, low, high, questions, answers } = world[half]
          const title =
            half === 'taught'
              ? say({ en: 'facts that dialogues taught', zh: '对话里教过的事' })
              : say({ en: 'facts that were only ever read', zh: '只在书里读过的事' })
          console.log(`${title}: ${percent(accuracy)} [${percent(low)}, ${percent(high)}]  n=${questions}`)
          for (const a of answers.slice(0, options.show))
            console.log(`  ${a.correct ? '✓' : '✗'} ${a.question} → ${a.text.replaceAll('\n', ' / ')}  (${a.expected})`)
        }
      }
      return 0
    } finally {
      await engine.close()
    }
  },
})

const percent = (share: number) => `${(share * 100).toFixed(1)} %`

function taskOf(text: string): TaskSpec {
  const result = taskSchema.safeParse(valueOf(text))
  if (result.success) return result.data
  throw new UsageError(
    say({
      en: `--task ${text}: ${result.error.issues[0]!.message}`,
      zh: `--task ${text} 不对：${result.error.issues[0]!.message}`,
    }),
  )
}

function valueOf(text: string): unknown {
  if (!/^\s*\{/.test(text)) return { name: text }
  try {
    return parse(text) as unknown
  } catch {
    return undefined
  }
}

/** Language, seed and tasks of the run that a model folder lies in. */
async function recipeOf(folder: string) {
  const run = join(folder, '..')
  if (!isRun(run)) return undefined
  const { language: lang, seed, stages } = await readRecipe(runFiles(run).recipe, registry, { checkFiles: false })
  const specs = stages.flatMap(({ kind, config }) =>
    kind === 'rl' || kind === 'eval' ? (config.tasks as { task: TaskSpec }[]).map(({ task }) => task) : [],
  )
  const tasks = [...new Map(specs.map((spec) => [JSON.stringify(spec), spec])).values()]
  const questions = stages.reduce((most, { config }) => Math.max(most, Number(config.questions ?? 0)), 0)
  return { language: lang, seed, tasks, questions }
}
