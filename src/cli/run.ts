/** xueba run: trains by a recipe, or goes on with an interrupted run. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { findRecipe, isRun, UserError } from '../run/index.ts'
import { prepareRun as prepare, type PrepareOptions } from '../stages/prepare.ts'
import { help, UsageError } from './flags.ts'
import { say } from './language.ts'
import { watchTrainer } from './start-trainer.ts'
import { verb } from './verb.ts'

const number = z.number()

export const run = verb({
  name: 'run',
  operands: '<recipe>',
  summary: {
    en: 'train by a recipe (a name of recipes/, or a .yaml file)',
    zh: '照食谱训练（recipes/ 里的名字，或一个 .yaml 文件）',
  },
  flags: z.object({
    depth: help(number.int().positive().optional(), 'size of the model: the one dial', '模型的深度：唯一的旋钮'),
    minutes: help(
      number.positive().optional(),
      'train about this long on this machine',
      '在这台机器上大约训练多少分钟',
    ),
    seed: help(number.int().nonnegative().optional(), 'seed of all randomness', '随机种子'),
    set: help(
      z.array(z.string()).optional(),
      'pin an option: stages.pretrain.steps=100',
      '改一个选项：stages.pretrain.steps=100',
    ),
    out: help(z.string().optional(), 'run directory (default runs/<recipe>)', '运行目录（默认 runs/<食谱名>）'),
    resume: help(z.boolean().default(false), 'go on with the run in --out as it is', '接着 --out 里的运行继续'),
    fresh: help(
      z.boolean().default(false),
      'do every stage here, also those that a run beside this one has made already',
      '每个阶段都自己做，即使旁边的运行已经做过一模一样的',
    ),
    strict: help(z.boolean().default(false), 'refuse data with defects', '数据有缺陷就报错'),
    json: help(z.boolean().default(false), 'print events as JSON lines', '以 JSON 行输出事件'),
  }),
  async run([name, ...rest], flags) {
    if (rest.length > 0)
      throw new UsageError(
        say({ en: `run takes one recipe; what is "${rest[0]}"?`, zh: `run 只要一个食谱；“${rest[0]}”是什么？` }),
      )
    const { resume, strict, json } = flags
    const share = !flags.fresh
    if (resume) {
      const unused = (['depth', 'minutes', 'seed', 'set'] as const).filter((key) => flags[key] !== undefined)
      if (unused.length > 0)
        throw new UsageError(
          say({
            en: `--resume goes on with the recipe as it is; leave out ${unused.map((key) => `--${key}`).join(', ')}`,
            zh: `--resume 照原来的食谱继续，不能同时用 ${unused.map((key) => `--${key}`).join('、')}`,
          }),
        )
      const folder = resolve(flags.out ?? join('runs', name ?? ''))
      if (!isRun(folder))
        throw new UserError(
          `there is nothing to resume in ${folder}: no recipe.yaml`,
          `${folder} 里没有可以继续的运行：找不到 recipe.yaml`,
        )
      return watchTrainer(folder, { strict, share, json })
    }
    if (!name)
      throw new UsageError(say({ en: 'which recipe? (xueba run <recipe>)', zh: '用哪个食谱？（xueba run <食谱>）' }))
    const folder = await prepareRun(name, flags)
    return watchTrainer(folder, { strict, share, json })
  },
})

/** Makes the run directory of a recipe, by its name or path; says so when the machine is measured. */
export function prepareRun(name: string, options: Omit<PrepareOptions, 'onMeasure' | 'onSlow'>): Promise<string> {
  const onMeasure = () =>
    console.error(say({ en: 'measuring how fast this machine is …', zh: '先测一测这台机器有多快……' }))
  const onSlow = (minutes: number) =>
    console.error(
      say({
        en: `it takes about ${Math.ceil(minutes)} minutes to learn something worth seeing here (--minutes N: shorter, and it learns less)`,
        zh: `在这台机器上，大约要训练 ${Math.ceil(minutes)} 分钟才能学出点样子（--minutes N 可以缩短，但会学得少些）`,
      }),
    )
  return prepare(find(name), { ...options, onMeasure, onSlow })
}

/** A recipe that is not there is a mistake in the command. */
function find(name: string): string {
  try {
    const file = findRecipe(name)
    if (existsSync(file)) return file
    throw new UserError(`there is no recipe ${file}`, `没有这个食谱文件：${file}`)
  } catch (error) {
    if (error instanceof UserError) throw new UsageError(say({ en: error.message, zh: error.zh }), { cause: error })
    throw error
  }
}
