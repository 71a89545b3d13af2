/** Which options of several recipes differ: stages go by their names, so that one more in the middle does not move the others. */
import { stageOptions } from '../report/gather.ts'
import { canonical } from '../../run/files.ts'

export interface OptionRow {
  /** `rl.steps`, `model.depth`; of a stage that some do not have, its name alone. */
  option: string
  /** As JSON; null where a recipe has no such option. */
  values: (string | null)[]
}

export function optionsThatDiffer(recipes: readonly Record<string, unknown>[]): OptionRow[] {
  const flat = recipes.map(flatten)
  const stages = recipes.map((recipe) => new Set(stageOptions(recipe).keys()))
  const keys = [...new Set(flat.flatMap((one) => [...one.keys()]))]
  const rows = keys.flatMap((option): OptionRow[] => {
    const [owner] = option.split('.')
    const isStage = stages.some((names) => names.has(owner!))
    if (isStage && stages.some((names) => !names.has(owner!))) return [] // said once, below
    const values = flat.map((one) => one.get(option) ?? null)
    return new Set(values).size > 1 ? [{ option, values }] : []
  })
  const names = [...new Set(stages.flatMap((one) => [...one]))]
  const missing = names
    .filter((name) => stages.some((one) => !one.has(name)))
    .map((option) => ({
      option,
      values: recipes.map((recipe) =>
        stageOptions(recipe).has(option) ? String(stageOptions(recipe).get(option)!.kind) : null,
      ),
    }))
  return [...rows, ...missing]
}

function flatten(recipe: Record<string, unknown>): Map<string, string> {
  const { stages: _stages, name: _name, ...rest } = recipe
  const found = new Map<string, string>()
  const put = (path: string, value: unknown) => {
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      for (const [key, part] of Object.entries(value)) put(`${path}.${key}`, part)
    else if (value !== undefined) found.set(path, typeof value === 'string' ? value : canonical(value))
  }
  for (const [key, value] of Object.entries(rest)) put(key, value)
  for (const [name, { name: _own, ...options }] of stageOptions(recipe)) put(name, options)
  return found
}
