/** The run that a command means: a folder, or the name of one below runs/. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { isRun, UserError } from '../run/index.ts'

/** Throws a UserError when it is no run. */
export function findRun(target: string): string {
  const folder = existsSync(resolve(target)) ? resolve(target) : resolve('runs', target)
  if (isRun(folder)) return folder
  throw existsSync(folder)
    ? new UserError(`${target} is not a run: it has no recipe.yaml`, `${target} 不是运行目录：里面没有 recipe.yaml`)
    : new UserError(`there is no run ${target}`, `没有这个运行：${target}`)
}
