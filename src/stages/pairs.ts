/** Preferences as pairs of token sequences: what reward models and DPO read, in the same order, held back by prompt. */
import { z } from 'zod'
import { UserError } from '../run/index.ts'
import { random } from '../tensor/index.ts'
import { type Message, renderChat, type Tokenizer } from '../tokenizer/index.ts'
import { expectChats } from './tokenizer-folder.ts'
import { reportDefects } from './defects.ts'
import type { Defect } from './dialogues.ts'
import { trainingOptions } from './options.ts'
import { preferenceSource, readPreferences } from './preferences.ts'
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

export interface Pairs {
  training: Pair[]
  heldOut: Pair[]
  /** Pairs of which a side is longer than a row. */
  cut: number
  /** How many steps the stage has. */
  steps: number
  epochs: number
  /** The pairs of each micro-batch of step t (from 1): every epoch in an order of its own. */
  batchesOf(t: number): Pair[][]
}

/** Reads and tokenises all sources; writes the defects of files to rejected.jsonl. A prompt's pairs stand on one side. */
export async function readPairs(context: StageContext, options: PairOptions, tokenizer: Tokenizer): Promise<Pairs> {
  expectChats(tokenizer)
  const defects: Defect[] = []
  const sides: Record<'training' | 'heldOut', Pair[]> = { training: [], heldOut: [] }
  for (const source of options.data)
    for (const { chosen, rejected } of await readPreferences(source, context, (defect) => defects.push(defect))) {
      const prompt = JSON.stringify(chosen.slice(0, -1))
      const isHeldOut = random(0, `held-out preference ${prompt}`).uniform() < options.heldOut
      sides[isHeldOut ? 'heldOut' : 'training'].push({
        chosen: answered(tokenizer, chosen),
        rejected: answered(tokenizer, rejected),
        characters: [chosen.at(-1)!.content.length, rejected.at(-1)!.content.length],
      })
    }
  await reportDefects(context, defects)
  const { training, heldOut } = sides
  const perBatch = options.rows / 2
  const perStep = perBatch * options.microBatches
  if (training.length < perStep)
    throw new UserError(
      `${training.length} pairs are less than one step of ${perStep}: give more pairs, or lower rows`,
      `只有 ${training.length} 对，不够一步的 ${perStep} 对：请增加数据，或调小 rows`,
    )
  const steps = options.steps ?? Math.max(1, Math.round((options.epochs * training.length) / perStep))
  const orders = new Map<number, Pair[]>()
  const pairAt = (g: number) => {
    const epoch = Math.floor(g / training.length)
    if (!orders.has(epoch)) {
      orders.delete(epoch - 2)
      orders.set(epoch, random(context.seed, 'pairs', epoch).shuffle(training))
    }
    return orders.get(epoch)![g % training.length]!
  }
  return {
    training,
    heldOut,
    cut: [...training, ...heldOut].filter(
      ({ chosen, rejected }) => Math.max(chosen.ids.length, rejected.ids.length) > options.time,
    ).length,
    steps,
    epochs: (steps * perStep) / training.length,
    batchesOf: (t) =>
      Array.from({ length: options.microBatches }, (_, i) =>
        Array.from({ length: perBatch }, (_unused, p) => pairAt((t - 1) * perStep + i * perBatch + p)),
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
