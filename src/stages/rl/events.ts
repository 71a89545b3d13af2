/** What a step of RL tells: its numbers, warnings (nothing left to learn, nobody could judge, the judge is being pleased), the error when numbers explode. */
import type { PolicyStatistics } from './policy.ts'
import { type Group, summarize } from './rollout.ts'
import type { StageContext } from '../stage.ts'
import { mean } from '../statistics.ts'
import type { OverOptimisation } from '../over-optimisation.ts'
import { diverged } from '../train.ts'
import type { ValueLearning } from './values.ts'

/** Sampling and training use the same weights: their log-probabilities differ by rounding only. */
const MISMATCH = 1e-3

/** What a step did besides answering. */
export interface StepFacts {
  /** Undefined when every group was skipped. */
  policy: PolicyStatistics | undefined
  /** Of the critic, where there is one. */
  values: ValueLearning | undefined
  isJudged: boolean
  /** Groups that were replaced. */
  resampled: number
}

/** One `metric` event for each number of the step; a reward model's judgement stands beside the true reward, parts of a reward beside the whole. */
export function emitStep(
  context: StageContext,
  step: number,
  groups: readonly Group[],
  { policy: learned, values, isJudged, resampled }: StepFacts,
): void {
  const metric = (name: string, value: number | undefined) => {
    if (value !== undefined) context.emit({ type: 'metric', name, value, step, split: 'train' })
  }
  const { reward, credit, correct, length, truncated, skipped, unjudged, parts, overlong, divergence } =
    summarize(groups)
  if (Number.isFinite(reward)) metric('reward', reward)
  if (unjudged > 0) metric('unjudged', unjudged)
  if (isJudged) metric('rewardModel', credit)
  metric('answerReward', parts.answer)
  metric('formatReward', parts.format)
  metric('lengthReward', overlong)
  metric('correct', correct)
  metric('answerLength', length)
  metric('truncated', truncated)
  metric('skippedGroups', skipped)
  if (resampled > 0) metric('resampledGroups', resampled)
  metric('entropy', learned?.entropy)
  metric('klOld', learned?.klOld)
  metric('klReference', divergence ?? learned?.klReference)
  metric('clipped', learned?.clipped)
  metric('gradNorm', learned?.gradNorm)
  metric('replayLoss', learned?.replayLoss)
  metric('valueLoss', values?.loss)
  metric('valueClipped', values?.clipped)
  metric('explainedVariance', values?.explained)
  if (step === 1) metric('logProbMismatch', learned?.mismatch)
  if (learned && learned.mismatch > MISMATCH)
    context.emit({
      type: 'warning',
      code: 'log-prob-mismatch',
      step,
      message: {
        en: `log-probabilities from sampling and from training differ by ${learned.mismatch.toExponential(1)} nats: the update is not quite on-policy`,
        zh: `采样与训练算出的对数概率相差 ${learned.mismatch.toExponential(1)} 奈特：这次更新不完全是同策略的`,
      },
    })
}

/** Once in a stage: the judge is pleased ever more, the reader ever less. */
export function warnOverOptimised(
  context: StageContext,
  step: number,
  { worthBest, worthNow, likedBest, likedNow, best }: OverOptimisation,
): void {
  const [from, to, liked, likes] = [worthBest, worthNow, likedBest, likedNow].map((x) => x.toFixed(2))
  context.emit({
    type: 'warning',
    code: 'over-optimisation',
    step,
    message: {
      en: `over-optimisation (reward hacking): since step ${best + 1} the true reward fell from ${from} to ${to}, while the reward model's score rose from ${liked} to ${likes}: it learns to please the judge`,
      zh: `过度优化（钻奖励的空子）：从第 ${best + 1} 步起，真正的分数从 ${from} 降到 ${to}，而奖励模型打的分从 ${liked} 升到 ${likes}：它在学着讨好评委`,
    },
  })
}

/** Once in a stage: a task of the user's own gave no number for an answer. */
export function warnUnjudged(context: StageContext, step: number, groups: readonly Group[]): void {
  const { task } = groups.find(({ answers }) => answers.some(({ reward }) => !Number.isFinite(reward)))!
  context.emit({
    type: 'warning',
    code: 'unjudged',
    step,
    message: {
      en: `the reward of ${task.name} threw, or was no finite number, for some answers: they are skipped, and counted as "unjudged"`,
      zh: `${task.name} 的奖励函数对一些答案抛了异常，或给出的不是有限的数：这些答案跳过不学，次数记在“无法评判”里`,
    },
  })
}

/** Says why the stage ends before its last step. */
export function warnSilent(
  context: StageContext,
  step: number,
  skipped: readonly number[],
  groups: readonly Group[],
): void {
  const percent = (x: number) => `${(100 * x).toFixed(0)} %`
  const { correct } = summarize(groups)
  const [en, zh] =
    correct > 0.5
      ? ['the exercises are solved', '题目已经都会做了']
      : [
          'the answers are all equally wrong: make the exercises easier, or study more examples first',
          '答案一律是错的：请换容易些的题目，或先多看例题',
        ]
  context.emit({
    type: 'warning',
    code: 'no-signal',
    step,
    message: {
      en: `stopped at step ${step}: in ${percent(mean(skipped))} of the groups of the last ${skipped.length} steps all answers earned the same, so nothing is left to learn from; ${percent(correct)} of the latest answers are right: ${en}`,
      zh: `在第 ${step} 步提前结束：最近 ${skipped.length} 步里有 ${percent(mean(skipped))} 的题组得分全都一样，学不到东西；最近的答案有 ${percent(correct)} 正确：${zh}`,
    },
  })
}

/** Throws a UserError when the update was not made of finite numbers. */
export function refuseDivergence(step: number, learned: PolicyStatistics | undefined, saved: number): void {
  if (!learned) return
  const { loss, gradNorm, entropy } = learned
  if ([loss, gradNorm, entropy].every(Number.isFinite)) return
  const what = `loss ${loss}, entropy ${entropy}, gradient norm ${gradNorm}`
  throw diverged(step, [what, what], saved)
}
