/** `xueba corpus build` as a person runs it: killed and gone on with, shared out among ranks, looked into. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'

const launcher = join(import.meta.dirname, '..', 'src', 'cli', 'main.ts')
let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'xueba-corpus-build-'))
  for (let file = 0; file < 8; file++) {
    const rows = Array.from({ length: 120 }, (_, i) => JSON.stringify({ text: text(120 * file + i) }))
    writeFileSync(join(folder, `in-${file}.jsonl`), rows.join('\n'))
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Every tenth document is the one before with another end. */
function text(i: number): string {
  const n = i % 10 === 9 ? i - 1 : i
  const lines = Array.from(
    { length: 20 },
    (_, k) =>
      `The boat with number ${n * 31 + k * 7} went down the river on day ${(n * k) % 365}, and it was ${n + k} miles from home.`,
  )
  return [...lines, `That is the end of story ${i}.`].join('\n')
}
const inputs = () => Array.from({ length: 8 }, (_, i) => join(folder, `in-${i}.jsonl`))
const web = [
  '--set',
  'stages.corpus.filters.gopherRepetition=false',
  '--set',
  'stages.corpus.filters.words=spaces', // many numbers, few long words
  ...Array.from({ length: 8 }, (_, i) => i).flatMap((i) => ['--set', `stages.corpus.sources.${i}.filters=web`]),
]
const args = (out: string, ...more: string[]) => [
  launcher,
  'corpus',
  'build',
  ...inputs(),
  '--out',
  join(folder, out),
  ...web,
  ...more,
]
const env = { ...process.env, XUEBA_LANG: 'en' }
const run = (words: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', env })
  return { status, stdout, stderr }
}
const files = (out: string) =>
  (JSON.parse(readFileSync(join(folder, out, 'manifest.json'), 'utf8')) as { files: Record<string, string> }).files

it('is the same after kill -9; a second time there is nothing to do; the funnel says where all went', async () => {
  const whole = run(args('whole', '--workers', '2', '--json'))
  expect(whole).toMatchObject({ status: 0, stderr: '' })
  const report = JSON.parse(whole.stdout.trim().split('\n').at(-1)!) as {
    funnel: { step: string; documents: number }[]
  }
  expect(report.funnel.at(-1)!.documents).toBeLessThan(report.funnel.at(-2)!.documents)

  const child = spawn(process.execPath, args('killed', '--workers', '1'), { env, stdio: 'ignore' })
  await partsThere(child, 3)
  expect(child.kill('SIGKILL')).toBe(true)
  await new Promise((resolve) => child.once('exit', resolve))
  expect(existsSync(join(folder, 'killed', 'documents.jsonl'))).toBe(false)
  expect(run(args('killed', '--workers', '1')).status).toBe(0)
  expect(files('killed')).toEqual(files('whole'))
  expect(readdirSync(join(folder, 'killed')).filter((name) => name.startsWith('.'))).toEqual([])
  expect(run(args('killed')).stdout).toContain('already built')

  const funnel = (...words: string[]) => run([launcher, 'corpus', 'funnel', join(folder, 'whole'), ...words])
  expect(funnel('--lang', 'zh').stdout).toMatch(/没有近似的 +9\d /)
  expect(funnel('--samples', 'near-duplicate', '--count', '2').stdout).toMatch(
    /of 14 bands in common with the cluster of in-\d/,
  )
  const pair = JSON.parse(funnel('--pairs', '--count', '1', '--json').stdout) as {
    jaccard: number
    dropped: { shared: [number, number][] }
  }
  expect(pair.jaccard).toBeGreaterThan(0.9)
  expect(pair.dropped.shared.length).toBeGreaterThan(0)
}, 120_000)

it('says what is wrong', () => {
  expect(run(args('a', '--rank', '2', '--of', '2'))).toMatchObject({ status: 2 })
  expect(run([launcher, 'corpus', 'build', ...inputs()])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('--out'),
  })
  expect(run([launcher, 'corpus', 'funnel', folder])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('funnel.json'),
  })
  const shares = run(args('b', '--set', 'stages.corpus.sources.0.share=1'))
  expect(shares).toMatchObject({ status: 1, stderr: expect.stringContaining('share') })
})

async function partsThere(child: ChildProcess, count: number): Promise<void> {
  const parts = join(folder, 'killed', '.parts')
  while (child.exitCode === null) {
    const there = existsSync(parts) ? readdirSync(parts).filter((name) => name.endsWith('.json')) : []
    if (there.length >= count) return
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
