/** Options that several training stages share, as zod schemas: the recipe's keys, their defaults and their meaning. */
import { z } from 'zod'
import type { OptimizerOptions, Schedule } from '../nn/index.ts'

export const whole = z.number().int().positive()
const rate = z.number().positive()

const lora = z
  .strictObject({
    rank: whole.default(8).describe('columns of B, rows of A'),
    alpha: rate.default(16).describe('B·A is scaled by alpha / rank'),
    targets: z
      .enum(['all', 'attention'])
      .default('all')
      .describe('which matrices learn: all of a layer, or those of attention'),
    rate: rate.default(0.002).describe('peak learning rate of A and B (AdamW)'),
  })
  .describe(
    'learn through thin matrices (LoRA) and leave the weights, the embeddings and the norms as they are: a quarter of the memory',
  )

/** Shape of a batch and of the optimizer's step. */
export const trainingOptions = z.object({
  steps: whole.optional().describe('updates of the weights'),
  minutes: z
    .number()
    .positive()
    .optional()
    .describe('instead of steps: as many as fit on this machine, measured once before the run starts'),
  leastSteps: whole
    .optional()
    .describe(
      'with minutes: as many at least, for on a slow machine fewer would teach nothing; `--minutes` overrules it',
    ),
  rows: whole.default(8).describe('rows of a micro-batch'),
  time: whole.default(128).describe('tokens of a row'),
  lora: lora.optional(),
  precision: z
    .enum(['f32', 'bf16'])
    .default('f32')
    .describe('of the factors in matrix products; weights, sums and the optimizer are f32 either way'),
  recompute: z
    .boolean()
    .default(false)
    .describe(
      'keep the activations of one layer at a time and compute the others again: less memory, a fifth more time',
    ),
  microBatches: whole.default(1).describe('micro-batches whose gradients add up to one update'),
  matrices: z.enum(['muon', 'adamw']).default('muon').describe('optimizer of the hidden matrices'),
  matrixRate: rate.default(0.02).describe('peak learning rate of the hidden matrices'),
  embeddingRate: rate.default(0.005).describe('peak learning rate of the embeddings (AdamW)'),
  vectorRate: rate.default(0.005).describe('peak learning rate of the norms (AdamW)'),
  weightDecay: z.number().nonnegative().default(0),
  momentum: z.number().min(0).max(1).default(0.95).describe("Muon's momentum"),
  beta1: z.number().min(0).max(1).default(0.9),
  beta2: z.number().min(0).max(1).default(0.95),
  clip: z.number().nonnegative().default(1).describe('largest norm of all gradients; 0 = never clip'),
  warmup: z.number().int().nonnegative().default(20).describe('steps over which the rates rise'),
  decay: z.number().min(0).max(1).default(0.5).describe('share of the steps over which the rates fall'),
  floor: z.number().min(0).max(1).default(0.05).describe('share of the peak rate left at the end'),
  evaluateEvery: whole.default(200).describe('steps between evaluations'),
  checkpointEvery: whole.default(200).describe('steps between checkpoints'),
})
export type TrainingOptions = z.infer<typeof trainingOptions>

export function optimizerOf(
  o: Omit<TrainingOptions, 'microBatches' | 'precision' | 'recompute' | 'steps' | 'minutes' | 'leastSteps'>,
): OptimizerOptions {
  const { embeddingRate, vectorRate, weightDecay, momentum, beta1, beta2, clip } = o
  // Muon makes every direction of an update equally long: senseless for the two thin factors of a product.
  const { matrices, matrixRate } = o.lora ? { matrices: 'adamw' as const, matrixRate: o.lora.rate } : o
  return { matrices, matrixRate, embeddingRate, vectorRate, weightDecay, momentum, beta1, beta2, clip, eps: 1e-8 }
}

/** The options of a stage whose steps have been decided. */
export type Stepped<Options = TrainingOptions> = Options & { steps: number }

export function scheduleOf({
  steps,
  warmup,
  decay,
  floor,
}: Pick<Stepped, 'steps' | 'warmup' | 'decay' | 'floor'>): Schedule {
  return { steps, warmup: Math.min(warmup, Math.floor(steps / 2)), decay, floor }
}
