/** What a person gets who gives a wrong recipe, broken data, too little text, or learning rates that blow up. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { readSafetensors } from '../src/formats/index.ts'
import { latestCheckpoint } from '../src/run/index.ts'
import { random } from '../src/tensor/random.ts'
import { startXueba, trainerOf, xueba } from './run.test-helper.ts'

const folder = mkdtempSync(join(tmpdir(), 'xueba-bad-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const draw = random(1, 'bad input')
const words = [
  'cat',
  'dog',
  'sees',
  'the',
  'a',
  'runs',
  'to',
  'house',
  'red',
  'big',
  'small',
  'bird',
  'and',
  'then',
  'sleeps',
]
const sentence = () => `${Array.from({ length: 12 }, () => draw.pick(words)).join(' ')}.`
const text = (sentences: number) => Array.from({ length: sentences }, sentence).join(' ')

let runs = 0
/** Writes the files and a recipe with these stages, and runs it. */
async function attempt(stages: string, files: Record<string, string | Uint8Array> = {}, flags: string[] = []) {
  const at = mkdtempSync(join(folder, `${++runs}-`))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(at, name), content)
  const recipe = join(at, 'recipe.yaml')
  writeFileSync(recipe, `name: bad\nlanguage: en\nmodel: { depth: 1 }\nstages:\n${stages}`)
  const run = join(at, 'run')
  const result = await xueba(['run', recipe, '--out', run, ...flags])
  return { ...result, run, said: result.out + result.err, wrote: existsSync(run) }
}

const reading = (path: string) => `  - kind: corpus\n    heldOut: 0.2\n    sources: [{ path: ${path} }]\n`
const spelling = (vocab: number) => `  - kind: tokenizer\n    vocab: ${vocab}\n`
const training = (options: string) =>
  `  - kind: pretrain\n    evaluateEvery: 10\n    checkpointEvery: 2\n    time: 16\n    rows: 2\n${options}`
const jsonl = (n: number) => Array.from({ length: n }, () => JSON.stringify({ text: text(6) })).join('\n')

describe('a wrong recipe: exit 2, the line, the key, what was expected, nothing written', () => {
  it.each([
    ['an unknown key', training('    step: 5\n'), /recipe\.yaml:\d+.*step.*steps/s],
    ['a wrong type', training('    steps: many\n'), /recipe\.yaml:\d+.*steps.*number/s],
    ['a missing file', reading('no-such-file.jsonl'), /recipe\.yaml:\d+.*path.*no-such-file\.jsonl/s],
    ['an unknown stage', '  - kind: pretain\n', /recipe\.yaml:\d+.*pretain.*pretrain/s],
    ['broken YAML', '  - kind: [\n', /recipe\.yaml/],
    [
      'a stage that goes on from none',
      `${training('    steps: 5\n')}  - kind: sft\n    from: read\n    data: [{ world: dialogues, count: 9 }]\n`,
      /stages\.1\.from.*"read".*pretrain/s,
    ],
  ])('%s', async (_, stages, message) => {
    const { code, said, wrote } = await attempt(stages)
    expect(said).toMatch(message)
    expect(said).not.toMatch(/ at .*\.ts:/) // no stack
    expect(code).toBe(2)
    expect(wrote).toBe(false)
  })

  it('an unknown flag, verb and recipe', async () => {
    for (const [args, message] of [
      [['run', 'tiny', '--outt', 'x'], /--outt.*--out/],
      [['rum', 'tiny'], /"rum".*"run"/],
      [['run', 'tny'], /tny.*tiny/],
      [['run', 'none.yaml'], /no recipe .*none\.yaml/],
      [['compare', 'runs/one'], /compare which runs/],
      [['aha'], /xueba aha <run>/],
    ] as const) {
      const { code, err } = await xueba([...args])
      expect(err).toMatch(message)
      expect(code).toBe(2)
    }
  }, 120_000)

  it('runs to look at that are none, in both languages', async () => {
    const empty = mkdtempSync(join(folder, 'none-'))
    for (const [args, message] of [
      [['aha', join(empty, 'none')], /there is no run .*none/],
      [['aha', empty, '--lang', 'zh'], /不是运行目录/],
      [['compare', folder, join(empty, 'none')], /is not a run: it has no recipe\.yaml/],
    ] as const) {
      const { code, err } = await xueba([...args])
      expect(err).toMatch(message)
      expect(code).toBe(1)
    }
  }, 120_000)
})

describe('broken data: counted and listed, or refused with --strict', () => {
  const broken: [string, Record<string, string | Uint8Array>, RegExp][] = [
    ['a malformed line', { 'a.jsonl': `${jsonl(20)}\n{"text": \n${jsonl(5)}\n` }, /"line":21/],
    [
      'invalid UTF-8',
      {
        'a.jsonl': Buffer.concat([
          Buffer.from(`${jsonl(20)}\n{"text":"`),
          Buffer.from([0xff, 0xfe]),
          Buffer.from(`"}\n${jsonl(3)}\n`),
        ]),
      },
      /"line":21.*UTF-8/,
    ],
    ['a truncated gzip', { 'a.jsonl.gz': gzipSync(`${jsonl(400)}\n`).subarray(0, -2000) }, /"offset":\d+/],
  ]
  it.each(broken)('%s', async (_, files, listed) => {
    const stages = reading(Object.keys(files)[0]!) + spelling(280)
    const { code, said, run } = await attempt(stages, files)
    expect(said).toMatch(/rejected [1-9]/)
    expect(code).toBe(0)
    expect(readFileSync(join(run, '01-corpus/rejected.jsonl'), 'utf8')).toMatch(listed)
    const strict = await attempt(stages, files, ['--strict'])
    expect(strict.code).toBe(1)
    expect(strict.said).toMatch(/a\.jsonl/)
  })
})

describe('too little text: a sentence that says so', () => {
  it('an empty corpus', async () => {
    const { code, said } = await attempt(reading('a.jsonl'), { 'a.jsonl': '' })
    expect(said).toMatch(/no documents|nothing|empty/i)
    expect(code).toBe(1)
  })

  it('a corpus smaller than a batch', async () => {
    const { code, said } = await attempt(
      reading('a.jsonl') + spelling(260) + training('    steps: 4\n    rows: 512\n').replace('    rows: 2\n', ''),
      { 'a.jsonl': jsonl(10) },
    )
    expect(said).toMatch(/less than one batch of 512 rows/)
    expect(code).toBe(1)
  })

  it('a vocabulary too large', async () => {
    const { code, said } = await attempt(reading('a.jsonl') + spelling(60_000), { 'a.jsonl': jsonl(10) })
    expect(said).toMatch(/vocab.*60000.*at most \d+/)
    expect(code).toBe(1)
  })
})

it('a loss that explodes: stops, says where, keeps the last good checkpoint', async () => {
  const rates =
    '    steps: 400\n    warmup: 200\n    matrices: adamw\n    matrixRate: 30\n    embeddingRate: 30\n    clip: 0\n'
  const { code, said, run } = await attempt(reading('a.jsonl') + spelling(280) + training(rates), {
    'a.jsonl': jsonl(40),
  })
  expect(said).toMatch(/diverged at step \d+/)
  expect(code).toBe(1)
  const step = Number(/checkpoint of step (\d+) is kept/.exec(said)?.[1] ?? 0)
  const { checkpoint } = await latestCheckpoint(join(run, '03-pretrain/checkpoints'))
  expect(step).toBeGreaterThan(0)
  expect(checkpoint?.step).toBe(step)
  const { tensors } = readSafetensors(readFileSync(join(checkpoint!.folder, 'model.safetensors')))
  for (const [name, { data }] of tensors) expect(data.every(Number.isFinite), name).toBe(true)
  // A checkpoint is a model like any other.
  const asked = await xueba(['chat', checkpoint!.folder, 'the cat', '--max-tokens', '3', '--json'])
  expect([asked.code, asked.out]).toEqual([0, expect.stringContaining('logProb')])
})

describe('going on with a run', () => {
  const stages = reading('a.jsonl') + spelling(280)

  it('whose data is gone by now: what is finished stays', async () => {
    const { code, run } = await attempt(stages, { 'a.jsonl': jsonl(40) })
    expect(code).toBe(0)
    const manifest = readFileSync(join(run, '01-corpus/manifest.json'), 'utf8')
    rmSync(join(run, '../a.jsonl'))
    const again = await xueba(['run', '--resume', '--out', run])
    expect([again.code, again.out]).toEqual([0, expect.stringContaining('already done')])
    expect(readFileSync(join(run, '01-corpus/manifest.json'), 'utf8')).toBe(manifest)
    rmSync(join(run, '01-corpus/manifest.json')) // now it is unfinished, and cannot be done again
    const missing = await xueba(['run', '--resume', '--out', run])
    expect([missing.code, missing.out]).toEqual([1, expect.stringMatching(/a\.jsonl is missing/)])
    expect(existsSync(join(run, '01-corpus/documents.jsonl'))).toBe(true)
  })

  it('whose recipe is damaged, or with flags that would change it: exit 2', async () => {
    const { run } = await attempt(stages, { 'a.jsonl': jsonl(40) })
    const flags = await xueba(['run', '--resume', '--out', run, '--seed', '3'])
    expect([flags.code, flags.err]).toEqual([2, expect.stringMatching(/leave out --seed/)])
    writeFileSync(join(run, 'recipe.yaml'), 'name: [')
    const damaged = await xueba(['run', '--resume', '--out', run], { XUEBA_LANG: 'zh' })
    expect([damaged.code, damaged.err]).toEqual([2, expect.stringMatching(/recipe\.yaml.*YAML 写法有误/s)])
    expect(damaged.err).not.toMatch(/ at .*\.ts:|--resume/)
  })

  it('that took its steps from the clock: a second call keeps them', async () => {
    const timed = stages + training('    minutes: 0.01\n')
    const { code, run } = await attempt(timed, { 'a.jsonl': jsonl(60) })
    expect(code).toBe(0)
    const recipe = readFileSync(join(run, 'recipe.yaml'), 'utf8')
    expect(recipe).toMatch(/steps: \d+/)
    expect(recipe).toMatch(/dim: 64/)
    const again = await xueba(['run', join(run, '../recipe.yaml'), '--out', run])
    expect([again.code, again.out.match(/already done/g)?.length]).toEqual([0, 3])
    expect(readFileSync(join(run, 'recipe.yaml'), 'utf8')).toBe(recipe)
  })

  it('that nothing was held out of', async () => {
    const { code } = await attempt(stages.replace('heldOut: 0.2', 'heldOut: 0'), { 'a.jsonl': jsonl(40) })
    expect(code).toBe(0)
  })

  it('stopped while it was reading: it obeys at once, and begins that stage anew', async () => {
    const run = join(folder, 'stopped')
    const child = startXueba(['run', 'tiny', '--out', run])
    while (trainerOf(run) === undefined) await sleep(5)
    child.kill('SIGTERM')
    child.kill('SIGTERM') // npm and the terminal send one press twice
    expect((await child.finished).code).toBe(130)
    expect(existsSync(join(run, '02-tokenizer'))).toBe(false)
  })
})
