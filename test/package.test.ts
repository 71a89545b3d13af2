/**
 * The published package as a stranger meets it: packed, installed into an empty folder, run there. Node does not strip types under
 * node_modules, so nothing of src/ may be needed.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const { version, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string
  exports: Record<string, unknown>
}
const folder = mkdtempSync(join(tmpdir(), 'xueba package '))
const installed = join(folder, 'node_modules', 'xueba')

/** Runs a command in the empty folder as a user would, with this Node first on the PATH; a failure shows what it printed. */
function run(command: string, args: string[], cwd = folder): string {
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}`, NODE_ENV: 'production' }
  return execFileSync(command, args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

beforeAll(() => {
  run('npm', ['pack', '--pack-destination', folder, '--loglevel=error'], root)
  writeFileSync(join(folder, 'package.json'), '{ "name": "stranger", "private": true, "type": "module" }')
  const tarball = join(folder, `xueba-${version}.tgz`)
  run('npm', ['install', tarball, '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'])
}, 300_000)

afterAll(() => rmSync(folder, { recursive: true }))

it('ships JavaScript and no TypeScript sources', () => {
  const files = readdirSync(installed, { recursive: true, encoding: 'utf8' })
  expect(files.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))).toEqual([])
  expect(files.filter((file) => /\.test\./.test(file))).toEqual([])
  expect(files).toContain(join('kernels', 'xueba.h'))
  if (!existsSync(join(root, 'studio'))) return
  expect(files).toContain(join('dist', 'studio', 'index.html'))
  expect(files).toContain(join('dist', 'studio', 'recordings', 'quickstart-zh.jsonl.gz'))
})

it('runs its command', () => {
  expect(run('npx', ['--no-install', 'xueba', '--version']).trim()).toBe(version)
})

it('computes on WebAssembly where there is no C compiler', () => {
  const program = `process.env.CC = '/nowhere/cc'
    const { openEngine } = await import(${JSON.stringify(join(installed, 'dist/tensor/open.node.js'))})
    const { sum } = await import('xueba/tensor')
    const engine = await openEngine({ threads: 2 })
    console.log(engine.backend.name, await sum(engine.tensor([1, 2, 3])).item())`
  expect(run(process.execPath, ['--input-type=module', '-e', program])).toBe('wasm 6\n')
})

it.each(Object.keys(exports).filter((path) => path !== './package.json'))('exports %s', (path) => {
  const name = `xueba${path.slice(1)}`
  const program = `const names = Object.keys(await import('${name}')); if (!names.length) throw new Error('${name} exports nothing'); console.log(names.length)`
  expect(Number(run(process.execPath, ['--input-type=module', '-e', program]))).toBeGreaterThan(0)
})
