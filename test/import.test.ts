/** `xueba import` as a person types it, and a recipe that goes on from what it brought: other tokens, another template, Llama's layout. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { saveWeights, toHuggingFace } from '../src/nn/index.ts'
import { byteTokenizer, tinyModel } from '../src/stages/tiny.test-helper.ts'
import { Engine, openReference } from '../src/tensor/index.ts'
import { xueba } from './run.test-helper.ts'

const root = mkdtempSync(join(tmpdir(), 'xueba-import-'))
const [theirs, ours] = [join(root, 'theirs'), join(root, 'ours')]
const json = (...path: string[]) => JSON.parse(readFileSync(join(...path), 'utf8')) as Record<string, unknown>

beforeAll(async () => {
  const tokenizer = JSON.parse(JSON.stringify(byteTokenizer().toJson()))
  tokenizer.added_tokens.forEach((token: { content: string }, i: number) => {
    token.content = ['<s>', '<eot>', '<end>'][i]!
  })
  const model = tinyModel(new Engine(openReference()), { qkNorm: false, kvHeads: 1, maxPositions: 160 })
  const template = `{{- bos_token -}}{%- for m in messages -%}{{- '(' + m.role + ')' + m.content + '<eot>' -}}{%- endfor -%}{%- if add_generation_prompt -%}(assistant){%- endif -%}`
  mkdirSync(theirs)
  const files = {
    'config.json': JSON.stringify(toHuggingFace(model.config)),
    'generation_config.json': JSON.stringify({ eos_token_id: [258, 257] }),
    'tokenizer.json': JSON.stringify(tokenizer),
    'tokenizer_config.json': JSON.stringify({ bos_token: '<s>', eos_token: '<eot>', chat_template: template }),
    'model.safetensors': await saveWeights(model),
  }
  for (const [name, content] of Object.entries(files)) writeFileSync(join(theirs, name), content)
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

it('brings a model, which then chats, scores and is exported', async () => {
  const imported = await xueba(['import', theirs, '--out', ours])
  expect([imported.code, imported.err]).toEqual([0, ''])
  expect(imported.out).toMatch(/ours: llama, 17\.6 k parameters, 1 layer\nTalk with it: xueba chat .*ours\n$/)
  const said = await xueba(['chat', ours, 'hi', '--json', '--max-tokens', '3', '--temperature', '0'])
  expect([said.code, said.err]).toEqual([0, ''])
  expect(said.out.trim().split('\n').length).toBeLessThanOrEqual(3)
  const scored = JSON.parse((await xueba(['score', ours, join(theirs, 'config.json'), '--json'])).out)
  expect(scored.loss).toBeGreaterThan(5)
  expect((await xueba(['export', ours, '--out', join(root, 'hf'), '--type', 'bf16'])).code).toBe(0)
  expect(json(root, 'hf', 'config.json').model_type).toBe('llama')
  expect(readFileSync(join(root, 'hf', 'README.md'), 'utf8')).toMatch(
    /made with xueba [\d.]+ from theirs, which somebody else trained\..* Layout Llama.* Weights in bf16\./s,
  )
})

it('is what a recipe goes on from', async () => {
  const recipe = join(root, 'onward.yaml')
  const sft = 'kind: sft, steps: 3, rows: 2, time: 128, data: [{ world: dialogues, count: 40 }]'
  writeFileSync(
    recipe,
    `name: onward\nlanguage: en\nseed: 1\nstages:\n  - { kind: import, model: theirs }\n  - { ${sft} }\n  - { kind: report }\n`,
  )
  const run = join(root, 'run')
  const { code, err } = await xueba(['run', recipe, '--out', run])
  expect([code, err]).toEqual([0, ''])
  expect(json(run, '02-sft', 'config.json')).toMatchObject({ model_type: 'llama', bos_token_id: 256 })
  expect(json(run, '02-sft', 'generation_config.json')).toEqual({ eos_token_id: [258, 257] })
  expect(readFileSync(join(run, 'report.md'), 'utf8')).toMatch(/began with a model that somebody else had trained/)
  expect((await xueba(['chat', run, 'hi', '--max-tokens', '2'])).code).toBe(0)
}, 60_000)

it.each([
  ['no operand', [], 2, /xueba import <folder\|name>/],
  ['no such thing', ['NOWHERE'], 1, /NOWHERE is neither a folder nor a name like Qwen\/Qwen3-0\.6B/],
  ['the same in Chinese', ['NOWHERE', '--lang', 'zh'], 1, /NOWHERE 既不是文件夹，也不是/],
  ['a place that is taken', ['THEIRS', '--out', 'ROOT'], 1, /is there already: choose another --out/],
  ['a folder that is no model', ['ROOT', '--out', 'NEW'], 1, /config\.json cannot be read as part of a model/],
])('refuses %s', async (_, args, code, message) => {
  const places: Record<string, string> = { THEIRS: theirs, ROOT: root, NEW: join(root, 'new') }
  const result = await xueba(['import', ...args.map((arg) => places[arg] ?? arg)])
  expect(result.err).toMatch(message)
  expect(result.code).toBe(code)
  expect(readdirSync(root).filter((name) => name.startsWith('.'))).toEqual([])
})
