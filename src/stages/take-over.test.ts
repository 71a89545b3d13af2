/** Two runs in one folder that begin alike share what they begin with; anything that differs, or is damaged, is made anew. */
import { mkdtempSync, readFileSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { dropSuperseded, readEvents, readManifest, type RunEvent, runFiles } from '../run/index.ts'
import { gather } from './report/gather.ts'
import { prepareRun } from './prepare.ts'
import { runStages } from './runner.ts'
import { findMade } from './take-over.ts'

const root = mkdtempSync(join(tmpdir(), 'xueba-share-'))
afterAll(() => rmSync(root, { recursive: true }))

const text = join(root, 'text.jsonl')
const rows = Array.from({ length: 40 }, (_, i) => ({ text: `The cat number ${i} sat on the mat and slept.` }))
writeFileSync(text, rows.map((row) => `${JSON.stringify(row)}\n`).join(''))

async function run(name: string, { vocab = 270, share = true } = {}): Promise<string> {
  const recipe = {
    name,
    language: 'en',
    stages: [
      { kind: 'corpus', sources: [{ path: text }] },
      { kind: 'tokenizer', vocab },
    ],
  }
  const folder = await prepareRun(recipe, { out: join(root, 'runs', name) })
  await runStages(folder, { share })
  return folder
}

const done = (folder: string) =>
  dropSuperseded(readEvents(runFiles(folder).events).events).filter(
    (event): event is Extract<RunEvent, { type: 'stage-done' }> => event.type === 'stage-done',
  )
const inode = (folder: string) => statSync(join(folder, '02-tokenizer', 'tokenizer.json')).ino

it('makes a report of its own', async () => {
  expect(await findMade(join(root, 'runs', 'none'), { kind: 'report', config: {}, inputs: {} })).toBeUndefined()
  const runs = join(root, 'reports')
  const folders = []
  for (const name of ['one', 'two']) {
    const stages = [{ kind: 'corpus', sources: [{ path: text }] }, { kind: 'report' }]
    folders.push(await prepareRun({ name, language: 'en', stages }, { out: join(runs, name) }))
    await runStages(folders.at(-1)!, { share: true })
  }
  expect(done(folders[1]!).map(({ takenFrom }) => takenFrom)).toEqual(['reports/one', undefined])
  expect(readFileSync(join(folders[1]!, 'report.html'), 'utf8')).toContain('<title>two')
})

it('takes over what a run beside it made from the same options, by hash', async () => {
  const first = await run('first')
  expect(done(first).map(({ takenFrom }) => takenFrom)).toEqual([undefined, undefined])
  const second = await run('second')
  expect(done(second).map(({ takenFrom }) => takenFrom)).toEqual(['runs/first', 'runs/first'])
  const [mine, theirs] = await Promise.all([first, second].map((one) => readManifest(join(one, '02-tokenizer'))))
  expect(theirs).toEqual({ ...mine, takenFrom: 'runs/first' })
  expect(inode(second)).toBe(inode(first))
  const card = await gather(second)
  expect(card.stages.map(({ takenFrom, state }) => [takenFrom, state])).toEqual([
    ['runs/first', 'done'],
    ['runs/first', 'done'],
  ])

  // Only the stage that differs, and what follows it, is made here.
  const other = await run('other', { vocab: 265 })
  expect(done(other).map(({ takenFrom }) => takenFrom)).toEqual(['runs/first', undefined])

  const alone = await run('alone', { share: false })
  expect(done(alone).map(({ takenFrom }) => takenFrom)).toEqual([undefined, undefined])

  // A run that goes away, or is damaged, takes nothing with it: the next of the same is looked for.
  const file = join(first, '02-tokenizer', 'tokenizer.json')
  const whole = readFileSync(file)
  unlinkSync(file) // a link of its own: the other run keeps its file
  writeFileSync(file, 'broken')
  expect(readFileSync(join(second, '02-tokenizer', 'tokenizer.json'))).toEqual(whole)
  for (const one of [second, alone]) rmSync(one, { recursive: true })
  const last = await run('last')
  expect(done(last).map(({ takenFrom }) => takenFrom)).toEqual(['runs/first', undefined])
})
