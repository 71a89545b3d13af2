/** What a person gets who gives a wrong recipe, broken data, too little text, or learning rates that blow up. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { latestCheckpoint } from '../src/run/index.ts'
import { random } from '../src/tensor/random.ts'
import { xueba } from './run.test-helper.ts'

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
    ] as const) {
      const { code, err } = await xueba([...args])
      expect(err).toMatch(message)
      expect(code).toBe(2)
    }
  })
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
    '    steps: 50\n    warmup: 40\n    matrices: adamw\n    matrixRate: 500\n    embeddingRate: 500\n    clip: 0\n'
  const { code, said, run } = await attempt(reading('a.jsonl') + spelling(280) + training(rates), {
    'a.jsonl': jsonl(40),
  })
  expect(said).toMatch(/diverged at step \d+/)
  expect(code).toBe(1)
  const step = Number(/checkpoint of step (\d+) is kept/.exec(said)?.[1] ?? 0)
  const { checkpoint } = await latestCheckpoint(join(run, '03-pretrain/checkpoints'))
  expect(checkpoint?.step ?? 0).toBe(step)
})
