#!/usr/bin/env node
/**
 * The launcher: the only plain-JavaScript file, in the syntax of Node 20. It brings a fresh clone to the point where TypeScript runs
 * (Node 24 strips types), then gets out of the way:
 *
 *   1. `npm ci --include=dev` when what is installed is not what package-lock.json says (production mode and ignored scripts included);
 *   2. builds what is stale (the WebAssembly kernels; the studio's page, where somebody will look at it);
 *   3. finds a Node ≥ 24 (itself, or the one that the npm package `node` carries) and runs the verb there.
 *
 * In an installed package there is no src/: nothing is installed or built, and dist/ runs. It knows two verbs of its own, `test` and
 * `build`, only in a clone; every other verb belongs to src/cli/main.ts.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, delimiter, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const NEEDED = 24
const root = dirname(fileURLToPath(import.meta.url))
const inClone = existsSync(join(root, 'src/cli/main.ts')) && !root.split(/[\\/]/).includes('node_modules')
const flag = process.argv.findIndex((a) => a === '--lang')
const wanted = flag > 0 ? process.argv[flag + 1] : process.argv.find((a) => a.startsWith('--lang='))?.slice(7)
const { XUEBA_LANG, LC_ALL, LC_MESSAGES, LANG } = process.env
const zh = /^zh/i.test(wanted || XUEBA_LANG || LC_ALL || LC_MESSAGES || LANG || '')

/** Says it in the reader's language and leaves with exit code 1. */
function fail(english, chinese) {
  console.error(`xueba: ${zh ? chinese : english}`)
  process.exit(1)
}

function say(english, chinese) {
  console.error(`xueba: ${zh ? chinese : english}`)
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

/** npm's own record of what it installed in a folder against its package-lock.json: every package that is not optional, at its version. */
function isInstalled(folder) {
  const wanted = readJson(join(folder, 'package-lock.json'))
  const present = readJson(join(folder, 'node_modules/.package-lock.json'))
  if (!wanted)
    fail(
      'package-lock.json is missing or not JSON; restore it with git.',
      'package-lock.json 缺失或已损坏，请用 git 恢复。',
    )
  if (!present) return false
  return Object.entries(wanted.packages).every(
    ([path, { version, optional }]) => path === '' || optional || present.packages[path]?.version === version,
  )
}

/** The npm that called us, else the one on the PATH. */
function npm(folder, args) {
  const caller = process.env.npm_execpath
  const options = { cwd: folder, stdio: ['ignore', 2, 2] }
  if (caller && basename(caller) === 'npm-cli.js') return spawnSync(process.execPath, [caller, ...args], options)
  return spawnSync('npm', args, { ...options, shell: process.platform === 'win32' })
}

function install(folder) {
  say('installing dependencies (npm ci) …', '正在安装依赖（npm ci）……')
  const { status, error } = npm(folder, ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'])
  if (status !== 0) {
    const why = error ? ` (${error.message})` : ''
    fail(
      `npm ci failed${why}; is the npm registry reachable? Mend that and run the same command again.`,
      `npm ci 没有成功${why}。请检查能否连上 npm 源，然后重新运行同一条命令。`,
    )
  }
}

function majorOf(node) {
  const { stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' })
  return Number(/^v(\d+)/.exec(stdout ?? '')?.[1] ?? 0)
}

/** The Node that the npm package `node` carries, in this folder's node_modules or in one above (where xueba is a dependency). */
function carriedNode() {
  const file = process.platform === 'win32' ? 'node/bin/node.exe' : 'node/bin/node'
  for (let at = root; ; at = dirname(at)) {
    const node = join(at, 'node_modules', file)
    if (existsSync(node) && majorOf(node) >= NEEDED) return node
    if (at === dirname(at)) return undefined
  }
}

/** A Node ≥ 24. Where npm was told to ignore install scripts, the package `node` lacks its executable: its own installer fetches it. */
function findNode() {
  if (Number(process.versions.node.split('.')[0]) >= NEEDED) return process.execPath
  const carried = carriedNode()
  if (carried) return carried
  const folder = join(root, 'node_modules/node')
  if (inClone && existsSync(join(folder, 'installArchSpecificPackage.js'))) {
    say(`fetching Node ${NEEDED} …`, `正在获取 Node ${NEEDED}……`)
    spawnSync(process.execPath, ['installArchSpecificPackage.js'], { cwd: folder, stdio: ['ignore', 2, 2] })
    const fetched = carriedNode()
    if (fetched) return fetched
  }
  return fail(
    `Node ${NEEDED} or newer is needed, this is ${process.version}, and none could be installed here. Get it from https://nodejs.org, or run: npm install node@${NEEDED}`,
    `需要 Node ${NEEDED} 或更新的版本，当前是 ${process.version}，自动安装也没有成功。请从 https://nodejs.org 安装，或运行：npm install node@${NEEDED}`,
  )
}

/** The time of the newest file at or under a path, in ms; 0 when there is none. */
function newest(path) {
  if (!existsSync(path)) return 0
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))))
}

/** Where a C compiler works, the native kernels run, and nobody should wait for the others. */
function mayNeedWebAssembly(verb) {
  if (['test', 'build', 'doctor'].includes(verb) || process.env.XUEBA_CPU === 'wasm') return true
  const tried = { input: '#include <pthread.h>\n', stdio: ['pipe', 'ignore', 'ignore'] } // a compiler may lack its headers
  return spawnSync(process.env.CC || 'cc', ['-x', 'c', '-fsyntax-only', '-'], tried).status !== 0
}

/** The prebuilt kernels for browsers and for machines without a C compiler; `scripts/kernels.ts` makes them from kernels/. */
function buildKernels(node) {
  const script = join(root, 'scripts/kernels.ts')
  const output = join(root, 'dist/kernels.wasm')
  if (!existsSync(script) || newest(output) >= Math.max(newest(join(root, 'kernels')), newest(script))) return
  say('building the WebAssembly kernels …', '正在编译 WebAssembly 内核……')
  const { status } = spawnSync(node, [script], { cwd: root, stdio: ['ignore', 2, 2] })
  if (status !== 0) fail('the WebAssembly kernels did not build; see above.', 'WebAssembly 内核编译失败，原因见上。')
}

/** What the studio's page is made of: its own folder, and what it shares with the core. */
const PAGE = ['studio/src', 'studio/public', 'studio/index.html', 'studio/vite.config.ts', 'studio/package-lock.json']
const SHARED = ['src/tensor', 'src/lessons', 'src/tokenizer', 'src/server/studio', 'src/nn/schedule.ts']

/** The studio's page, by its own tools; it carries the WebAssembly kernels. Without the folder studio/ there is no studio, and all else works. */
function buildStudio(node) {
  const studio = join(root, 'studio')
  const page = join(root, 'dist/studio/index.html')
  if (!existsSync(join(studio, 'package.json'))) return
  if (newest(page) >= Math.max(...[...PAGE, ...SHARED].map((path) => newest(join(root, path))))) return
  if (!isInstalled(studio)) install(studio)
  buildKernels(node)
  say('building the studio …', '正在构建工作室……')
  const vite = join(studio, 'node_modules/vite/bin/vite.js')
  const { status } = spawnSync(node, [vite, 'build', '--logLevel', 'warn'], { cwd: studio, stdio: ['ignore', 2, 2] })
  if (status !== 0) fail('the studio did not build; see above.', '工作室构建失败，原因见上。')
}

/** Runs a file on another Node: signals go through, and its end is our end. */
function hand(node, file, args) {
  const child = spawn(node, [file, ...args], { stdio: 'inherit' })
  // A terminal sends Ctrl-C to the whole group: the child has it already, and a second one may mean "at once".
  const hasTerminal = [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY)
  process.on('SIGINT', () => hasTerminal || child.kill('SIGINT'))
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => fail(`${node} did not start: ${error.message}`, `${node} 启动失败：${error.message}`))
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

const args = process.argv.slice(2)
if (inClone && !isInstalled(root)) install(root)
const node = findNode()
let file = join(root, inClone ? 'src/cli/main.ts' : 'dist/cli/main.js')
if (inClone) {
  // Tools started below (npm, vitest) find the same Node first.
  process.env.PATH = [dirname(node), join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter)
  if (mayNeedWebAssembly(args[0])) buildKernels(node)
  if (['start', 'studio', 'test', 'build'].includes(args[0])) buildStudio(node)
  const own = { test: 'scripts/check.ts', build: 'scripts/build.ts', study: 'scripts/study.ts' }[args[0]]
  if (own) {
    file = join(root, own)
    args.shift()
  }
}
if (node === process.execPath) {
  process.argv = [node, file, ...args]
  await import(pathToFileURL(file).href)
} else {
  hand(node, file, args)
}
