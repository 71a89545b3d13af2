/** The corpus that a command names: the corpus stage of a recipe, or files and folders under the usual options. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { z } from 'zod'
import { findRecipe, readRecipe, RecipeError, UserError } from '../../run/index.ts'
import { applyOverrides } from '../../run/overrides.ts'
import { problemsOf } from '../../run/problems.ts'
import type { Recipe } from '../../run/index.ts'
import { corpus } from '../../stages/corpus.ts'
import type { CorpusStageConfig } from '../../stages/corpus.ts'
import { registry } from '../../stages/index.ts'
import { UsageError } from '../flags.ts'
import { language, say } from '../language.ts'

export interface CorpusRecipe {
  config: CorpusStageConfig
  seed: number
  language: 'zh' | 'en'
  /** Undefined for files and folders. */
  recipe?: Recipe
}

/** `set`: as for `xueba run`, `stages.corpus.heldOut=0.1`. */
export async function readCorpusRecipe(
  operands: readonly string[],
  {
    set = [],
    seed,
    lang,
  }: { set?: readonly string[] | undefined; seed?: number | undefined; lang?: 'zh' | 'en' | undefined },
): Promise<CorpusRecipe> {
  const [name] = operands
  if (name === undefined)
    throw new UsageError(
      say({ en: 'name a recipe, or files and folders to read', zh: '请给出食谱，或要读的文件和文件夹' }),
    )
  if (operands.length > 1 || !isRecipe(name)) return fromPaths(operands, set, seed ?? 1, lang ?? language())
  const overrides = [
    ...(seed === undefined ? [] : [`seed=${seed}`]),
    ...(lang === undefined ? [] : [`language=${lang}`]),
    ...set,
  ]
  const recipe = await readRecipe(findRecipe(name), registry, { set: overrides })
  const stage = recipe.stages.find(({ kind }) => kind === 'corpus')
  if (!stage) throw new UserError(`${name} has no corpus stage`, `${name} 里没有 corpus（语料）阶段`)
  return { config: stage.config as CorpusStageConfig, seed: recipe.seed, language: recipe.language, recipe }
}

/** A .yaml file, or a name that is no file. */
const isRecipe = (name: string): boolean => /\.ya?ml$/.test(name) || (/^[\w-]+$/.test(name) && !existsSync(name))

function fromPaths(paths: readonly string[], set: readonly string[], seed: number, lang: 'zh' | 'en'): CorpusRecipe {
  const sources = paths.map((path) => ({ path: existsSync(path) ? resolve(path) : path }))
  const raw = { stages: [{ kind: 'corpus', sources } as Record<string, unknown>] }
  applyOverrides(raw, set)
  const { kind: _kind, ...stage } = raw.stages[0]!
  const parsed = (corpus.config as z.ZodObject).strict().safeParse(stage)
  if (parsed.success) return { config: parsed.data as CorpusStageConfig, seed, language: lang }
  const problems = problemsOf(parsed.error.issues, corpus.config, stage, ['stages', 0], ['kind', 'name'])
  throw new RecipeError(problems, () => '--set')
}
