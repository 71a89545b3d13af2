/** xueba/stages: every stage by its kind, and the runner. */
import type { z } from 'zod'
import { bestOfN } from './best-of-n.ts'
import { corpus } from './corpus.ts'
import { dpo } from './dpo.ts'
import { evaluation } from './eval.ts'
import { importStage } from './import.ts'
import { modelOptions, pretrain } from './pretrain.ts'
import { rejectionSampling } from './rejection-sampling.ts'
import { report } from './report.ts'
import { rewardModel } from './reward-model.ts'
import { rl } from './rl/rl.ts'
import { sft } from './sft.ts'
import type { Stage } from './stage.ts'
import { tokenizer } from './tokenizer.ts'

export const stages: Record<string, Stage> = {
  corpus,
  tokenizer,
  import: importStage,
  pretrain,
  sft,
  'reward-model': rewardModel,
  dpo,
  rl,
  'best-of-n': bestOfN,
  'rejection-sampling': rejectionSampling,
  eval: evaluation,
  report,
}

/** What recipes are checked against. */
export const registry = {
  stages: Object.fromEntries(Object.values(stages).map(({ kind, config }) => [kind, config])) as Record<
    string,
    z.ZodObject
  >,
  model: modelOptions as z.ZodObject,
}
