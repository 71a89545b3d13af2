/**
 * The recipe's keys of the `rl` stage. There is none for the precision: answers are sampled in f32, and their log-probabilities would not be
 * those of a pass in bfloat16; and none for top-k or top-p: the update needs the log-probabilities of the very distribution that was sampled from.
 */
import { z } from 'zod'
import { trainingOptions, whole } from '../options.ts'
import { practice } from '../practice.ts'
import { ALGORITHM_NAMES, type AlgorithmNumbers, expandAlgorithm } from './algorithms.ts'

const rate = z.number().positive()
export const DEFAULT_STEPS = 200

const amount = z.number().nonnegative()
const share = z.number().min(0).max(1)

const schema = trainingOptions.omit({ microBatches: true, precision: true, recompute: true }).extend({
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
  groupSize: whole.default(8).describe('answers to each exercise; 2 at least, but 1 where a critic is the baseline'),
  temperature: rate
    .default(1)
    .describe('of sampling and of the policy that is trained: logits are divided by it in both'),
  algorithm: z
    .enum(ALGORITHM_NAMES)
    .optional()
    .describe('sets those of the numbers below that are not given: see src/stages/rl/algorithms.ts'),
  maxTokens: whole.default(48).describe('longest answer'),
  epochs: whole.default(1).describe('times the answers of a step are learned from'),
  minibatches: whole.default(1).describe('updates of the weights in each of these times'),
  clipLow: amount.optional().describe('how far below 1 the ratio of probabilities counts; default 0.2'),
  clipHigh: amount.optional().describe('how far above 1; more room upwards keeps entropy (DAPO); default 0.28'),
  beta: amount.optional().describe('weight of the KL divergence to the model at the start; default 0 = none'),
  replay: amount
    .default(0)
    .describe(
      'weight of the language-modelling loss on rows of the corpus that are read again at every update (PPO-ptx); 0 = none',
    ),
  kl: z
    .enum(['loss', 'reward'])
    .optional()
    .describe('where that counts: in the loss (GRPO; the default), or taken off the reward (PPO, RLOO)'),
  advantage: z
    .enum(['mean', 'mean-std', 'leave-one-out', 'gae'])
    .optional()
    .describe(
      'reward minus the mean of its group (Dr. GRPO; the default), that over the deviation (GRPO), minus the mean of the others (RLOO), or a critic (PPO)',
    ),
  lengthNorm: z
    .enum(['token', 'sequence', 'constant', 'none'])
    .optional()
    .describe(
      'what weighs the same: every token (DAPO; the default), every answer (GRPO), tokens over maxTokens (Dr. GRPO), whole answers (RLOO)',
    ),
  resample: z
    .number()
    .int()
    .nonnegative()
    .optional()
    .describe('times that groups which all earned the same are replaced by other exercises (DAPO); default 0'),
  overlongPenalty: amount.optional().describe('taken off an answer that was cut off (DAPO); default 0'),
  overlongShare: z
    .number()
    .positive()
    .max(1)
    .optional()
    .describe('share of maxTokens, the last, over which that penalty grows; default 0.2'),
  curriculum: z
    .enum(['none', 'success'])
    .default('none')
    .describe('success: exercises that are solved about half of the time come more often'),
  gamma: share.default(1).describe('critic: what a reward is worth a token earlier'),
  lambda: share.default(0.95).describe('critic: 1 trusts rewards, 0 trusts the critic (GAE)'),
  valueClip: amount.default(0.2).describe('critic: how far a value may move in a step; 0 = any distance'),
  criticRates: rate.default(2.5).describe('critic: learning rates, as a multiple of those below'),
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
export type RlOptions = Omit<z.infer<typeof schema>, keyof AlgorithmNumbers> & AlgorithmNumbers
/** With the numbers of the algorithm filled in. */
export const rlOptions = schema.overwrite((options) => expandAlgorithm(options)) as z.ZodObject & z.ZodType<RlOptions>
