/** Every recipe that ships reads without a mistake, whatever data sets are there. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { packageRoot, readRecipe } from '../run/index.ts'
import { isDerivedFrom } from './derive.ts'
import { registry } from './index.ts'
import { checkOrder } from './order.ts'
import { isControl } from './stage.ts'

const folder = join(packageRoot(), 'recipes')

it.each(readdirSync(folder))('%s', async (file) => {
  process.env.XUEBA_DATA ??= '/data'
  const recipe = await readRecipe(join(folder, file), registry, { checkFiles: false })
  expect(`${recipe.name}.yaml`).toBe(file)
  expect(isDerivedFrom(recipe, recipe)).toBe(true)
  expect(isDerivedFrom({ ...recipe, seed: recipe.seed + 1 }, recipe)).toBe(false)
  checkOrder(recipe)
  // Stages without a name to go on from take the latest model: it must not be one that is there for comparison only.
  const compared = recipe.stages.filter(({ config }) => isControl(config))
  expect(compared.length > 0).toBe(file.includes('controls'))
})

it('the recipe with controls has the stages of the quickstart, as many steps as minutes of it were worth', async () => {
  const read = async (name: string) => {
    const { language, model, stages } = await readRecipe(join(folder, `${name}.yaml`), registry, { checkFiles: false })
    const own = stages.filter(({ name, kind }) => name === kind) // controls have other names
    return {
      language,
      model,
      stages: own.map(({ kind, config: { steps, minutes, ...config } }) => ({
        kind,
        config,
        isTimed: steps !== undefined || minutes !== undefined,
      })),
    }
  }
  const [quickstart, controls] = await Promise.all([read('quickstart'), read('quickstart-controls')])
  const from = controls.stages.find(({ kind }) => kind === 'rl')!.config
  expect(from.from).toBe('sft') // the quickstart takes the latest
  from.from = 'latest'
  expect(controls).toEqual(quickstart)
})
