/** Steps from minutes: never fewer than a recipe needs, unless the user says how long. */
import { expect, it } from 'vitest'
import { checkRecipe } from '../run/index.ts'
import { deriveRecipe, isDerivedFrom } from './derive.ts'
import { registry } from './index.ts'

const recipe = checkRecipe(
  {
    name: 'slow',
    language: 'en',
    model: { depth: 1 },
    stages: [
      { kind: 'corpus', sources: [{ world: 'web' }] },
      { kind: 'tokenizer', vocab: 512 },
      { kind: 'pretrain', minutes: 1e-6, leastSteps: 25, rows: 1, time: 32 },
    ],
  },
  registry,
)
const stepsOf = ({ stages }: typeof recipe) => stages.at(-1)!.config.steps

it('a slow machine takes longer than the recipe says, and the user is told', async () => {
  const told: number[] = []
  const derived = await deriveRecipe(recipe, { onSlow: (minutes) => told.push(minutes) })
  expect(stepsOf(derived)).toBe(25)
  expect(derived.stages.at(-1)!.config).not.toHaveProperty('leastSteps') // what was derived stands for itself
  expect(told).toHaveLength(1)
  expect(told[0]).toBeGreaterThan(1e-6)
  expect(isDerivedFrom(derived, recipe)).toBe(true)
})

it('the minutes that the user gives are kept, however little is learnt in them', async () => {
  const derived = await deriveRecipe(recipe, { minutes: 1e-6, onSlow: () => expect.unreachable() })
  expect(stepsOf(derived)).toBe(10)
})
