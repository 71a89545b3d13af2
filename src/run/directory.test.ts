import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { createRun, latestStage, listRuns, readRun, runFiles, stageFolder } from './directory.ts'
import { finishStage } from './finish.test-helper.ts'
import type { Recipe } from './recipe.ts'

const folder = mkdtempSync(join(tmpdir(), 'xueba-runs-'))
afterAll(() => rmSync(folder, { recursive: true }))

const stages = ['corpus', 'pretrain', 'sft', 'rl'].map((kind) => ({ kind, name: kind, config: {} }))
const recipe: Recipe = { name: 'tiny', language: 'zh', seed: 1, model: {}, stages }

async function finish(run: string, index: number, text = 'a') {
  const { kind, name } = stages[index]!
  const at = join(run, stageFolder(index, name))
  mkdirSync(at, { recursive: true })
  writeFileSync(join(at, 'product'), text)
  await finishStage(run, index, { kind, name, config: {}, seconds: 1, metrics: {} })
}

it('reads the stages of a run and finds the latest model', async () => {
  const run = join(folder, 'a')
  await createRun(run, recipe)
  for (const index of [0, 1, 2]) await finish(run, index)
  mkdirSync(join(run, '04-rl')) // begun, not done
  const found = await readRun(run)
  expect(found).toMatchObject({ folder: run, name: 'tiny', language: 'zh' })
  expect(found.stages.map(({ name, manifest }) => [name, manifest !== undefined])).toEqual([
    ['corpus', true],
    ['pretrain', true],
    ['sft', true],
    ['rl', false],
  ])
  expect(latestStage(found, 'pretrain', 'sft', 'rl')!.folder).toBe(join(run, '03-sft'))
  expect(latestStage(found, 'rl')).toBeUndefined()
})

it('a stage made from what an earlier one no longer holds is not done', async () => {
  const run = join(folder, 'stale')
  await createRun(run, recipe)
  for (const index of [0, 1, 2, 3]) await finish(run, index)
  await finish(run, 1, 'another base model')
  const found = await readRun(run)
  expect(found.stages.map(({ manifest }) => manifest !== undefined)).toEqual([true, true, false, false])
  expect(latestStage(found, 'pretrain', 'sft', 'rl')!.name).toBe('pretrain')
})

it('says what is no run, and what is a damaged one', async () => {
  await expect(readRun(join(folder, 'none'))).rejects.toThrow('is not a run')
  mkdirSync(join(folder, 'broken'))
  writeFileSync(runFiles(join(folder, 'broken')).recipe, 'name: [')
  await expect(readRun(join(folder, 'broken'))).rejects.toThrow('is damaged')
})

it('lists runs, the most recent first', async () => {
  const runs = join(folder, 'runs')
  for (const [name, time] of [
    ['old', 1000],
    ['new', 3000],
    ['middle', 2000],
  ] as const) {
    await createRun(join(runs, name), recipe)
    writeFileSync(runFiles(join(runs, name)).events, '')
    utimesSync(runFiles(join(runs, name)).events, time, time)
  }
  mkdirSync(join(runs, 'no-run'))
  expect(await listRuns(runs)).toEqual(['new', 'middle', 'old'].map((name) => join(runs, name)))
  expect(await listRuns(join(folder, 'nowhere'))).toEqual([])
})
