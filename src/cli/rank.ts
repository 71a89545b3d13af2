/**
 * xueba rank: a person puts a model's drafts in order, blind, for a reward model to learn that taste. Every order is on the disk before the
 * next drafts are shown: `rankings.jsonl` holds what was said, `preferences.jsonl` the pairs that follow from it.
 */
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { z } from 'zod'
import { isRun, UserError } from '../run/index.ts'
import { ask, inChat } from '../stages/ask.ts'
import { loadModel, loadTokenizer } from '../stages/model-folder.ts'
import { letterOf, pairsOf, parseOrder } from '../stages/ranking.ts'
import { PREFERENCES, RANKINGS, readRankings, saveRankings, townPrompts } from '../stages/rankings.ts'
import { openEngine } from '../tensor/open.node.ts'
import { help, UsageError } from './flags.ts'
import { say } from './language.ts'
import { findModel } from '../library/find-model.ts'
import { verb } from './verb.ts'

const flags = z.object({
  stage: help(z.enum(['sft', 'dpo', 'rl']).optional(), 'model of which stage writes', '用哪个阶段的模型来写'),
  drafts: help(z.number().int().min(2).max(5).default(3), 'drafts to put in order', '每次排几份草稿'),
  prompts: help(
    z.string().optional(),
    'file with a prompt a line (default: essays about the embedded town)',
    '题目文件，一行一个（默认：写小镇上的人）',
  ),
  out: help(
    z.string().optional(),
    'folder of the two files (default: the run)',
    '两个文件写到哪个文件夹（默认写进运行目录）',
  ),
  maxTokens: help(z.number().int().positive().default(110), 'longest draft', '草稿最多多少词元'),
  temperature: help(z.number().positive().default(1), 'of the drafts', '写草稿时的温度'),
  seed: help(z.number().int().nonnegative().default(1), 'seed of the drafts', '随机种子'),
})

export const rank = verb({
  name: 'rank',
  operands: '<run|model>',
  summary: {
    en: 'put drafts in order, for a reward model to learn your taste',
    zh: '给草稿排先后，让奖励模型学你的口味',
  },
  flags,
  async run([target, ...rest], options) {
    if (!target || rest.length > 0)
      throw new UsageError(say({ en: 'xueba rank <run|model>', zh: 'xueba rank <运行或模型>' }))
    const { folder } = await findModel(target, options.stage)
    const home = options.out ?? (isRun(dirname(folder)) ? dirname(folder) : folder)
    const prompts =
      options.prompts === undefined ? await essayPrompts(dirname(folder)) : await promptsOf(options.prompts)
    const rankings = await readRankings(home)
    const engine = await openEngine()
    const input = createInterface({ input: process.stdin, output: process.stdout })
    const lines = input[Symbol.asyncIterator]()
    try {
      const model = await loadModel(engine, folder, { trainable: false })
      const manner = inChat(await loadTokenizer(folder))
      console.log(manual())
      let skipped = 0
      for (;;) {
        const turn = rankings.length + skipped
        const prompt = prompts[turn % prompts.length]!
        const written = await ask(model, manner, Array<string>(options.drafts * 3).fill(prompt), {
          ...options,
          seed: options.seed + turn * 1000,
        })
        const drafts = [...new Set(written.map(({ text }) => text.trim()))].filter(Boolean).slice(0, options.drafts)
        if (drafts.length < 2) {
          skipped++ // it always writes the same
          if (skipped > rankings.length + 100) throw alwaysTheSame()
          continue
        }
        show(rankings.length, prompt, drafts)
        const verdict = await verdictOn(lines, drafts.length, rankings.length > 0)
        if (verdict === 'quit') break
        if (verdict === 'skip') skipped++
        else if (verdict === 'undo') rankings.pop()
        else rankings.push({ prompt, drafts, ranks: verdict })
        if (verdict !== 'skip') await saveRankings(home, rankings)
      }
      const pairs = rankings.flatMap(pairsOf).length
      console.log(
        say({
          en: `${rankings.length} rankings, ${pairs} pairs: ${join(home, PREFERENCES)}`,
          zh: `排了 ${rankings.length} 次，得到 ${pairs} 对：${join(home, PREFERENCES)}`,
        }),
      )
      if (pairs > 0)
        console.log(
          say({
            en: `in a recipe: - { kind: reward-model, data: [{ file: ${join(home, RANKINGS)} }], loss: plackett-luce }`,
            zh: `写进食谱：- { kind: reward-model, data: [{ file: ${join(home, RANKINGS)} }], loss: plackett-luce }`,
          }),
        )
      return 0
    } finally {
      input.close()
      await engine.close()
    }
  },
})

const manual = () =>
  say({
    en: 'Which is best? Write the letters, best first: “b a c”; “b=a c” ties two. x: all bad, s: skip, u: undo the last, q or Ctrl-D: end.',
    zh: '哪份最好？按好坏写下字母，好的在前：“b a c”；并列写“b=a c”。x 全都不好，s 跳过，u 撤销上一次，q 或 Ctrl-D 结束。',
  })

function show(done: number, prompt: string, drafts: readonly string[]): void {
  console.log(`\n[${done + 1}] ${prompt}`)
  drafts.forEach((draft, i) => console.log(`  ${letterOf(i)}  ${draft.replace(/\n/g, '\n     ')}`))
}

/** Asks until the answer is one. */
async function verdictOn(
  lines: AsyncIterator<string>,
  count: number,
  canUndo: boolean,
): Promise<number[][] | 'skip' | 'undo' | 'quit'> {
  for (;;) {
    process.stdout.write('> ')
    const line = await lines.next()
    const said = line.done ? 'q' : line.value.trim().toLowerCase()
    if (said === 'q') return 'quit'
    if (said === 's') return 'skip'
    if (said === 'x') return []
    if (said === 'u' && canUndo) return 'undo'
    const order = parseOrder(said, count)
    if ('ranks' in order) return order.ranks
    const { missing, extra } = order
    console.log(
      say({
        en: `every draft once, please${missing && `; missing: ${missing}`}${extra && `; not there, or twice: ${extra}`}`,
        zh: `每份草稿写一次${missing && `；还差 ${missing}`}${extra && `；没有或重复了 ${extra}`}`,
      }),
    )
  }
}

async function promptsOf(path: string): Promise<string[]> {
  const prompts = (await readFile(path, 'utf8')).split('\n').map((line) => line.trim())
  const found = prompts.filter(Boolean)
  if (found.length === 0) throw new UserError(`${path} holds no prompt`, `${path} 里没有题目`)
  return found
}

/** Essays about the town that a run read about. */
async function essayPrompts(run: string): Promise<string[]> {
  const prompts = await townPrompts(run)
  if (prompts) return prompts
  throw new UsageError(
    say({
      en: 'this model knows no town to write about: give it prompts (--prompts FILE)',
      zh: '这个模型没读过小镇，没有现成的题目：请用 --prompts 给一个题目文件',
    }),
  )
}

function alwaysTheSame(): UserError {
  return new UserError(
    'the model writes the same every time: raise the temperature',
    '模型每次写的都一样：请调高 temperature',
  )
}
