/**
 * Preferences as token sequences: what reward models and DPO read, in the same order, held back by what their dialogues begin with.
 *
 * A ranking becomes a pair for every two answers on different ranks (InstructGPT). Thumbs on single answers become pairs of a good and a bad one: within a
 * prompt where it has both, else across the prompts of one source; every thumb is in a pair at least, the rarer kind in several.
 */
import { z } from 'zod'
import { UserError } from '../run/index.ts'
import { random } from '../tensor/index.ts'
import { type Message, renderChat, type Tokenizer } from '../tokenizer/index.ts'
import { expectChats } from './tokenizer-folder.ts'
import { reportDefects } from './defects.ts'
import type { Defect } from './dialogues.ts'
import { trainingOptions } from './options.ts'
import type { Opinion } from './preference-shapes.ts'
import { originOf, preferenceSource, promptOf, readOpinions } from './preferences.ts'
import { pairsOfRanks } from './ranking.ts'
import type { StageContext } from './stage.ts'
import type { Masked } from './tokens.ts'
import { wilson } from './statistics.ts'

/** A recipe's keys of a stage that learns from pairs. */
export const pairOptions = trainingOptions.extend({
  epochs: z
    .number()
    .positive()
    .default(2)
    .describe('times every pair is read, when neither steps nor minutes are given'),
  rows: z.number().int().positive().multipleOf(2).default(32).describe('texts of a micro-batch, two for each pair'),
  data: z.array(preferenceSource).min(1).describe('where the pairs come from'),
  heldOut: z.number().min(0).max(0.5).default(0.1).describe('share of the prompts whose pairs are kept for measuring'),
  from: z.string().default('latest').describe('name of the stage whose model goes on from here, or latest'),
})
type PairOptions = z.infer<typeof pairOptions>

/** Whole dialogues up to the end of the last answer, and the characters of that answer. */
export interface Pair {
  chosen: Masked
  rejected: Masked
  characters: [chosen: number, rejected: number]
}

/** Several answers to one prompt and their ranks, best first. */
export interface Order {
  answers: Masked[]
  ranks: number[][]
}

export interface Pairs {
  training: Pair[]
  heldOut: Pair[]
  /** Opinions to learn from as they were given: a pair of thumbs is one of two answers. */
  orders: Order[]
  /** Pairs of which a side is longer than a row. */
  cut: number
  /** Opinions that prefer nothing to anything: all tied, all bad, or thumbs that all point one way. */
  undecided: number
}

/** Reads and tokenises all sources; writes the defects of files to rejected.jsonl. */
export async function readPairs(
  context: StageContext,
  { data, heldOut: share, time }: Pick<PairOptions, 'data' | 'heldOut' | 'time'>,
  tokenizer: Tokenizer,
): Promise<Pairs> {
  expectChats(tokenizer)
  const defects: Defect[] = []
  const pairs: Pairs = { training: [], heldOut: [], orders: [], cut: 0, undecided: 0 }
  for (const source of data) {
    const { opinions, ignored } = await readOpinions(source, context, (defect) => defects.push(defect))
    if ('file' in source) reportIgnored(context, source.file, ignored)
    const isHeldOut = (answer: readonly Message[]) =>
      random(0, `held-out preference ${originOf(answer)}`).uniform() < share
    const sides = Map.groupBy(opinions, (one) => isHeldOut(one.kind === 'thumb' ? one.answer : one.answers[0]!))
    for (const [held, opinions] of sides)
      for (const { answers, ranks } of ordersOf(opinions)) {
        const order: Order = { answers: answers.map((messages) => answered(tokenizer, messages)), ranks }
        const length = (answer: number) => answers[answer]!.at(-1)!.content.length
        const found = pairsOfRanks(ranks).flatMap(([better, worse]): Pair[] => {
          const [chosen, rejected] = [order.answers[better]!, order.answers[worse]!]
          const same = JSON.stringify(answers[better]) === JSON.stringify(answers[worse])
          return same ? [] : [{ chosen, rejected, characters: [length(better), length(worse)] }]
        })
        if (found.length === 0) pairs.undecided++
        else if (!held) pairs.orders.push(order)
        pairs[held ? 'heldOut' : 'training'].push(...found)
      }
  }
  await reportDefects(context, defects)
  pairs.cut = [...pairs.training, ...pairs.heldOut].filter(
    ({ chosen, rejected }) => Math.max(chosen.ids.length, rejected.ids.length) > time,
  ).length
  return pairs
}

/** Orders of answers, as they were given or made of thumbs; thumbs without an opposite are orders of one. */
export function ordersOf(opinions: readonly Opinion[]): { answers: Message[][]; ranks: number[][] }[] {
  const orders = opinions.filter((one) => one.kind === 'order')
  const thumbs = opinions.filter((one) => one.kind === 'thumb')
  const pair = (up: readonly Message[][], down: readonly Message[][]) =>
    Array.from({ length: up.length && down.length ? Math.max(up.length, down.length) : 0 }, (_, i) => ({
      answers: [up[i % up.length]!, down[i % down.length]!],
      ranks: [[0], [1]],
    }))
  const kinds = (some: readonly (typeof thumbs)[number][]) =>
    [true, false].map((up) => some.filter((one) => one.up === up).map(({ answer }) => answer)) as [
      Message[][],
      Message[][],
    ]
  const made = []
  const rest: (typeof thumbs)[number][] = []
  for (const some of Map.groupBy(thumbs, ({ answer }) => JSON.stringify(promptOf(answer))).values()) {
    const within = pair(...kinds(some))
    made.push(...within)
    if (within.length === 0) rest.push(...some)
  }
  const [up, down] = kinds(random(0, 'thumbs').shuffle(rest))
  const across = pair(up, down)
  const alone = across.length > 0 ? [] : rest.map(({ answer }) => ({ answers: [answer], ranks: [[0]] }))
  return [...orders, ...made, ...across, ...alone]
}

/** How often what is read in which order: every epoch in an order of its own; a pure function of the step. */
export interface Course<T> {
  /** How many steps the stage has. */
  steps: number
  epochs: number
  /** What each micro-batch of step t (from 1) holds. */
  batchesOf(t: number): T[][]
}

/** Throws a UserError when the items are less than one step. */
export function courseOf<T>(
  items: readonly T[],
  perBatch: number,
  {
    steps: wanted,
    epochs,
    microBatches,
    seed,
  }: Pick<PairOptions, 'steps' | 'epochs' | 'microBatches'> & { seed: number },
): Course<T> {
  const perStep = perBatch * microBatches
  if (items.length < perStep)
    throw new UserError(
      `${items.length} pairs are less than one step of ${perStep}: give more pairs, or lower rows`,
      `只有 ${items.length} 对，不够一步的 ${perStep} 对：请增加数据，或调小 rows`,
    )
  const steps = wanted ?? Math.max(1, Math.round((epochs * items.length) / perStep))
  const orders = new Map<number, T[]>()
  const itemAt = (g: number) => {
    const epoch = Math.floor(g / items.length)
    if (!orders.has(epoch)) {
      orders.delete(epoch - 2)
      orders.set(epoch, random(seed, 'pairs', epoch).shuffle(items))
    }
    return orders.get(epoch)![g % items.length]!
  }
  return {
    steps,
    epochs: (steps * perStep) / items.length,
    batchesOf: (t) =>
      Array.from({ length: microBatches }, (_, i) =>
        Array.from({ length: perBatch }, (_unused, p) => itemAt((t - 1) * perStep + i * perBatch + p)),
      ),
  }
}

/** A whole dialogue as ids, up to the end of its last answer: what a reward is read from. */
export function answered(tokenizer: Tokenizer, messages: readonly Message[]): Masked {
  const { ids, mask } = renderChat(tokenizer, messages)
  const end = mask.lastIndexOf(1) + 1
  return { ids: ids.slice(0, end), mask: mask.slice(0, end) }
}

/** How often what is right won, with its interval; a draw is half a win. `margins`: of what was chosen over what was rejected. */
export function accuracyOf(margins: readonly number[]) {
  const right = margins.reduce((sum, margin) => sum + (margin > 0 ? 1 : margin === 0 ? 0.5 : 0), 0)
  const { low, high } = wilson(right, margins.length)
  return { accuracy: right / margins.length, accuracyLow: low, accuracyHigh: high }
}

function reportIgnored(context: StageContext, file: string, ignored: ReadonlyMap<string, number>): void {
  if (ignored.size === 0) return
  const list = [...ignored].slice(0, 8).map(([field, rows]) => `${field} (${rows})`)
  context.emit({
    type: 'warning',
    code: 'ignored-fields',
    message: {
      en: `${file}: fields that say nothing here were passed over, with the rows that have them: ${list.join(', ')}`,
      zh: `${file}：这些字段在这里用不上，已忽略（括号里是有它的行数）：${list.join('、')}`,
    },
  })
}
