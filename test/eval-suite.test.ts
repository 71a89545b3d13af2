/** `xueba eval MODEL --suite` from the command line. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { anyEngine, tinyModel, writeModelFolder } from '../src/stages/tiny.test-helper.ts'
import { xueba } from './run.test-helper.ts'

const folder = mkdtempSync(join(tmpdir(), 'xueba-eval-'))
const [model, data, out] = [join(folder, 'model'), join(folder, 'pairs.jsonl'), join(folder, 'out')]
beforeAll(async () => {
  const engine = await anyEngine()
  await writeModelFolder(model, tinyModel(engine))
  await engine.close()
  const rows = ['cat', 'dog', 'hen'].map((a) => ({ sentence_good: `The ${a} sits.`, sentence_bad: `The ${a} sit.` }))
  writeFileSync(data, rows.map((row) => JSON.stringify(row)).join('\n'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('scores a model, keeps the answers, and says it in JSON', async () => {
  const { code, out: said } = await xueba(['eval', model, '--suite', `blimp=${data}`, '--out', out, '--json'])
  expect(code).toBe(0)
  const { suites } = JSON.parse(said)
  expect(suites[0]).toMatchObject({ suite: 'blimp', tasks: [{ task: 'pairs', questions: 3, chance: 0.5, shots: 0 }] })
  expect(JSON.parse(readFileSync(join(out, 'results.json'), 'utf8')).suites).toEqual(suites)
})

it('says what is wrong', async () => {
  const core = await xueba(['eval', model, '--suite', 'core'])
  expect([core.code, core.err]).toEqual([2, expect.stringMatching(/say where its files are: --suite core=FOLDER/)])
  const unknown = await xueba(['eval', model, '--suite', 'glue'])
  expect([unknown.code, unknown.err]).toEqual([2, expect.stringMatching(/core, blimp, mmlu/)])
  writeFileSync(join(folder, 'bad.jsonl'), '{"sentence_good": "a"}\n')
  const bad = await xueba(['eval', model, '--suite', `blimp=${join(folder, 'bad.jsonl')}`])
  expect([bad.code, bad.err]).toEqual([1, expect.stringMatching(/bad\.jsonl:1: sentence_bad/)])
})
