/**
 * Builds dist/, what the npm package runs: Node strips types everywhere except under node_modules. The compiler writes JavaScript and
 * declarations, data files are copied as they are. `new URL('./worker.ts', import.meta.url)`, which the compiler leaves alone (unlike
 * imports), becomes `.js` here. Files lying directly in dist/ (the WebAssembly kernels) and the studio's
 * page in dist/studio/ are left alone: the launcher builds them.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const src = join(root, 'src')
const dist = join(root, 'dist')
const SIBLING = /(\bnew URL\(\s*'\.[^']*)\.ts('\s*,\s*import\.meta\.url)/g

for (const entry of existsSync(dist) ? readdirSync(dist, { withFileTypes: true }) : []) {
  if (entry.isDirectory() && entry.name !== 'studio') rmSync(join(dist, entry.name), { recursive: true })
}
const compiler = [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'tsconfig.build.json')]
const { status } = spawnSync(process.execPath, compiler, { stdio: ['ignore', 2, 2] })
if (status !== 0) process.exit(status ?? 1)
for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
  if (!file.endsWith('.js') || /^studio[\\/]/.test(file)) continue
  const path = join(dist, file)
  writeFileSync(path, readFileSync(path, 'utf8').replaceAll(SIBLING, '$1.js$2'))
}
for (const file of readdirSync(src, { recursive: true, withFileTypes: true })) {
  if (!file.isFile() || file.name.endsWith('.ts')) continue
  const from = join(file.parentPath, file.name)
  cpSync(from, join(dist, from.slice(src.length)))
}
