import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { RecipeError } from './problems.ts'
import { findRecipe, readRecipe, writeRecipe, type ReadOptions, type Recipe, type Registry } from './recipe.ts'
import { dataFile } from './schema.ts'

const folder = mkdtempSync(join(tmpdir(), 'xueba-recipe-'))
afterAll(() => rmSync(folder, { recursive: true }))
writeFileSync(join(folder, 'stories.txt'), 'once')

const source = z.union([dataFile(), z.strictObject({ path: dataFile(), weight: z.number().positive().default(1) })])
const registry: Registry = {
  model: z.object({ depth: z.number().int().min(1).default(2) }),
  stages: {
    corpus: z.object({ files: z.array(source).default([]), heldOut: z.number().min(0).max(1).default(0.1) }),
    pretrain: z.object({ steps: z.number().int().positive(), optimizer: z.enum(['adamw', 'muon']).default('muon') }),
    sft: z.object({ steps: z.number().int().default(10) }),
  },
}
const good = `name: tiny
language: zh
model: { depth: 3 }
stages:
  - kind: corpus
    files: [stories.txt, { path: stories.txt, weight: 2 }]
  - kind: pretrain
    name: read
    steps: 100
  - kind: sft
  - kind: sft
`
const file = join(folder, 'tiny.yaml')
const read = (text: string, options: ReadOptions = {}) => {
  writeFileSync(file, text)
  return readRecipe(file, registry, options)
}
const complaint = async (text: string, options: ReadOptions = {}) => {
  const error = await read(text, options).then(
    () => expect.unreachable('the recipe was accepted'),
    (thrown: unknown) => thrown as RecipeError,
  )
  expect(error.zh).not.toBe(error.message)
  return error.message.replaceAll(`${folder}/`, '')
}

describe('readRecipe', () => {
  it('fills in defaults, names and paths', async () => {
    const stories = join(folder, 'stories.txt')
    expect(await read(good)).toEqual({
      name: 'tiny',
      language: 'zh',
      seed: 1,
      model: { depth: 3 },
      stages: [
        { kind: 'corpus', name: 'corpus', config: { files: [stories, { path: stories, weight: 2 }], heldOut: 0.1 } },
        { kind: 'pretrain', name: 'read', config: { steps: 100, optimizer: 'muon' } },
        { kind: 'sft', name: 'sft', config: { steps: 10 } },
        { kind: 'sft', name: 'sft-2', config: { steps: 10 } },
      ],
    })
  })

  it('expands the environment in paths', async () => {
    process.env.XUEBA_TEST_FOLDER = folder
    const { stages } = await read(good.replace('[stories.txt,', "['${XUEBA_TEST_FOLDER}/stories.txt',"))
    delete process.env.XUEBA_TEST_FOLDER
    expect(stages[0]!.config.files).toMatchObject([join(folder, 'stories.txt'), {}])
    expect(await complaint(good.replace('[stories.txt,', "['${XUEBA_TEST_FOLDER}/stories.txt',"))).toContain(
      'XUEBA_TEST_FOLDER',
    )
  })

  it.each([
    [
      'an unknown key',
      ['steps: 100', 'steps: 100\n    stpes: 5'],
      'tiny.yaml:10: stages.1.stpes: unknown key "stpes"; did you mean "steps"?',
    ],
    [
      'an unknown key at the top',
      ['language: zh', 'language: zh\nmodle: {}'],
      'tiny.yaml:3: modle: unknown key "modle"; did you mean "model"?',
    ],
    [
      'an unknown key of a file',
      ['weight: 2', 'wieght: 2'],
      'tiny.yaml:6: stages.0.files.1.wieght: unknown key "wieght"; did you mean "weight"?',
    ],
    [
      'an unknown key of the model',
      ['depth: 3', 'depht: 3'],
      'tiny.yaml:3: model.depht: unknown key "depht"; did you mean "depth"?',
    ],
    [
      'an unknown stage',
      ['kind: pretrain', 'kind: pretrian'],
      'tiny.yaml:7: stages.1.kind: unknown stage "pretrian"; did you mean "pretrain"?',
    ],
    [
      'a stage without kind',
      ['kind: pretrain', 'knd: pretrain'],
      'tiny.yaml:7: stages.1: has no kind; one of corpus, pretrain, sft',
    ],
    ['a wrong type', ['steps: 100', 'steps: many'], 'tiny.yaml:9: stages.1.steps: expected number, found "many"'],
    ['a fraction', ['steps: 100', 'steps: 1.5'], 'tiny.yaml:9: stages.1.steps: expected int, found 1.5'],
    ['a missing key', ['    steps: 100\n', ''], 'tiny.yaml:7: stages.1.steps: is missing; expected number'],
    ['a number out of range', ['steps: 100', 'steps: 0'], 'tiny.yaml:9: stages.1.steps: expected more than 0, found 0'],
    [
      'an unknown choice',
      ['steps: 100', 'steps: 9\n    optimizer: moun'],
      'stages.1.optimizer: expected one of adamw, muon, found "moun"; did you mean "muon"?',
    ],
    [
      'a missing file',
      ['[stories.txt', '[storys.txt'],
      'tiny.yaml:6: stages.0.files.0: there is no file or folder storys.txt; did you mean stories.txt?',
    ],
    ['a name taken twice', ['kind: sft', 'kind: sft\n    name: read'], 'stages.2.name: a second stage "read"'],
    [
      'a wrong language',
      ['language: zh', 'language: klingon'],
      'tiny.yaml:2: language: expected one of zh, en, found "klingon"',
    ],
    ['a name that is no folder', ['name: tiny', 'name: ../up'], 'tiny.yaml:1: name: '],
    ['broken YAML', ['name: tiny', 'name: [tiny'], 'tiny.yaml: '],
  ])('names %s with line and key', async (_, [from, to], said) => {
    expect(await complaint(good.replace(from!, to!))).toContain(said)
  })

  it('tells everything that is wrong at once', async () => {
    const text = good
      .replace('language: zh', 'language: xx')
      .replace('steps: 100', 'steps: no')
      .replace('depth: 3', 'depth: 0')
    const said = await complaint(text)
    expect(said.split('\n')).toHaveLength(3)
  })

  it('names what is no recipe at all', async () => {
    for (const text of ['', 'just text', '- a\n- b', '42']) expect(await complaint(text)).toContain('tiny.yaml')
    await expect(readRecipe(join(folder, 'none.yaml'), registry)).rejects.toThrow('there is no recipe')
  })

  it('does not ask for files when a run goes on', async () => {
    const { stages } = await read(good.replace('[stories.txt', '[gone.txt'), { checkFiles: false })
    expect(stages[0]!.config.files).toMatchObject([join(folder, 'gone.txt'), {}])
  })
})

describe('--set', () => {
  it('reaches stages by name, kind and index, and values are YAML', async () => {
    const set = [
      'stages.read.steps=7',
      'stages.corpus.heldOut=0.5',
      'stages.3.steps=8',
      'stages.sft-2.name=last',
      'model.depth=4',
      'seed=9',
    ]
    const recipe = await read(good, { set })
    expect(recipe).toMatchObject({ seed: 9, model: { depth: 4 } })
    expect(recipe.stages.map(({ name, config }) => [name, config.steps ?? config.heldOut])).toEqual([
      ['corpus', 0.5],
      ['read', 7],
      ['sft', 10],
      ['last', 8],
    ])
    expect(
      (await read(good, { set: ['stages.pretrain.steps=1', 'stages.pretrain.steps=2'] })).stages[1]!.config.steps,
    ).toBe(2)
  })

  it('takes relative paths from the working directory', async () => {
    const elsewhere = mkdtempSync(join(folder, 'cwd-'))
    writeFileSync(join(elsewhere, 'mine.txt'), '')
    const { stages } = await read(good, { set: ['stages.corpus.files=[mine.txt]'], cwd: elsewhere })
    expect(stages[0]!.config.files).toEqual([join(elsewhere, 'mine.txt')])
  })

  it.each([
    [
      'stages.pretrain.stpes=5',
      '--set stages.pretrain.stpes=5: stages.1.stpes: unknown key "stpes"; did you mean "steps"?',
    ],
    ['stages.pretrain.steps=x', '--set stages.pretrain.steps=x: stages.1.steps: expected number, found "x"'],
    [
      'stages.pretrian.steps=5',
      '--set stages.pretrian.steps=5: unknown stage "pretrian"; known: corpus, read, sft, sft-2',
    ],
    ['steps', '--set steps: expected key.key=value'],
    ['__proto__.x=1', '--set __proto__.x=1: expected key.key=value'],
    ['name.x=1', '--set name.x=1: name is a single value and has no keys'],
    ['stages.corpus.files.9=a', '--set stages.corpus.files.9=a: unknown index "9"; known: 0, 1'],
  ])('refuses %s', async (assignment, said) => {
    expect(await complaint(good, { set: [assignment] })).toBe(said)
  })
})

describe('writeRecipe', () => {
  it('reads back as the same', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 20 })
    const options = { stages: { any: z.object({ text: z.string(), list: z.array(z.number()), on: z.boolean() }) } }
    const config = fc.record({
      text,
      list: fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { maxLength: 4 }),
      on: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(config, { minLength: 1, maxLength: 3 }), async (configs) => {
        const stages = configs.map((one, index) => ({ kind: 'any', name: `stage-${index}`, config: one }))
        const recipe: Recipe = { name: '学霸', language: 'zh', seed: 3, model: {}, stages }
        await writeRecipe(file, recipe)
        expect(await readRecipe(file, options)).toEqual(recipe)
      }),
      { numRuns: 30 },
    )
  })
})

describe('findRecipe', () => {
  it('finds files by path and says what names are known', () => {
    expect(findRecipe('a/b.yaml', '/x')).toBe('/x/a/b.yaml')
    expect(() => findRecipe('no-such-recipe-anywhere')).toThrow('unknown recipe "no-such-recipe-anywhere"')
  })
})
