/** xueba corpus ablate: what a filter does to a model that reads the corpus. */
import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { z } from 'zod'
import { modelOptions, pretrain, type PretrainConfig } from '../../stages/pretrain.ts'
import { ablate as compare, type Ablation, type AblationCell, bothSides, SETS } from '../../stages/ablation.ts'
import { withTown } from '../../stages/corpus.ts'
import { deriveRecipe } from '../../stages/derive.ts'
import { tokenizer as tokenizerStage } from '../../stages/tokenizer.ts'
import { openEngine } from '../../tensor/open.node.ts'
import { writeJson } from '../../run/index.ts'
import { table } from '../columns.ts'
import { help, UsageError } from '../flags.ts'
import { say } from '../language.ts'
import { createStatus } from '../status.ts'
import { verb } from '../verb.ts'
import { bytesOf, grouped } from './funnel-table.ts'
import { readCorpusRecipe } from './recipe.ts'

const whole = z.number().int()

export const ablate = verb({
  name: 'ablate',
  operands: '<recipe | file or folder …>',
  summary: {
    en: 'train the same small model with and without a filter, and compare on held-out text',
    zh: '加不加某个过滤器，各训练一个同样的小模型，在留出的文本上比较',
  },
  flags: z.object({
    filter: help(
      z.string().optional(),
      'which: c4, gopher-repetition, fineweb, near …',
      '比较哪个过滤器：c4、gopher-repetition、fineweb、near 等',
    ),
    out: help(z.string().optional(), 'folder of the comparison', '结果写到哪个文件夹'),
    seeds: help(
      z
        .string()
        .regex(/^\d+(,\d+)*$/)
        .default('1,2,3'),
      'seeds of the weights and of the order',
      '初始参数和阅读顺序的随机种子',
    ),
    steps: help(
      whole.positive().optional(),
      "steps of each training (default: the recipe's)",
      '每次训练多少步（默认照食谱）',
    ),
    depth: help(whole.positive().optional(), 'size of the model', '模型的深度'),
    seed: help(whole.nonnegative().optional(), 'seed of the split', '划分语料用的随机种子'),
    set: help(
      z.array(z.string()).optional(),
      'pin an option: stages.corpus.heldOut=0.1',
      '改一个选项：stages.corpus.heldOut=0.1',
    ),
    json: help(z.boolean().default(false), 'the result as JSON', '结果输出为 JSON'),
  }),
  async run(operands, flags) {
    const { filter, out, json } = flags
    if (filter === undefined || out === undefined)
      throw new UsageError(
        say({
          en: 'which filter, and where to? (--filter c4 --out DIR)',
          zh: '哪个过滤器？写到哪里？（--filter c4 --out 文件夹）',
        }),
      )
    const { lang } = flags as { lang?: 'zh' | 'en' }
    const asked = await readCorpusRecipe(operands, { set: flags.set, seed: flags.seed, lang })
    const folder = resolve(out)
    await mkdir(folder, { recursive: true })
    const config = await withTown(asked.config, { folder, seed: asked.seed, language: asked.language })
    bothSides(config, filter) // a name that is not known is an error before anything is done
    const training = await trainingOf(asked.recipe, flags)
    const engine = await openEngine()
    const status = createStatus()
    try {
      const result = await compare(config, folder, {
        ...training,
        filter,
        seed: asked.seed,
        language: asked.language,
        seeds: flags.seeds.split(',').map(Number),
        engine,
        progress(what, event) {
          if (json || (event !== undefined && event.type !== 'progress') || !status.due()) return
          const at = event?.type === 'progress' ? `  ${event.step}/${event.steps}  ${event.loss?.toFixed(3) ?? ''}` : ''
          status.show(`${what}${at}`)
        },
      })
      status.end()
      await writeJson(`${folder}/ablation.json`, result)
      console.log(json ? JSON.stringify(result) : describe(result))
      return 0
    } finally {
      status.end()
      await engine.close()
    }
  },
})

/** The recipe's tokenizer and pre-training, or the usual ones. */
async function trainingOf(
  recipe: Awaited<ReturnType<typeof readCorpusRecipe>>['recipe'],
  { steps, depth }: { steps?: number | undefined; depth?: number | undefined },
) {
  const derived = recipe && (await deriveRecipe(steps === undefined ? recipe : withSteps(recipe, steps)))
  const options = (kind: string) => derived?.stages.find((stage) => stage.kind === kind)?.config ?? {}
  const model = depth === undefined ? (derived?.model ?? { depth: 2 }) : { depth }
  const { vocab, hanCap } = tokenizerStage.config.parse(options('tokenizer')) as {
    vocab: number
    hanCap: 2 | 4 | 'none'
  }
  const read = pretrain.config.parse({
    heldOutTokens: 200_000,
    ...options('pretrain'),
    ...(steps === undefined ? {} : { steps }),
  }) as PretrainConfig
  return {
    model: modelOptions.parse(model) as Record<string, unknown>,
    tokenizer: { vocab, hanCap },
    pretrain: { ...read, steps: read.steps ?? DEFAULT_STEPS, prompts: [] as string[] },
  }
}

const DEFAULT_STEPS = 1000

const withSteps = (recipe: NonNullable<Awaited<ReturnType<typeof readCorpusRecipe>>['recipe']>, steps: number) => ({
  ...recipe,
  stages: recipe.stages.map((stage) => {
    const { minutes: _minutes, ...config } = stage.config
    return stage.kind === 'pretrain' ? { ...stage, config: { ...config, steps } } : stage
  }),
})

function describe({ filter, tokens, parameters, sets, sides, cells, results }: Ablation): string {
  const number = ({ value, low, high }: { value: number; low: number; high: number }, sign = false) =>
    `${sign && value > 0 ? '+' : ''}${value.toFixed(4)} [${low.toFixed(4)}, ${high.toFixed(4)}]`
  const names: Record<string, string> = {
    filtered: say({ en: `text that passes ${filter}`, zh: `通过 ${filter} 的文本` }),
    unfiltered: say({ en: `text as it comes without ${filter}`, zh: `不经 ${filter} 的文本` }),
  }
  const head = [
    say({ en: 'held out', zh: '留出的文本' }),
    say({ en: 'bytes', zh: '字节' }),
    say({ en: 'with', zh: '加过滤' }),
    say({ en: 'without', zh: '不加' }),
    say({ en: 'with − without', zh: '加 − 不加' }),
  ]
  const rows = SETS.map((set) => {
    const { with: on, without, difference } = results[set]!
    return [names[set]!, bytesOf(sets[set]!.bytes), number(on), number(without), number(difference, true)]
  })
  const epochs = (side: string) => mean(cells.filter((cell) => cell.side === side)).toFixed(1)
  const verdicts = SETS.map((set) => verdict(names[set]!, results[set]!.difference))
  return [
    say({
      en: `${filter}: ${grouped(parameters)} weights, ${grouped(tokens)} tokens each, ${cells.length / 2} seeds; bits per byte, lower is better, 95 % intervals of the seeds`,
      zh: `${filter}：${grouped(parameters)} 个参数，各训练 ${grouped(tokens)} 个词元，${cells.length / 2} 个种子；每字节比特数（越低越好），方括号是种子之间的 95 % 区间`,
    }),
    say({
      en: `trained on ${grouped(sides.with.documents)} documents (${bytesOf(sides.with.bytes)}, ${epochs('with')} epochs) with, ${grouped(sides.without.documents)} (${bytesOf(sides.without.bytes)}, ${epochs('without')} epochs) without`,
      zh: `加过滤的训练了 ${grouped(sides.with.documents)} 篇（${bytesOf(sides.with.bytes)}，${epochs('with')} 遍），不加的 ${grouped(sides.without.documents)} 篇（${bytesOf(sides.without.bytes)}，${epochs('without')} 遍）`,
    }),
    '',
    table([head, ...rows], [1, 2, 3, 4]),
    '',
    ...verdicts,
  ].join('\n')
}

const mean = (cells: readonly AblationCell[]) => cells.reduce((sum, { epochs }) => sum + epochs, 0) / cells.length

function verdict(name: string, { low, high }: { low: number; high: number }): string {
  if (high < 0) return say({ en: `On ${name} the filter helps.`, zh: `在${name}上，加过滤更好。` })
  if (low > 0) return say({ en: `On ${name} the filter hurts.`, zh: `在${name}上，加过滤更差。` })
  return say({
    en: `On ${name} the difference is within the noise of the seeds.`,
    zh: `在${name}上，差别没有超出种子间的波动。`,
  })
}
