/** From a recipe to a run directory that can be trained: everything checked, every derived number written out. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { checkRecipe, createRun, isRun, lockedBy, readRecipe, readRun, runFiles, UserError } from '../run/index.ts'
import { deriveRecipe, isDerivedFrom, isTimed } from './derive.ts'
import { registry } from './index.ts'
import { checkOrder } from './order.ts'

export interface PrepareOptions {
  depth?: number
  minutes?: number
  seed?: number
  /** `a.b=value`, later ones win. */
  set?: string[]
  /** The run directory; default: below runs/, by the recipe's name. */
  out?: string
  lang?: 'zh' | 'en'
  /** Told before the machine is measured, which takes a moment. */
  onMeasure?(): void
  /** Told how many minutes the timed stages will take, where this machine needs more than the recipe gives them. */
  onSlow?(minutes: number): void
}

/** `source` is a recipe's file, or a recipe as an object. Nothing is written if anything is wrong. Throws a RecipeError or a UserError. */
export async function prepareRun(source: string | object, options: PrepareOptions = {}): Promise<string> {
  const { depth, seed, set = [] } = options
  const overrides = [
    ...(depth === undefined ? [] : [`model.depth=${depth}`]),
    ...(seed === undefined ? [] : [`seed=${seed}`]),
    ...(options.lang ? [`language=${options.lang}`] : []),
    ...set,
  ]
  const recipe =
    typeof source === 'string'
      ? await readRecipe(source, registry, { set: overrides })
      : checkRecipe(source, registry, { set: overrides })
  checkOrder(recipe)
  const folder = resolve(options.out ?? join('runs', recipe.name))
  refuseBusy(folder)
  const known = isRun(folder) ? await readRun(folder) : undefined
  if (known && known.name !== recipe.name && !options.out)
    throw new UserError(
      `${folder} holds a run of "${known.name}"; choose another --out`,
      `${folder} 里是“${known.name}”的运行；请用 --out 另选一个目录`,
    )
  // A run of this very recipe goes on with the steps it has: another measurement would begin it anew.
  if (known && options.minutes === undefined) {
    const written = await readRecipe(runFiles(folder).recipe, registry, { checkFiles: false }).catch(() => undefined)
    if (written && isDerivedFrom(written, recipe)) return folder
  }
  if (isTimed(recipe, options)) options.onMeasure?.()
  const derived = await deriveRecipe(recipe, options)
  refuseBusy(folder) // the measurement took a while
  await createRun(folder, derived)
  return folder
}

function refuseBusy(folder: string): void {
  const owner = existsSync(folder) ? lockedBy(runFiles(folder).lock) : undefined
  if (owner === undefined) return
  throw new UserError(
    `a trainer (pid ${owner}) is at work in ${folder}`,
    `${folder} 里已有一个训练进程（pid ${owner}）在工作`,
  )
}
