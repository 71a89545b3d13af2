/**
 * What a stage is: a kind, a schema of its options, and a function from options and earlier folders to artifacts. The
 * runner (runner.ts) gives it a context, writes its manifest, and skips it when nothing it depends on has changed.
 */
import type { z } from 'zod'
import type { Checkpoint, Content, EventBody } from '../run/index.ts'
import type { Engine } from '../tensor/index.ts'

export type Language = 'zh' | 'en'

export interface StageContext {
  /** The run's folder, and this stage's (it exists). */
  run: string
  folder: string
  seed: number
  language: Language
  /** The recipe's `model` block: see `modelOptions`. */
  model: Record<string, unknown>
  /** Refuse data with defects instead of listing them in rejected.jsonl. */
  strict: boolean
  /** One engine for the whole run, opened on first use. */
  engine(): Promise<Engine>
  /** Floating-point operations a second that the machine does at best, measured once; 0 where it cannot be measured. */
  peakFlops(): Promise<number>
  /** The folder of the latest earlier stage of one of these kinds that is no control. Throws a UserError that names what is missing. */
  latest(...kinds: string[]): string
  /** The same, or undefined. */
  find(...kinds: string[]): string | undefined
  /** All earlier stages, in order. */
  earlier: readonly Earlier[]
  emit(body: EventBody): void
  /** What an interrupted attempt at this stage left, if it can be gone on from. */
  resume: Checkpoint | undefined
  /** Saves a checkpoint; `state` is JSON. */
  save(step: number, state: unknown, files: Record<string, Content>): Promise<void>
  /** Between steps: obeys control requests. Throws `Stopped` after saving when asked to stop. */
  border(at: Border): Promise<void>
}

/** A stage that is done. */
export interface Earlier {
  kind: string
  name: string
  folder: string
  /** See `isControl`. */
  control?: boolean
}

/**
 * Whether a stage takes something away on purpose, to show what another owes to it: the reading (`from: random`), or rewards
 * that mean something (`rewardFrom: shuffled`). No later stage goes on from it unless it says so by name.
 */
export function isControl({ from, rewardFrom }: Record<string, unknown>): boolean {
  return from === 'random' || rewardFrom === 'shuffled'
}

export interface Border {
  /** Steps done. */
  step: number
  save(): Promise<void>
  /** Samples now, with this prompt or the stage's own. */
  sample?(prompt?: string): Promise<void>
}

export type Metrics = Record<string, number | null>

export interface Stage<Config = any> {
  kind: string
  config: z.ZodObject & z.ZodType<Config>
  run(context: StageContext, config: Config): Promise<Metrics>
}

/** Somebody asked the run to stop; everything is saved. */
export class Stopped extends Error {}
