/** Ranking by hand, as a person at a terminal does it: orders, ties, undo, and going on where one stopped. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readOpinions } from '../stages/preferences.ts'
import { anyEngine, tinyModel, writeModelFolder } from '../stages/tiny.test-helper.ts'

const home = mkdtempSync(join(tmpdir(), 'xueba-rank-'))
const model = join(home, 'model')
const prompts = join(home, 'prompts.txt')
beforeAll(async () => {
  const engine = await anyEngine()
  await writeModelFolder(model, tinyModel(engine))
  await engine.close()
  writeFileSync(prompts, 'Say one\n\nSay two\n')
})
afterAll(() => rmSync(home, { recursive: true }))

function rank(input: string, ...args: string[]) {
  const main = join(import.meta.dirname, 'main.ts')
  return spawnSync(
    process.execPath,
    [main, 'rank', model, '--out', home, '--max-tokens', '8', '--lang', 'en', ...args],
    {
      input,
      encoding: 'utf8',
    },
  )
}

const lines = (file: string) => readFileSync(join(home, file), 'utf8').split('\n').slice(0, -1)

it('keeps every order, undoes one, goes on later, and gives pairs that a reward model can read', async () => {
  const first = rank('b a c\nnonsense\na=b c\nu\nx\nq\n', '--prompts', prompts)
  expect(first.status, first.stderr).toBe(0)
  expect(first.stdout).toContain('[1] Say one')
  expect(first.stdout).toMatch(/every draft once, please; missing: A B C; not there, or twice/)
  expect(lines('rankings.jsonl').map((line) => (JSON.parse(line) as { ranks: unknown }).ranks)).toEqual([
    [[1], [0], [2]],
    [],
  ])
  expect(lines('preferences.jsonl')).toHaveLength(3)

  const second = rank('c=b a', '--prompts', prompts) // ends with the input
  expect(second.stdout).toContain('[3] Say one')
  expect(lines('rankings.jsonl')).toHaveLength(3)
  const rejected: unknown[] = []
  const file = join(home, 'preferences.jsonl')
  const { opinions } = await readOpinions({ file }, { language: 'en', seed: 1 }, (defect) => rejected.push(defect))
  expect(opinions).toHaveLength(5)
  expect(rejected).toEqual([])
})

it('says what is missing', () => {
  expect(rank('').stderr).toMatch(/knows no town to write about: give it prompts/)
  writeFileSync(join(home, 'empty.txt'), '\n')
  expect(rank('', '--prompts', join(home, 'empty.txt')).stderr).toMatch(/empty\.txt holds no prompt/)
  writeFileSync(join(home, 'rankings.jsonl'), '{"prompt": "x"}\n')
  expect(rank('q', '--prompts', prompts).stderr).toMatch(/rankings\.jsonl, line 1 is no ranking/)
  expect(lines('rankings.jsonl')).toHaveLength(1) // and nothing is lost
})
