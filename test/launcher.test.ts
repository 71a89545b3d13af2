/**
 * The launcher in made-up surroundings: an installed package, a clone whose npm is a script that records what it was asked for. Where the machine also
 * has a Node below 24, every case runs on that one too, and has to end up on this one.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

const launcher = join(import.meta.dirname, '..', 'xueba.mjs')
const base = mkdtempSync(join(tmpdir(), 'xueba launcher '))
afterAll(() => rmSync(base, { recursive: true }))
let count = 0

/** A folder with these files, the launcher, and this Node as the npm package `node` would carry it. */
function place(files: Record<string, string>, node = true): string {
  const root = join(base, String(count++))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  copyFileSync(launcher, join(root, 'xueba.mjs'))
  if (node) {
    mkdirSync(join(root, 'node_modules/node/bin'), { recursive: true })
    symlinkSync(process.execPath, join(root, 'node_modules/node/bin/node'))
  }
  return root
}

const major = (node: string) =>
  Number(/^v(\d+)/.exec(spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout)?.[1] ?? 0)
const onPath = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'node'))
const older = onPath.find((node) => existsSync(node) && major(node) >= 20 && major(node) < 24)
const nodes = older ? [process.execPath, older] : [process.execPath]

/** npm, if it is asked for, is the script that stands in the folder. */
function launch(node: string, root: string, args: string[], env: Record<string, string> = {}) {
  const options = {
    cwd: base,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, LANG: 'en_US.UTF-8', npm_execpath: join(root, 'npm-cli.js'), ...env },
  } as const
  return spawnSync(node, [join(root, 'xueba.mjs'), ...args], options)
}

const main = `
  if (process.argv[2] === 'wait') { process.on('SIGTERM', () => process.exit(7)); setInterval(() => {}, 1000) }
  console.log(JSON.stringify([Number(process.versions.node.split('.')[0]), process.argv.slice(2)]))
  process.exitCode = 3`
const installed = (version: string) => JSON.stringify({ packages: { 'node_modules/a': { version } } })

describe.each(nodes)('on %s', (node) => {
  it('runs an installed package on a Node that is new enough, and passes arguments and exit code on', () => {
    const { stdout, status } = launch(node, place({ 'dist/cli/main.js': main, 'package.json': '{"type":"module"}' }), [
      'chat',
      '你 好',
    ])
    expect(JSON.parse(stdout)).toEqual([major(process.execPath), ['chat', '你 好']])
    expect(status).toBe(3)
  })

  it('passes a signal on and ends as the program ends', async () => {
    const root = place({ 'dist/cli/main.js': main, 'package.json': '{"type":"module"}' })
    const child = spawn(node, [join(root, 'xueba.mjs'), 'wait'], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout, 'data')
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([7, null])
  })

  describe('in a clone', () => {
    const lock = {
      packages: {
        '': {},
        'node_modules/a': { version: '1.0.0' },
        'node_modules/b': { version: '1.0.0', optional: true },
      },
    }
    const clone = (present: Record<string, string>) =>
      place({
        'package.json': '{"type":"module"}',
        'package-lock.json': JSON.stringify(lock),
        'src/cli/main.ts': `const text: string = 'main'; console.log(text, ...process.argv.slice(2))`,
        'scripts/check.ts': `console.log('check', ...process.argv.slice(2))`,
        'npm-cli.js': `import { writeFileSync } from 'node:fs'
          writeFileSync('asked.txt', process.argv.slice(2).join(' '))
          if (process.env.FAIL) process.exit(1)
          writeFileSync('node_modules/.package-lock.json', ${JSON.stringify(installed('1.0.0'))})`,
        ...present,
      })

    it.each([
      ['nothing', {}],
      ['another version', { 'node_modules/.package-lock.json': installed('0.9.0') }],
    ])('installs when there is %s, development packages included, once', (_, present) => {
      const root = clone(present)
      expect(launch(node, root, ['run', 'tiny'], { NODE_ENV: 'production' }).stdout).toBe('main run tiny\n')
      expect(readFileSync(join(root, 'asked.txt'), 'utf8')).toContain('ci --include=dev')
      rmSync(join(root, 'asked.txt'))
      expect(launch(node, root, ['test', '-t', 'x']).stdout).toBe('check -t x\n')
      expect(existsSync(join(root, 'asked.txt'))).toBe(false)
    })

    it('says in the language of the reader that npm failed', () => {
      const { status, stderr, stdout } = launch(node, clone({}), ['start'], { FAIL: '1' })
      expect([status, stdout]).toEqual([1, ''])
      expect(stderr).toContain('npm ci failed')
      expect(launch(node, clone({}), ['start'], { FAIL: '1', LC_ALL: 'zh_CN.UTF-8' }).stderr).toContain(
        'npm ci 没有成功',
      )
    })

    it('builds the kernels when they are older than their sources', () => {
      const root = clone({
        'node_modules/.package-lock.json': installed('1.0.0'),
        'kernels/a.c': '',
        'scripts/kernels.ts': `import { mkdirSync, writeFileSync } from 'node:fs'
          mkdirSync('dist', { recursive: true }); writeFileSync('dist/kernels.wasm', ''); writeFileSync('built', '')`,
      })
      launch(node, root, ['doctor'])
      expect(existsSync(join(root, 'built'))).toBe(true)
      rmSync(join(root, 'built'))
      launch(node, root, ['doctor'])
      expect(existsSync(join(root, 'built'))).toBe(false)
    })
  })
})

it.skipIf(!older)('says what to do where no Node is new enough', () => {
  const root = place({ 'dist/cli/main.js': main, 'package.json': '{"type":"module"}' }, false)
  const { stderr, status } = launch(older!, root, ['chat'])
  expect(status).toBe(1)
  expect(stderr).toMatch(/Node 24 or newer is needed.*npm install node@24/)
})
