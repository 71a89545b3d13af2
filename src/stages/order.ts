/**
 * What a recipe's stages want of each other, asked before anything is trained: `from` names an earlier stage that makes a model,
 * `rewardModel` an earlier reward model, `stage` of dialogues to study one that writes dialogues.
 */
import { type Problem, type Recipe, RecipeError } from '../run/index.ts'
import { DIALOGUE_KINDS } from './dialogues.ts'
import { MODEL_KINDS } from './model-folder.ts'

/** Throws a RecipeError that lists every name that leads nowhere. */
export function checkOrder({ name, stages }: Recipe): void {
  const problems = stages.flatMap(({ kind, config }, i) => {
    const before = stages.slice(0, i)
    const find = (key: string, kinds: readonly string[], [en, zh]: readonly [string, string]): Problem[] => {
      const wanted = config[key]
      const known = before.filter(({ kind }) => kinds.includes(kind)).map((stage) => stage.name)
      if (typeof wanted !== 'string' || wanted === 'random' || known.includes(wanted)) return []
      if (wanted === 'latest' && (key === 'from' || known.length > 0)) return []
      const list = known.join(', ')
      return [
        {
          path: ['stages', i, key],
          en: `no earlier stage called "${wanted}" ${en}; there are: ${list || 'none'}`,
          zh: `前面没有叫“${wanted}”的${zh}；现有：${list || '无'}`,
        },
      ]
    }
    const alone = kind === 'rl' && config.groupSize === 1 && config.advantage !== 'gae'
    const compared: Problem[] = !alone
      ? []
      : [
          {
            path: ['stages', i, 'groupSize'],
            en: 'answers to an exercise are compared with each other: 2 at least, or a critic (algorithm: ppo)',
            zh: '同一道题的回答要互相比较：至少 2 个，或者用评论家（algorithm: ppo）',
          },
        ]
    return [
      ...compared,
      ...find('from', MODEL_KINDS, ['makes a model', '模型阶段']),
      ...dialogueStages(config).flatMap((stage, at): Problem[] => {
        const known = before.filter(({ kind }) => DIALOGUE_KINDS.includes(kind)).map(({ name }) => name)
        if (stage === undefined || known.includes(stage)) return []
        return [
          {
            path: ['stages', i, 'data', at, 'stage'],
            en: `no earlier stage called "${stage}" writes dialogues; there are: ${known.join(', ') || 'none'}`,
            zh: `前面没有叫“${stage}”的写对话的阶段；现有：${known.join('、') || '无'}`,
          },
        ]
      }),
      ...find('rewardModel', ['reward-model'], ['makes a reward model', '奖励模型阶段']),
    ]
  })
  if (problems.length > 0) throw new RecipeError(problems, () => name)
}

/** Of each source of a stage's data, the stage that it names. */
function dialogueStages({ data }: Record<string, unknown>): (string | undefined)[] {
  return Array.isArray(data) ? data.map((source: { stage?: string }) => source.stage) : []
}
