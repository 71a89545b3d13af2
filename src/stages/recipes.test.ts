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
