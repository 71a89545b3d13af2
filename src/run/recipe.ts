/**
 * A recipe: what to train, as data. YAML in, a checked recipe out, or every problem at once with its line (`RecipeError`).
 *
 *   name: tiny            # also the run folder's name
 *   language: zh          # zh | en
 *   seed: 1
 *   model: { depth: 2 }
 *   stages:               # in any order the stages themselves allow; an option of the stage is a key beside `kind`
 *     - kind: pretrain
 *       name: read        # default: the kind, numbered when it occurs again (sft, sft-2)
 *       steps: 100
 *
 * The options of each kind are zod objects handed in (they belong to src/stages). Strings made by `dataFile()` may contain ${NAME} of the
 * environment; a relative one is looked up from the recipe's folder, or from the working directory when it came with `--set`.
 */
import { existsSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { isCollection, isMap, LineCounter, parseDocument, stringify, type Document } from 'yaml'
import { z } from 'zod'
import { writeFileAtomic } from '../formats/atomic.ts'
import { codeOf, UserError } from './errors.ts'
import { nearest } from './nearest.ts'
import { applyOverrides, stageNames, type Override } from './overrides.ts'
import { packageRoot } from './paths.ts'
import { problemsOf, RecipeError, unknownWord, type Problem } from './problems.ts'
import { mapDataFiles } from './schema.ts'

export interface Recipe {
  name: string
  language: 'zh' | 'en'
  seed: number
  model: Record<string, unknown>
  stages: RecipeStage[]
}

export interface RecipeStage {
  kind: string
  /** Unique in the recipe. */
  name: string
  /** Its options, checked, with defaults filled in and absolute paths. */
  config: Record<string, unknown>
}

/** What the recipe is checked against. */
export interface Registry {
  stages: Record<string, z.ZodObject>
  model?: z.ZodObject
}

export interface ReadOptions {
  /** `a.b=value`, later ones win. */
  set?: readonly string[]
  /** Where relative paths of `set` start; the working directory by default. */
  cwd?: string
  /** False to go on with a run whose data may be gone by now: its corpus is already made. */
  checkFiles?: boolean
}

type Key = PropertyKey

const NAME = /^[\p{L}\p{N}][\p{L}\p{N}._-]*$/u
const name = z.string().regex(NAME, 'names a folder: letters, digits, ".", "_" and "-" only')
const top = z.strictObject({
  name,
  language: z.enum(['zh', 'en']),
  seed: z.number().int().min(0).max(0xffffffff).default(1),
  model: z.record(z.string(), z.unknown()).default({}),
  stages: z.array(z.record(z.string(), z.unknown())).min(1),
})

/** Reads and checks a recipe. Throws a RecipeError; nothing is written. */
export async function readRecipe(file: string, registry: Registry, options: ReadOptions = {}): Promise<Recipe> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw codeOf(error) === 'ENOENT' ? new UserError(`there is no recipe ${file}`, `没有这个食谱文件：${file}`) : error
  })
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ message }) => ({ path: [], en: message, zh: `YAML 写法有误：${message}` }))
    throw new RecipeError(problems, () => file)
  }
  const raw = document.toJS() as Record<string, unknown>
  const overrides = isMap(document.contents) ? applyOverrides(raw, options.set ?? []) : []
  const { recipe, problems } = check(raw, registry, (path) => {
    const from = overrideAt(overrides, path) ? (options.cwd ?? process.cwd()) : dirname(resolve(file))
    return { from, mustExist: options.checkFiles ?? true }
  })
  if (problems.length > 0) throw new RecipeError(problems, (path) => placeOf(file, document, lines, overrides, path))
  return recipe
}

/** The same of a recipe that is an object already: its relative paths begin at the working directory. */
export function checkRecipe(
  value: unknown,
  registry: Registry,
  { set = [], cwd = process.cwd() }: ReadOptions = {},
): Recipe {
  const raw = structuredClone(value) as Record<string, unknown>
  if (typeof raw === 'object' && raw !== null) applyOverrides(raw, set)
  const { recipe, problems } = check(raw, registry, () => ({ from: cwd, mustExist: true }))
  if (problems.length > 0) throw new RecipeError(problems, (path) => path.map(String).join('.') || 'recipe')
  return recipe
}

/** Writes a recipe that reads back as the same. */
export async function writeRecipe(file: string, recipe: Recipe): Promise<void> {
  const stages = recipe.stages.map(({ kind, name, config }) => ({ kind, name, ...config }))
  await writeFileAtomic(file, stringify({ ...recipe, stages }, { lineWidth: 0, aliasDuplicateObjects: false }))
}

/** The file of a recipe given as a path, or as the name of one that comes with xueba. */
export function findRecipe(nameOrPath: string, cwd = process.cwd()): string {
  const path = resolve(cwd, nameOrPath)
  if (/\.ya?ml$/.test(nameOrPath) || (/[\\/]/.test(nameOrPath) && existsSync(path))) return path
  const folder = join(packageRoot(), 'recipes')
  const shipped = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.yaml')) : []
  const known = shipped.map((file) => basename(file, '.yaml')).sort()
  if (known.includes(nameOrPath)) return join(folder, `${nameOrPath}.yaml`)
  const { en, zh } = unknownWord([], { en: 'recipe', zh: '食谱' }, nameOrPath, known)
  throw new UserError(`${en} (or give the path of a .yaml file)`, `${zh}（也可以给出 .yaml 文件的路径）`)
}

/** For a path: which folder it is relative to, and whether it has to exist. */
type Locate = (path: readonly Key[]) => { from: string; mustExist: boolean }

function check(raw: unknown, registry: Registry, locate: Locate): { recipe: Recipe; problems: Problem[] } {
  const problems: Problem[] = []
  /** Parses a part of the recipe and resolves its files; problems are collected. */
  const part = (schema: z.ZodObject, value: Record<string, unknown>, path: Key[], more: string[] = []) => {
    const parsed = schema.strict().safeParse(value)
    if (!parsed.success) problems.push(...problemsOf(parsed.error.issues, schema, value, path, more))
    else {
      return mapDataFiles(schema, parsed.data as Record<string, unknown>, (file, at, exact) => {
        const found = resolveFile(file, [...path, ...at], locate, exact)
        if (typeof found !== 'string') problems.push(found)
        return typeof found === 'string' ? found : file
      })
    }
    return {}
  }

  const parsed = top.safeParse(raw ?? {})
  if (!parsed.success) problems.push(...problemsOf(parsed.error.issues, top, raw, []))
  const given = parsed.data ?? { ...emptyRecipe, ...shallow(raw) }
  const model = registry.model ? part(registry.model, given.model, ['model']) : given.model
  const stages: RecipeStage[] = []
  const names = stageNames(given.stages)
  given.stages.forEach((stage, index) => {
    const { kind, ...config } = stage
    delete config.name
    const path = ['stages', index]
    const kinds = Object.keys(registry.stages)
    if (typeof kind !== 'string') {
      return problems.push({
        path,
        en: `has no kind; one of ${kinds.join(', ')}`,
        zh: `没有写 kind，应为以下之一：${kinds.join('、')}`,
      })
    }
    const schema = Object.hasOwn(registry.stages, kind) ? registry.stages[kind] : undefined
    if (!schema) return problems.push(unknownWord([...path, 'kind'], { en: 'stage', zh: '阶段' }, kind, kinds))
    const checked = name.safeParse(names[index])
    if (!checked.success) problems.push(...problemsOf(checked.error.issues, name, names[index], [...path, 'name']))
    else if (stages.some((other) => other.name === checked.data)) {
      problems.push({
        path: [...path, 'name'],
        en: `a second stage "${checked.data}"`,
        zh: `阶段名 "${checked.data}" 重复了`,
      })
    }
    return stages.push({ kind, name: checked.data ?? kind, config: part(schema, config, path, ['kind', 'name']) })
  })
  return { recipe: { ...given, model, stages }, problems }
}

const emptyRecipe = { name: '', language: 'en' as const, seed: 1, model: {}, stages: [] }

/** Of a recipe whose top is wrong, the parts that can still be looked at, so that all problems come at once. */
function shallow(raw: unknown): { stages?: Record<string, unknown>[] } {
  const found = z.object({ stages: top.shape.stages, model: top.shape.model }).safeParse(raw)
  return found.data ?? {}
}

/** The absolute path, or what is wrong with it. */
function resolveFile(file: string, path: Key[], locate: Locate, exact: boolean): string | Problem {
  const unset: string[] = []
  const expanded = file.replaceAll(
    /\$\{(\w+)\}/g,
    (_, variable: string) => process.env[variable] ?? (unset.push(variable), ''),
  )
  const { from, mustExist } = locate(path)
  if (unset.length > 0) {
    const which = unset.join(', ')
    return {
      path,
      en: `the environment variable ${which} in "${file}" is not set`,
      zh: `"${file}" 里的环境变量 ${which} 没有设置`,
    }
  }
  const absolute = isAbsolute(expanded) ? expanded : resolve(from, expanded)
  if (!mustExist || !exact || existsSync(absolute)) return absolute
  const folder = dirname(absolute)
  const near = existsSync(folder) ? nearest(basename(absolute), readdirSync(folder)) : undefined
  const meant = near && relative(from, join(folder, near))
  return {
    path,
    en: `there is no file or folder ${absolute}${meant ? `; did you mean ${meant}?` : ''}`,
    zh: `没有这个文件或文件夹：${absolute}${meant ? `；是不是 ${meant}？` : ''}`,
  }
}

const overrideAt = (overrides: readonly Override[], path: readonly Key[]) =>
  overrides.findLast((override) => override.path.every((key, depth) => key === path[depth]))

/** `recipe.yaml:12`, or the `--set` that brought it. */
function placeOf(
  file: string,
  document: Document,
  lines: LineCounter,
  overrides: readonly Override[],
  path: readonly Key[],
): string {
  const override = overrideAt(overrides, path)
  if (override) return `--set ${override.typed}`
  let node: unknown = document.contents
  let offset: number | undefined
  for (const key of path) {
    if (!isCollection(node)) break
    const pair = isMap(node) ? node.items.find((item) => String(item.key) === String(key)) : undefined
    const next = pair ? pair.key : node.get(key, true)
    offset = (next as { range?: [number, ...number[]] } | undefined)?.range?.[0] ?? offset
    node = node.get(key, true)
  }
  return offset === undefined ? file : `${file}:${lines.linePos(offset).line}`
}
