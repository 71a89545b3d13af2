/** What a stage did, in measured numbers: a line or two for the map. */
import { bytes, count, number, share } from './format.ts'
import { t } from './language.svelte.ts'

/** Empty where a stage measured nothing of the kind, or is not done. */
export function factsOf(kind: string, m: Record<string, number | null>): string[] {
  const has = (...keys: string[]) => keys.every((key) => m[key] != null)
  const of = (key: string) => m[key] as number
  switch (kind) {
    case 'corpus':
      if (!has('funnel.read.documents', 'documents')) break
      return [
        t(`${count(of('funnel.read.documents'))} pages found`, `找到 ${count(of('funnel.read.documents'))} 个网页`),
        t(
          `${count(of('documents'))} kept, ${bytes(of('bytes'))}`,
          `留下 ${count(of('documents'))} 篇，${bytes(of('bytes'))}`,
        ),
      ]
    case 'tokenizer':
      if (!has('vocab')) break
      return [
        t(`${count(of('vocab'))} pieces`, `${count(of('vocab'))} 个词元`),
        t(`${number(of('charactersPerToken'))} characters each`, `平均每个 ${number(of('charactersPerToken'))} 字`),
      ]
    case 'pretrain':
      if (!has('tokens', 'parameters')) break
      return [
        t(`${count(of('tokens'))} tokens read`, `读了 ${count(of('tokens'))} 个词元`),
        t(`${count(of('parameters'))} parameters`, `${count(of('parameters'))} 个参数`),
      ]
    case 'sft':
      if (!has('dialogues')) break
      return [t(`${count(of('dialogues'))} dialogues`, `${count(of('dialogues'))} 段对话`)]
    case 'reward-model':
    case 'dpo':
      if (!has('pairs', 'accuracy')) break
      return [
        t(`${count(of('pairs'))} pairs`, `${count(of('pairs'))} 对偏好`),
        t(`${share(of('accuracy'))} of others judged right`, `没学过的判对 ${share(of('accuracy'))}`),
      ]
    case 'best-of-n': {
      const n = Math.max(...Object.keys(m).map((key) => Number(/^best-of-(\d+)\.reward$/.exec(key)?.[1] ?? 1)))
      if (n === 1 || !has('best-of-1.reward')) break
      return [
        t(`worth, 1 → best of ${n}`, `写得值多少，1 份 → ${n} 选 1`),
        `${number(of('best-of-1.reward'))} → ${number(of(`best-of-${n}.reward`))}`,
      ]
    }
    case 'rejection-sampling':
      if (!has('answers', 'correct', 'dialogues')) break
      return [
        t(
          `${count(of('answers'))} answers, ${share(of('correct'))} right`,
          `做了 ${count(of('answers'))} 遍，对 ${share(of('correct'))}`,
        ),
        t(`${count(of('dialogues'))} kept`, `留下 ${count(of('dialogues'))} 段`),
      ]
    case 'rl': {
      // The first task; a run with one task names no task.
      const before = Object.keys(m).find((key) => /(^|\.)accuracyBefore$/.test(key))
      if (has('rewardBefore', 'reward'))
        return [t('what it writes is worth', '写得值多少'), `${number(of('rewardBefore'))} → ${number(of('reward'))}`]
      const after = before?.replace(/Before$/, '')
      if (before && after && has(before, after))
        return [t('right answers', '答对'), `${share(of(before))} → ${share(of(after))}`]
      break
    }
    case 'eval':
      return Object.keys(m).length > 0 ? [t('the exam is done', '考完了')] : []
  }
  return []
}
