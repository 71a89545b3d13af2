/**
 * Every command of the tour, in both languages, run as it stands there, in a folder of its own. Only what takes minutes is shortened:
 * `npm start` and the recipe `rlhf` become small runs under the same names, and lessons ask less often.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'xueba-tour-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const main = `'${process.execPath}' '${join(root, 'src/cli/main.ts')}'`
const small =
  '--set stages.pretrain.steps=120 --set stages.sft.steps=40 --set stages.rl.steps=3 --set stages.eval.problems=10'

const pins = { pretrain: 60, sft: 20, 'reward-model': 6, rl: 2, ppo: 2, dpo: 2 }
const taste = `${Object.entries(pins)
  .map(([stage, steps]) => `--set stages.${stage}.steps=${steps}`)
  .join(
    ' ',
  )} --set 'stages.corpus.sources=[{"world":"web","rounds":2}]' --set stages.rl.evaluateProblems=4 --set stages.ppo.evaluateProblems=4 --set stages.best-of-n.problems=4 --set stages.eval.problems=4 --set stages.eval.questions=4`

/** The lines of all `sh` blocks. */
function commandsOf(file: string): string[] {
  const text = readFileSync(join(root, 'docs', file), 'utf8')
  return [...text.matchAll(/```sh\n([^`]+)```/g)].flatMap(([, block]) => block!.trim().split('\n'))
}

function shortened(command: string, language: string): string {
  return command
    .replace(/^npm start -- --lang (\w+)$/, `node xueba.mjs run tiny --lang $1 --out runs/quickstart-$1 ${small}`)
    .replace(/run rlhf/, `run rlhf --out runs/rlhf ${taste}`)
    .replace(/lesson randomness/, 'lesson randomness --times 20')
    .replace(/^node xueba\.mjs/, `XUEBA_LANG=${language} ${main}`)
}

describe.each([
  ['en', 'tour.md'],
  ['zh', 'tour.zh-CN.md'],
])('the tour in %s', (language, file) => {
  const commands = commandsOf(file)

  it('has the commands of the other language', () => {
    const shape = (list: string[]) =>
      list.map((command) => command.replace(/"[^"]*"/, '""').replaceAll(/\b(zh|en)\b/g, ''))
    expect(commands.length).toBeGreaterThan(10)
    expect(shape(commands)).toEqual(shape(commandsOf(file === 'tour.md' ? 'tour.zh-CN.md' : 'tour.md')))
  })

  // In order: each needs what the ones before it made.
  it.each(commands)('%s', { timeout: 120_000 }, async (command) => {
    const run = promisify(execFile)('sh', ['-c', `${shortened(command, language)} </dev/null`], {
      cwd: folder,
      maxBuffer: 1 << 26,
    })
    const { stdout, stderr } = await run
    expect(stderr.replace(/^xueba: no native backend.*\n/gm, '')).toBe('') // where there is no C compiler
    expect(stdout.trim()).not.toBe('')
  })
})
