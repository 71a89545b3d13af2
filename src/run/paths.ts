/** Where things lie: the package itself, in a clone as in an installed package. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The folder of xueba's package.json: `kernels/`, `recipes/` and `dist/kernels.wasm` are found from here. */
export function packageRoot(): string {
  // This file is src/run/paths.ts in a clone and dist/run/paths.js in the package: two folders up, either way.
  const root = join(import.meta.dirname, '..', '..')
  if (!existsSync(join(root, 'package.json'))) throw new Error(`xueba's package.json is not in ${root}`)
  return root
}

/** How a person calls xueba here: a clone has its launcher, a project that installed the package has npx. */
export function commandName(): string {
  return existsSync(join(packageRoot(), 'src')) ? 'node xueba.mjs' : 'npx xueba'
}

/** xueba's own version, from package.json. */
export function version(): string {
  return (JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string }).version
}
