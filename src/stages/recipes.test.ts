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
  expect(compared.length > 0).toBe(/controls|-order|r1-zero|aha/.test(file))
})

it('the recipe with controls has the stages of the quickstart, as many steps as minutes of it were worth', async () => {
  const read = async (name: string) => {
    const { language, model, stages } = await readRecipe(join(folder, `${name}.yaml`), registry, { checkFiles: false })
    const own = stages.filter(({ name, kind }) => name === kind) // controls have other names
    return {
      language,
      model,
      stages: own.map(({ kind, config: { steps, minutes, leastSteps: _least, ...config } }) => ({
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

it('the published orders begin with one base, that of the quickstart with its controls, so that it is trained once', async () => {
  const read = (name: string) => readRecipe(join(folder, `${name}.yaml`), registry, { checkFiles: false })
  const [controls, gpt4, zero, r1] = await Promise.all(
    ['quickstart-controls', 'gpt4-order', 'r1-zero', 'r1-order'].map(read),
  )
  for (const one of [gpt4!, zero!, r1!]) expect(one.stages.slice(0, 3)).toEqual(controls!.stages.slice(0, 3))
  expect(r1!.stages.slice(0, 5)).toEqual(zero!.stages.slice(0, 5)) // and the first practice of R1 is that of R1-Zero
  const kinds = ({ stages }: typeof gpt4 & object) =>
    stages.filter(({ config }) => !isControl(config)).map(({ kind }) => kind)
  const end = ['eval', 'report']
  expect(kinds(gpt4!).slice(2)).toEqual(['pretrain', 'sft', 'rl', ...end])
  expect(kinds(zero!).slice(2)).toEqual(['pretrain', 'rl', ...end])
  expect(kinds(r1!).slice(2)).toEqual(['pretrain', 'rl', 'rejection-sampling', 'sft', 'rl', ...end])
})
