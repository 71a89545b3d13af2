/**
 * `npm run study -- human`: does a reward model learn real people's preferences? The ranked and labelled answers of pref-oasst, pref-llamafactory and
 * pref-taskmaster (XUEBA_DATA), cross-validated by the first message of the user, so that no conversation stands on both sides of a fold.
 *
 * In each fold everything is learnt from the training side alone: a tokenizer, a small base model that reads its texts, and the reward model on top. Beside it a
 * judge that looks at lengths (longer or shorter, as suits the training side of the same source), and a linear judge (linear-judge.ts), which says how
 * much there is to learn from words alone. Every source is reported by itself; intervals are bootstraps over conversations.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { createRewardScorer, freeModel } from '../src/nn/index.ts'
import { readJson, writeJson } from '../src/run/index.ts'
import { loadModel, saveTokenizer } from '../src/stages/model-folder.ts'
import { answered, ordersOf } from '../src/stages/pairs.ts'
import { originOf, readOpinions } from '../src/stages/preferences.ts'
import { pretrain } from '../src/stages/pretrain.ts'
import { pairsOfRanks } from '../src/stages/ranking.ts'
import { rewardModel } from '../src/stages/reward-model.ts'
import type { Engine } from '../src/tensor/index.ts'
import { openEngine } from '../src/tensor/open.node.ts'
import { type Message, trainTokenizer } from '../src/tokenizer/index.ts'
import { linearJudge } from './linear-judge.ts'
import { ACCURACY_HEAD, accuracyRow, type Judged, lonely } from './reward-study.ts'

export interface HumanOptions {
  data: string
  out: string
  folds: number
  /** So many folds are judged, the others only learnt from. */
  judged: number
  vocab: number
  depth: number
  time: number
  /** Steps of reading, and times that every pair is read. */
  readSteps: number
  epochs: number
  seed: number
}

interface HumanPair {
  origin: string
  source: string
  chosen: Message[]
  rejected: Message[]
}

const SOURCES: Record<string, RegExp> = {
  'oasst, trees (en)': /oasst-en/,
  'oasst, first over second (zh)': /oaast_rm_zh/,
  'llamafactory, pairs (en)': /dpo_en/,
  'llamafactory, pairs (zh)': /dpo_zh/,
  'llamafactory, thumbs (en)': /kto_en/,
  'taskmaster, films (labels)': /tm3-/,
  'taskmaster, coffee (labels)': /tm4-/,
}

const foldOf = (origin: string, folds: number) =>
  createHash('md5').update(`fold ${origin}`).digest().readUInt32LE() % folds

/** Pairs of every fold. Labels are paired within a source and a fold, so that no pair reaches over a border. */
async function readFolds(data: string, folds: number): Promise<HumanPair[][]> {
  const found: HumanPair[][] = Array.from({ length: folds }, () => [])
  const bySource = new Map<string, Parameters<typeof ordersOf>[0][number][]>()
  for (const folder of ['pref-oasst', 'pref-llamafactory', 'pref-taskmaster'])
    for (const name of readdirSync(join(data, folder)).sort()) {
      const [source] = Object.entries(SOURCES).find(([, pattern]) => pattern.test(name)) ?? [basename(name)]
      const { opinions } = await readOpinions({ file: join(data, folder, name) }, { language: 'en', seed: 1 }, () => {})
      bySource.set(source, [...(bySource.get(source) ?? []), ...opinions])
    }
  for (const [source, opinions] of bySource) {
    const parts = Map.groupBy(opinions, (one) =>
      foldOf(originOf(one.kind === 'thumb' ? one.answer : one.answers[0]!), folds),
    )
    for (const [fold, some] of parts)
      for (const { answers, ranks } of ordersOf(some))
        for (const [better, worse] of pairsOfRanks(ranks)) {
          const [chosen, rejected] = [answers[better]!, answers[worse]!]
          if (JSON.stringify(chosen) !== JSON.stringify(rejected))
            found[fold]!.push({ origin: originOf(chosen), source, chosen, rejected })
        }
  }
  return found
}

/** The margins of one fold, or those of an earlier attempt with the same options. */
interface Fold {
  options: string
  byWords: Judged[]
  /** Without the reward model: only the cheap judges were asked. */
  byModel: Judged[] | null
}

export async function studyHuman(options: HumanOptions, parts: 'words' | 'all' = 'all'): Promise<string> {
  const folds = await readFolds(options.data, options.folds)
  const engine = await openEngine()
  const done: Fold[] = []
  for (let fold = 0; fold < options.judged; fold++) {
    const at = join(options.out, `fold-${fold}`)
    const known = (await readJson(join(at, 'fold.json'))) as Fold | undefined
    const key = JSON.stringify({ ...options, data: '', out: '', judged: 0 })
    if (known?.options === key && (known.byModel || parts === 'words')) {
      done.push(known)
      continue
    }
    const test = folds[fold]!
    const training = folds.filter((_, i) => i !== fold).flat()
    const longer = new Map(
      Object.keys(SOURCES).map((source) => {
        const own = training.filter((pair) => pair.source === source)
        return [source, Math.sign(own.reduce((sum, pair) => sum + Math.sign(lengthGap(pair)), 0)) || 1]
      }),
    )
    const judged = (margin: (pair: HumanPair, i: number) => number) =>
      test.map((pair, i): Judged => {
        const { origin, source } = pair
        return { origin, source, margin: margin(pair, i), length: longer.get(source)! * lengthGap(pair) }
      })
    const words = linearJudge(training.map(({ chosen, rejected }) => [chosen, rejected] as const))
    const byWords = judged(({ chosen, rejected }) => words(chosen) - words(rejected))
    const margins = parts === 'all' ? await learn(engine, at, training, test, options) : null
    const result: Fold = { options: key, byWords, byModel: margins && judged((_, i) => margins[i]!) }
    mkdirSync(at, { recursive: true })
    await writeJson(join(at, 'fold.json'), result)
    done.push(result)
    console.log(`fold ${fold + 1} of ${options.folds}: ${training.length} pairs learnt from, ${test.length} judged`)
  }
  await engine.close()
  const table = (name: string, judged: readonly Judged[]) => {
    const rows = Object.keys(SOURCES).map((source) =>
      accuracyRow(
        source,
        judged.filter((one) => one.source === source),
      ),
    )
    return [`${name}:`, '', ACCURACY_HEAD, ...rows, accuracyRow('**all**', judged)].join('\n')
  }
  const linear = table(
    'The linear judge',
    done.flatMap(({ byWords }) => byWords),
  )
  const models = done.flatMap(({ byModel }) => byModel ?? [])
  return models.length > 0 ? `${table('The reward model', models)}\n\n${linear}` : linear
}

const lengthGap = ({ chosen, rejected }: HumanPair) => chosen.at(-1)!.content.length - rejected.at(-1)!.content.length

/** Margins of the test pairs by a reward model that has seen the training side alone. */
async function learn(
  engine: Engine,
  folder: string,
  training: readonly HumanPair[],
  test: readonly HumanPair[],
  { vocab, depth, time, readSteps, epochs, seed }: HumanOptions,
): Promise<number[]> {
  const [corpus, tokens, base] = ['corpus', 'tokenizer', 'pretrain'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  for (const at of [corpus, tokens, base]) mkdirSync(at, { recursive: true })
  const texts = [
    ...new Set(
      training
        .flatMap(({ chosen, rejected }) => [chosen, rejected])
        .map((answer) => answer.map(({ content }) => content).join('\n')),
    ),
  ]
  const document = (text: string, i: number) => `${JSON.stringify({ id: String(i), text, source: 'pairs' })}\n`
  writeFileSync(join(corpus, 'documents.jsonl'), texts.slice(50).map(document).join(''))
  writeFileSync(join(corpus, 'heldout.jsonl'), texts.slice(0, 50).map(document).join(''))
  const tokenizer = await trainTokenizer(texts, { vocabSize: vocab, hanCap: 2 })
  await saveTokenizer(tokens, tokenizer)
  const earlier = [
    { kind: 'corpus', name: 'corpus', folder: corpus },
    { kind: 'tokenizer', name: 'tokenizer', folder: tokens },
  ]
  const quiet = { checkpointEvery: 1e6, evaluateEvery: 1e6 }
  const model = { depth, maxPositions: Math.max(256, time) }
  const read = pretrain.config.parse({
    ...quiet,
    steps: readSteps,
    rows: 8,
    time: 128,
    heldOutTokens: 2000,
    sampleTokens: 1,
  })
  console.log(JSON.stringify(await pretrain.run(lonely(engine, base, earlier, { seed, model }), read)))
  const file = join(folder, 'pairs.jsonl')
  writeFileSync(file, training.map(({ chosen, rejected }) => `${JSON.stringify({ chosen, rejected })}\n`).join(''))
  const shape = { rows: 16, time }
  const config = rewardModel.config.parse({ ...quiet, ...shape, data: [{ file }], heldOut: 0, epochs })
  console.log(
    JSON.stringify(
      await rewardModel.run(
        lonely(engine, join(folder, 'judge'), [...earlier, { kind: 'pretrain', name: 'pretrain', folder: base }], {
          seed,
        }),
        config,
      ),
    ),
  )
  const judge = await loadModel(engine, join(folder, 'judge'), { trainable: false })
  const scorer = createRewardScorer(judge, shape)
  const rewards = await scorer.score(
    test.flatMap(({ chosen, rejected }) => [chosen, rejected].map((one) => answered(tokenizer, one).ids)),
  )
  scorer.free()
  freeModel(judge)
  return test.map((_, i) => rewards[2 * i]! - rewards[2 * i + 1]!)
}
