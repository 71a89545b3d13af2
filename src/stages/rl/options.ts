/**
 * The recipe's keys of the `rl` stage. Answers are sampled from the whole distribution at temperature 1, and there is no option for it:
 * the log-probabilities that the update needs are those of that distribution, and samples from another would make it off-policy. Nor for the precision: answers are
 * sampled in f32, and their log-probabilities would not be those of a pass in bfloat16.
 */
import { z } from 'zod'
import { trainingOptions, whole } from '../options.ts'
import { practice } from '../practice.ts'

const rate = z.number().positive()
export const DEFAULT_STEPS = 200

const amount = z.number().nonnegative()

export const rlOptions = trainingOptions.omit({ microBatches: true, precision: true }).extend({
  steps: whole
    .optional()
    .describe(`steps, each with new answers; when neither steps nor minutes are given: ${DEFAULT_STEPS}`),
  tasks: z
    .array(practice({ weight: rate.default(1) }))
    .min(1)
    .describe('what to practise, and how often'),
  from: z
    .string()
    .default('latest')
    .describe('the earlier stage whose model to go on from, by name; default: the latest'),
  shots: z
    .number()
    .int()
    .nonnegative()
    .default(0)
    .describe(
      'only where practice begins from a base model, which reads an exercise as on a page of a school book: worked examples of each task before it',
    ),
  promptsPerStep: whole.default(32).describe('exercises of a step'),
  groupSize: z.number().int().min(2).default(8).describe('answers to each exercise'),
  maxTokens: whole.default(48).describe('longest answer'),
  epochs: whole.default(1).describe('times the answers of a step are learned from'),
  minibatches: whole.default(1).describe('updates of the weights in each of these times'),
  clipLow: amount.default(0.2).describe('how far below 1 the ratio of probabilities counts'),
  clipHigh: amount.default(0.28).describe('how far above 1; more room upwards keeps entropy (DAPO)'),
  beta: amount.default(0).describe('weight of the KL divergence to the model at the start; 0 = none'),
  advantage: z
    .enum(['mean', 'mean-std'])
    .default('mean')
    .describe('reward minus the mean of its group (Dr. GRPO), or that over the deviation of the group (GRPO)'),
  rewardFrom: z
    .enum(['task', 'shuffled'])
    .default('task')
    .describe('shuffled: a control in which rewards go to random answers'),
  rewardModel: z
    .string()
    .optional()
    .describe(
      'name of an earlier reward model, or latest, whose judgement is learned from instead of the true reward (RLHF)',
    ),
  matrixRate: rate.default(0.002).describe('peak learning rate of the hidden matrices'),
  embeddingRate: rate.default(0.0005).describe('peak learning rate of the embeddings (AdamW)'),
  vectorRate: rate.default(0.0005).describe('peak learning rate of the norms (AdamW)'),
  warmup: z.number().int().nonnegative().default(5).describe('steps over which the rates rise'),
  evaluateEvery: whole.default(50).describe('steps between examinations on held-out exercises'),
  checkpointEvery: whole.default(25).describe('steps between checkpoints'),
  evaluateProblems: whole.default(100).describe('held-out exercises of each task'),
  passAtK: z.array(whole).default([1, 4]).describe('k of pass@k: the chance that one of k sampled answers is right'),
  aha: z
    .strictObject({
      verification: z.array(z.string().min(1)).optional(),
      backtracking: z.array(z.string().min(1)).optional(),
    })
    .optional()
    .describe(
      'phrases by which an answer checks itself or goes back, in place of the usual ones (src/stages/aha/marks.ts)',
    ),
  rolloutKeep: z
    .number()
    .int()
    .nonnegative()
    .optional()
    .describe('groups of a step kept in rollouts.jsonl; default: all'),
})
export type RlOptions = z.infer<typeof rlOptions>
