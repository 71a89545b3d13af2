/**
 * What a filter is worth: the same small model is trained on a corpus with the filter and on one without it, and both are asked the same held-out text.
 *
 * Both corpora are built from the same sources. What either of them holds out is trained on by neither; both read the same number of tokens in batches of the
 * same shape, with the tokenizer of the filtered side, from the same initial weights. The seed of the weights and of the order is changed
 * a few times: a difference counts when it is larger than what seeds make. Two held-out sets are scored, as each side would choose the one that suits
 * it: the text that passes the filter, and the text that comes without it. Whatever is done (a corpus, a trained model) is not done again.
 */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { buildCorpus, type CorpusConfig, corpusMetrics, type Document } from '../corpus/index.ts'
import { corpusInputs } from '../corpus/plan.ts'
import { openJsonl, readJsonl } from '../formats/index.ts'
import { freeModel } from '../nn/index.ts'
import {
  type EventBody,
  isCurrent,
  latestCheckpoint,
  readJson,
  saveCheckpoint,
  sha256OfJson,
  UserError,
  writeJson,
  writeManifest,
} from '../run/index.ts'
import { nearest } from '../run/nearest.ts'
import type { Engine } from '../tensor/index.ts'
import { trainTokenizer } from '../tokenizer/index.ts'
import { heldOutScorer } from './held-out.ts'
import { loadModel, loadTokenizer, saveTokenizer } from './model-folder.ts'
import { encodeDocuments, pretrain, type PretrainConfig } from './pretrain.ts'
import type { Language, StageContext } from './stage.ts'
import { smallInterval } from './statistics.ts'
import { textsOf } from './tokenizer.ts'

export const SIDES = ['with', 'without'] as const
export type Side = (typeof SIDES)[number]
/** What either side holds out. */
export const SETS = ['filtered', 'unfiltered'] as const

export interface AblationOptions {
  filter: string
  seeds: readonly number[]
  /** Of the split, and of what the recipe draws. */
  seed: number
  language: Language
  model: Record<string, unknown>
  tokenizer: { vocab: number; hanCap: 2 | 4 | 'none' }
  pretrain: PretrainConfig & { steps: number }
  engine: Engine
  progress?: (what: string, event?: EventBody) => void
}

export interface AblationCell {
  side: Side
  seed: number
  /** By held-out set. */
  bitsPerByte: Record<string, number>
  epochs: number
}

export interface Ablation {
  filter: string
  tokens: number
  parameters: number
  /** Bytes of each held-out set that are scored, and documents trained on, by side. */
  sets: Record<string, Size>
  sides: Record<Side, Size>
  cells: AblationCell[]
  /** Of each set: bits per byte of both sides, and with minus without, seed by seed; 95 % intervals. */
  results: Record<string, Record<Side | 'difference', { value: number; low: number; high: number }>>
}

/** The options with a filter on and off. Throws a UserError for a filter that is not known. */
export function bothSides(config: CorpusConfig, name: string): Record<Side, CorpusConfig> {
  const key = name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
  const { filters, dedup } = config
  const has = <T extends object>(object: T, key: string): key is keyof T & string => Object.hasOwn(object, key)
  if (has(filters, key)) {
    if (filters[key] === false)
      throw new UserError(
        `the recipe switches the filter ${name} off: give it thresholds there (${key}: {}) to compare with and without`,
        `食谱里关掉了过滤器 ${name}：要比较有无，请先在食谱里写上（${key}: {}）`,
      )
    return { with: config, without: { ...config, filters: { ...filters, [key]: false } } }
  }
  const dedups: Record<string, [object, object]> = {
    exact: [{ exact: true }, { exact: false }],
    near: [{ near: true }, { near: false }],
    lines: [{ lines: dedup.lines === false ? { minCharacters: 20 } : dedup.lines }, { lines: false }],
    dedup: [
      { exact: true, near: true },
      { exact: false, near: false },
    ],
  }
  if (Object.hasOwn(dedups, key)) {
    const [on, off] = dedups[key]!
    return { with: { ...config, dedup: { ...dedup, ...on } }, without: { ...config, dedup: { ...dedup, ...off } } }
  }
  const known = [...Object.keys(filters), ...Object.keys(dedups)]
  const near = nearest(key, known)
  throw new UserError(
    `there is no filter "${name}"; ${near ? `did you mean "${near}"?` : `there are ${known.join(', ')}`}`,
    `没有“${name}”这个过滤器；${near ? `是不是“${near}”？` : `有的是 ${known.join('、')}`}`,
  )
}

export async function ablate(config: CorpusConfig, folder: string, options: AblationOptions): Promise<Ablation> {
  const { filter, seeds, progress } = options
  const configs = bothSides(config, filter)
  for (const side of SIDES) {
    progress?.(`corpus ${side}`)
    await corpusOf(configs[side], join(folder, side), options.seed)
  }
  const { sets, sides } = await shareOut(folder)
  if (isSame(sides.with, sides.without) && isSame(sets['filtered']!, sets['unfiltered']!))
    throw new UserError(
      `${filter} changes nothing here: with and without it, the corpus is the same ${sides.with.documents} documents`,
      `${filter} 在这份语料上不起作用：加不加都是同样的 ${sides.with.documents} 篇文档`,
    )
  const tokenizerFolder = join(folder, 'tokenizer')
  const key = sha256OfJson({
    ...options,
    engine: undefined,
    progress: undefined,
    seeds: undefined,
    configs,
    sides,
    sets,
  })
  if ((await readJson(join(tokenizerFolder, 'key.json'))) !== key) {
    await mkdir(tokenizerFolder, { recursive: true })
    const texts = textsOf(join(trainingFolder(folder, 'with'), 'documents.jsonl'))
    const { vocab: vocabSize, hanCap } = options.tokenizer
    await saveTokenizer(tokenizerFolder, await trainTokenizer(texts, { vocabSize, hanCap }))
    await writeJson(join(tokenizerFolder, 'key.json'), key)
  }
  const cells: AblationCell[] = []
  let parameters = 0
  // Sides in turn, so that what is there after half the time can be compared.
  for (const seed of seeds)
    for (const side of SIDES) {
      const at = join(folder, `seed-${seed}-${side}`)
      const path = join(at, 'result.json')
      let result = (await readJson(path)) as { key: string; cell: AblationCell; parameters: number } | undefined
      if (result?.key !== key) {
        const trained = await trainCell(at, { folder, tokenizerFolder, side, seed, key, options })
        result = { key, ...trained }
        await writeJson(path, result)
        await rm(join(at, 'checkpoints'), { recursive: true, force: true })
      }
      cells.push(result.cell)
      parameters = result.parameters
    }
  const { steps, rows, time, microBatches } = options.pretrain
  return {
    filter,
    tokens: steps * rows * time * microBatches,
    parameters,
    sets,
    sides,
    cells,
    results: Object.fromEntries(SETS.map((set) => [set, resultsOf(cells, set)])),
  }
}

/** Intervals of both sides and of their differences, seed by seed. */
export function resultsOf(cells: readonly AblationCell[], set: string) {
  const of = (side: Side) => cells.filter((cell) => cell.side === side).map(({ bitsPerByte }) => bitsPerByte[set]!)
  const without = of('without')
  return {
    with: smallInterval(of('with')),
    without: smallInterval(without),
    difference: smallInterval(of('with').map((bits, i) => bits - without[i]!)),
  }
}

interface Size {
  documents: number
  bytes: number
}
const isSame = (a: Size, b: Size) => a.documents === b.documents && a.bytes === b.bytes

const trainingFolder = (folder: string, side: Side) => join(folder, `training-${side}`)
const setPath = (folder: string, set: string) => join(folder, `heldout-${set}.jsonl`)

async function corpusOf(config: CorpusConfig, folder: string, seed: number): Promise<void> {
  const wanted = { kind: 'corpus', config: { ...config, seed }, inputs: await corpusInputs(config) }
  if (await isCurrent(folder, wanted)) return
  const begin = performance.now()
  const report = await buildCorpus(config, folder, { seed })
  const seconds = (performance.now() - begin) / 1000
  await writeManifest(folder, { ...wanted, name: 'corpus', seconds, metrics: corpusMetrics(report) })
}

/** Writes the two held-out sets, and for each side the documents to train on: those that neither holds out. */
async function shareOut(folder: string): Promise<Pick<Ablation, 'sets' | 'sides'>> {
  const from: Record<string, Side> = { filtered: 'with', unfiltered: 'without' }
  const heldOut = new Set<string>()
  const sets: Ablation['sets'] = {}
  for (const set of SETS) {
    const documents = documentsOf(join(folder, from[set]!, 'heldout.jsonl'))
    sets[set] = await copy(documents, setPath(folder, set), ({ id, source }) => {
      heldOut.add(`${source} ${id}`)
      return true
    })
    if (sets[set].documents > 0) continue
    throw new UserError(
      'nothing is held out: give the recipe more documents, or a larger heldOut',
      '没有留出评测用的文档：请增加文档，或调大 heldOut',
    )
  }
  const sides = {} as Ablation['sides']
  for (const side of SIDES) {
    const at = trainingFolder(folder, side)
    await mkdir(at, { recursive: true })
    const documents = documentsOf(join(folder, side, 'documents.jsonl'))
    sides[side] = await copy(
      documents,
      join(at, 'documents.jsonl'),
      ({ id, source }) => !heldOut.has(`${source} ${id}`),
    )
    await copy(documentsOf(setPath(folder, 'filtered')), join(at, 'heldout.jsonl'), () => true)
  }
  return { sets, sides }
}

async function* documentsOf(path: string): AsyncGenerator<Document> {
  for await (const row of readJsonl(path)) {
    if ('defect' in row)
      throw new UserError(`${path}, line ${row.line}: ${row.defect}`, `${path} 第 ${row.line} 行：${row.defect}`)
    yield row.value as Document
  }
}

async function copy(from: AsyncIterable<Document>, path: string, keeps: (document: Document) => boolean) {
  const counts = { documents: 0, bytes: 0 }
  const file = await openJsonl(path)
  try {
    for await (const document of from) {
      if (!keeps(document)) continue
      counts.documents++
      counts.bytes += Buffer.byteLength(document.text)
      await file.write(document)
    }
  } catch (error) {
    await file.discard()
    throw error
  }
  await file.close()
  return counts
}

interface CellOptions {
  folder: string
  tokenizerFolder: string
  side: Side
  seed: number
  key: string
  options: AblationOptions
}

async function trainCell(at: string, { folder, tokenizerFolder, side, seed, key, options }: CellOptions) {
  const { engine, language, model, progress } = options
  const checkpoints = join(at, 'checkpoints')
  await mkdir(at, { recursive: true })
  const { checkpoint } = await latestCheckpoint(checkpoints)
  const saved = checkpoint?.state as { key: string; state: unknown } | undefined
  const folders: Record<string, string> = { corpus: trainingFolder(folder, side), tokenizer: tokenizerFolder }
  const find = (...kinds: string[]) => kinds.map((kind) => folders[kind]).find((found) => found !== undefined)
  const context: StageContext = {
    run: folder,
    folder: at,
    seed,
    language,
    model,
    strict: true,
    engine: () => Promise.resolve(engine),
    peakFlops: () => Promise.resolve(0),
    find,
    latest: (...kinds) => find(...kinds)!,
    earlier: [],
    emit: (event) => progress?.(`seed ${seed} ${side}`, event),
    resume: saved?.key === key ? { ...checkpoint!, state: saved.state } : undefined,
    save: async (step, state, files) =>
      void (await saveCheckpoint(checkpoints, { step, seq: 0, state: { key, state }, files })),
    border: async () => {},
  }
  const metrics = await pretrain.run(context, options.pretrain)
  const tokenizer = await loadTokenizer(tokenizerFolder)
  const trained = await loadModel(engine, at, { trainable: false })
  const bitsPerByte: Record<string, number> = {}
  for (const set of SETS) {
    const stream = await encodeDocuments(setPath(folder, set), tokenizer)
    const shape = {
      rows: options.pretrain.rows,
      time: options.pretrain.time,
      maxTokens: options.pretrain.heldOutTokens,
    }
    const scorer = heldOutScorer(trained, tokenizer, stream, shape)
    const score = await scorer.score()
    scorer.free()
    if (score) bitsPerByte[set] = score.bitsPerByte
  }
  freeModel(trained)
  return {
    cell: { side, seed, bitsPerByte, epochs: metrics.epochs! },
    parameters: metrics.parameters!,
  }
}
