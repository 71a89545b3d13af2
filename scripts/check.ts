/**
 * `npm test`: every guard rail in one go, a line each with its time, and `N passed, N failed` as the last line (vitest's tests and the other
 * checks counted together). All of them run even when one fails; a failed one shows what its tool said.
 *
 * `npm test -- src/run -t torn` runs vitest alone with these filters.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { importProblems } from './imports.ts'

const root = join(import.meta.dirname, '..')
const MAX_LINES = 500
const COUNTED = /\.(c|h|ts|mjs|svelte|wgsl|cu)$/
const NOT_OURS = new Set(['node_modules', 'dist', 'runs', 'shots', '.git'])

interface Outcome {
  passed: number
  failed: number
  /** What the tool said, shown when something failed. */
  said?: string
  /** A remark behind the name. */
  note?: string
}

const outcome = (ok: boolean, said = ''): Outcome => ({ passed: ok ? 1 : 0, failed: ok ? 0 : 1, said })
const problems = (found: string[]) => outcome(found.length === 0, found.join('\n'))

/** Runs a JavaScript tool of a folder's node_modules on this Node. */
function tool(file: string, args: string[], show: boolean, folder = root): Promise<{ code: number; said: string }> {
  const child = spawn(process.execPath, [join(folder, 'node_modules', file), ...args], {
    cwd: folder,
    stdio: ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'],
  })
  let said = ''
  child.stdout?.on('data', (chunk) => (said += chunk))
  child.stderr?.on('data', (chunk) => (said += chunk))
  return new Promise((done, fail) => {
    child.on('error', fail)
    child.on('close', (code) => done({ code: code ?? 1, said }))
  })
}

async function quiet(file: string, args: string[], folder = root): Promise<Outcome> {
  const { code, said } = await tool(file, args, false, folder)
  return outcome(code === 0, said)
}

/** Source files over the budget. Data lives in data files, which are exempt. */
function tooLong(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : tooLong(path)
    if (!COUNTED.test(entry.name)) return []
    const lines = readFileSync(path, 'utf8').split('\n').length - 1
    return lines > MAX_LINES ? [`${path.slice(root.length + 1)}: ${lines} lines, ${MAX_LINES} allowed`] : []
  })
}

interface VitestReport {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  testResults: { status: string; assertionResults: unknown[] }[]
}

async function vitest(filters: string[]): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'xueba-check-'))
  try {
    const file = join(folder, 'report.json')
    const args = ['run', ...filters, '--reporter=default', '--reporter=json', `--outputFile.json=${file}`]
    const { code } = await tool('vitest/vitest.mjs', args, true)
    if (!existsSync(file)) return outcome(false, 'vitest left no report')
    const report = JSON.parse(readFileSync(file, 'utf8')) as VitestReport
    // A file that could not be loaded has no tests of its own: it counts as one failure. So does an error outside of any test.
    const unloaded = report.testResults.filter(
      (result) => result.status === 'failed' && result.assertionResults.length === 0,
    )
    const failed = report.numFailedTests + unloaded.length
    const note = report.numPendingTests > 0 ? `, ${report.numPendingTests} skipped` : ''
    return { passed: report.numPassedTests, failed: code === 0 ? failed : Math.max(1, failed), note }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The studio's own types, by its own TypeScript; the studio may be deleted. */
const studio = join(root, 'studio')
const studioTypes: [string, () => Promise<Outcome>] = [
  'types of the studio',
  () => quiet('svelte-check/bin/svelte-check', ['--fail-on-warnings', '--output', 'human'], studio),
]

const checks: [name: string, run: () => Promise<Outcome> | Outcome][] = [
  ['format', () => quiet('oxfmt/bin/oxfmt', ['--check'])],
  ['lint', () => quiet('oxlint/bin/oxlint', ['--deny-warnings'])],
  ['types', () => quiet('typescript/bin/tsc', ['-p', '.'])],
  ...(existsSync(studio) ? [studioTypes] : []),
  ['size of files', () => problems(tooLong(root))],
  ['imports', () => problems(importProblems(join(root, 'src')))],
]

const filters = process.argv.slice(2)
const chosen = filters.length > 0 ? [] : checks
let passed = 0
let failed = 0
for (const [name, run] of [...chosen, ['tests', () => vitest(filters)] as (typeof checks)[number]]) {
  const from = performance.now()
  const result = await run()
  passed += result.passed
  failed += result.failed
  if (result.failed > 0 && result.said) console.log(result.said.trimEnd())
  const seconds = ((performance.now() - from) / 1000).toFixed(1)
  console.log(`${result.failed > 0 ? 'FAIL' : 'ok  '}  ${name}  ${seconds} s${result.note ?? ''}`)
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
