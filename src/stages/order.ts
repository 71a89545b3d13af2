/** What a recipe's stages want of each other, asked before anything is trained: `from` names an earlier stage that makes a model. */
import { type Problem, type Recipe, RecipeError } from '../run/index.ts'
import { MODEL_KINDS } from './model-folder.ts'

/** Throws a RecipeError that lists every stage whose `from` leads nowhere. */
export function checkOrder({ name, stages }: Recipe): void {
  const problems = stages.flatMap(({ config }, i): Problem[] => {
    const { from } = config
    const models = stages.slice(0, i).filter(({ kind }) => MODEL_KINDS.includes(kind))
    if (typeof from !== 'string' || from === 'latest' || from === 'random') return []
    if (models.some((stage) => stage.name === from)) return []
    const known = models.map((stage) => stage.name).join(', ')
    return [
      {
        path: ['stages', i, 'from'],
        en: `no earlier stage called "${from}" makes a model; there are: ${known || 'none'}`,
        zh: `前面没有叫“${from}”的模型阶段；现有：${known || '无'}`,
      },
    ]
  })
  if (problems.length > 0) throw new RecipeError(problems, () => name)
}
