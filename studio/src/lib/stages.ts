/** What stages are called: in a student's life, and by their standard term. Those of the report card (src/stages/report/words.ts). */
import { taskName } from '../../../src/stages/report/words.ts'
import { language, t } from './language.svelte.ts'

export function lifeOf(kind: string): string {
  switch (kind) {
    case 'corpus':
      return t('Finding books', '找书')
    case 'tokenizer':
      return t('Learning to read', '识字')
    case 'import':
      return t('Joining with an education', '请来一位学长')
    case 'pretrain':
      return t('Reading widely', '博览群书')
    case 'sft':
      return t('Studying examples', '看例题')
    case 'reward-model':
      return t('Learning a taste', '摸清口味')
    case 'rejection-sampling':
      return t('Keeping what went right', '做对的抄进例题本')
    case 'dpo':
      return t('Minding preferences', '照着口味改')
    case 'rl':
      return t('Doing exercises', '刷题')
    case 'best-of-n':
      return t('Picking the best draft', '多写几篇挑一篇')
    case 'eval':
      return t('Sitting the exam', '考试')
    case 'report':
      return t('Report card', '成绩单')
    default:
      return kind
  }
}

export function termOf(kind: string): string {
  switch (kind) {
    case 'corpus':
      return t('corpus', '语料')
    case 'tokenizer':
      return t('tokenizer', '分词器')
    case 'import':
      return t('imported model', '导入的模型')
    case 'pretrain':
      return t('pre-training', '预训练')
    case 'sft':
      return t('fine-tuning', '监督微调')
    case 'reward-model':
      return t('reward model', '奖励模型')
    case 'rejection-sampling':
      return t('rejection sampling', '拒绝采样')
    case 'dpo':
      return t('DPO', '直接偏好优化')
    case 'rl':
      return t('reinforcement learning', '强化学习')
    case 'best-of-n':
      return t('best of n', 'n 选一')
    case 'eval':
      return t('evaluation', '评测')
    case 'report':
      return t('report', '报告')
    default:
      return kind
  }
}

/** A model's name: after its stage, as a person says it. */
export function modelName({ kind, stage, step }: { kind: string; stage: string; step: number | null }): string {
  const name =
    stage !== kind && stage
      ? stage
      : kind === 'pretrain'
        ? t('Base model', '基座模型')
        : kind === 'sft'
          ? t('After examples (SFT)', '看过例题（SFT）')
          : kind === 'rl'
            ? t('After exercises (RL)', '刷过题（RL）')
            : kind === 'dpo'
              ? t('After preferences (DPO)', '照口味改过（DPO）')
              : lifeOf(kind)
  return step === null ? name : t(`${name}, step ${step}`, `${name}，第 ${step} 步`)
}

/** A run's name; of a recording, what was recorded. */
export const runName = (id: string): string =>
  id === '@quickstart-zh'
    ? t('recorded quickstart, Chinese', '录制的快速入门（中文）')
    : id === '@quickstart-en'
      ? t('recorded quickstart, English', '录制的快速入门（英文）')
      : id

/** What is practised, as a person says it. */
export const taskOf = (name: string): string => taskName(name, language())
