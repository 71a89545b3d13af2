/** Recipes as forms: what a recipe says, and the schema of every stage's options, from the very zod schemas that check recipes. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { findRecipe, packageRoot, readRecipe } from '../../run/index.ts'
import { NotThere } from './form.ts'
import { registry } from '../../stages/index.ts'
import type { CreateBody } from './requests.ts'

export interface StudioRecipes {
  list(): { name: string; about: string }[]
  /** Makes the run's folder with its resolved recipe. Throws a UserError; nothing is written if anything is wrong. */
  prepare(folder: string, body: CreateBody): Promise<void>
}

/** The recipes that come with xueba and need no data of one's own, with the comment they begin with. */
export function shippedRecipes(): { name: string; about: string }[] {
  const folder = join(packageRoot(), 'recipes')
  const files = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.yaml')) : []
  return files.sort().flatMap((file) => {
    const text = readFileSync(join(folder, file), 'utf8')
    if (/\$\{\w+\}/.test(text)) return [] // wants data
    const about = text.split('\n').filter((line) => line.startsWith('#'))
    return [{ name: basename(file, '.yaml'), about: about.map((line) => line.replace(/^# ?/, '')).join(' ') }]
  })
}

/** Fields that a form shows; what is nested deeper stays a matter of the .yaml file. */
export async function recipeForm(name: string): Promise<object> {
  if (!shippedRecipes().some((recipe) => recipe.name === name))
    throw new NotThere(`there is no recipe "${name.slice(0, 64)}"`, `没有“${name.slice(0, 64)}”这个食谱`)
  const recipe = await readRecipe(findRecipe(name), registry, { checkFiles: false })
  const stages = recipe.stages.map(({ kind, name, config }) => ({
    kind,
    name,
    fields: fieldsOf(registry.stages[kind]!, config),
  }))
  return {
    name: recipe.name,
    language: recipe.language,
    seed: recipe.seed,
    model: fieldsOf(registry.model, recipe.model),
    stages,
  }
}

export interface Field {
  key: string
  type: 'number' | 'integer' | 'boolean' | 'string' | 'choice'
  value: string | number | boolean | null
  choices?: string[]
  minimum?: number
  maximum?: number
}

/** A schema's plain fields with the values a recipe gives them. */
function fieldsOf(schema: z.ZodObject, values: Record<string, unknown>): Field[] {
  const json = z.toJSONSchema(schema, { unrepresentable: 'any', io: 'input' }) as { properties?: Record<string, Json> }
  return Object.entries(json.properties ?? {}).flatMap(([key, property]): Field[] => {
    const value = values[key] ?? property.default ?? null
    const plain = value === null || ['string', 'number', 'boolean'].includes(typeof value)
    const type = property.enum ? 'choice' : property.type
    if (!plain || (type !== 'choice' && !['number', 'integer', 'boolean', 'string'].includes(type ?? ''))) return []
    const { minimum, maximum } = property
    return [
      {
        key,
        type: type as Field['type'],
        value: value as Field['value'],
        ...(property.enum ? { choices: property.enum.map(String) } : {}),
        ...(minimum !== undefined && minimum > -1e15 ? { minimum } : {}),
        ...(maximum !== undefined && maximum < 1e15 ? { maximum } : {}),
      },
    ]
  })
}

interface Json {
  type?: string
  enum?: unknown[]
  default?: unknown
  minimum?: number
  maximum?: number
}
