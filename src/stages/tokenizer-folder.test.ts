/** How a model of somebody else's is spoken to, by what its folder says. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { Engine, openReference } from '../tensor/index.ts'
import { CHAT_TEMPLATE, renderChat, stopIds, textStart } from '../tokenizer/index.ts'
import { loadModel, saveModel } from './model-folder.ts'
import { byteTokenizer, tinyModel, writeModelFolder } from './tiny.test-helper.ts'
import { expectChats, goesOn, loadTokenizer } from './tokenizer-folder.ts'

const root = await mkdtemp(join(tmpdir(), 'xueba-manners-'))
afterAll(() => rm(root, { recursive: true }))
let folder: string
let count = 0

const TEMPLATE = `{{- bos_token -}}{%- for m in messages -%}{{- '[' + m.role + ']' + m.content + '<eot>' -}}{%- endfor -%}{%- if add_generation_prompt -%}[assistant]{%- endif -%}`
const put = (name: string, content: unknown) =>
  writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))

/** Single bytes, then these tokens. */
async function theirs(tokens: string[], config: object, generation?: object) {
  const json = JSON.parse(JSON.stringify(byteTokenizer().toJson()))
  json.added_tokens = tokens.map((content, i) => ({ ...json.added_tokens[0], id: 256 + i, content }))
  await put('tokenizer.json', json)
  await put('tokenizer_config.json', config)
  if (generation) await put('generation_config.json', generation)
}

beforeEach(async () => {
  folder = join(root, `${count++}`)
  await mkdir(folder)
})

const text = async () => {
  const tokenizer = await loadTokenizer(folder)
  const { ids } = renderChat(tokenizer, [{ role: 'user', content: 'hi' }], { generationPrompt: true })
  return tokenizer.decode(ids, { special: true })
}

test('ours speaks ChatML', async () => {
  await writeModelFolder(folder, tinyModel(new Engine(openReference())))
  expect((await loadTokenizer(folder)).manners).toBeNull()
  await rm(join(folder, 'tokenizer_config.json'))
  expect((await loadTokenizer(folder)).manners).toBeNull()
})

test('the same tokens with another template do not', async () => {
  await theirs(
    ['<|endoftext|>', '<|im_start|>', '<|im_end|>'],
    { chat_template: TEMPLATE, bos_token: null },
    { eos_token_id: [258, 256] },
  )
  expect((await loadTokenizer(folder)).manners).toMatchObject({ start: 256, stops: [258, 256] })
  await put('tokenizer_config.json', { chat_template: CHAT_TEMPLATE })
  expect((await loadTokenizer(folder)).manners).toBeNull()
})

test('the template comes from its file, the config, or a list of the config', async () => {
  const names = { bos_token: '<bos>', eos_token: { content: '<eot>' } }
  await theirs(['<bos>', '<eot>'], { ...names, chat_template: TEMPLATE })
  expect(await text()).toBe('<bos>[user]hi<eot>[assistant]')
  const list = [
    { name: 'tool_use', template: 'tools' },
    { name: 'default', template: TEMPLATE.replace('[assistant]', '[A]') },
  ]
  await put('tokenizer_config.json', { ...names, chat_template: list })
  expect(await text()).toBe('<bos>[user]hi<eot>[A]')
  await put('chat_template.jinja', TEMPLATE.replace('[assistant]', '[file]'))
  expect(await text()).toBe('<bos>[user]hi<eot>[file]')
})

test('what ends an answer is what the files say, the first that does', async () => {
  const stops = async () => stopIds(await loadTokenizer(folder))
  await theirs(['<bos>', '<eot>', '<end>'], { bos_token: '<bos>', eos_token: '<eot>' })
  expect(await stops()).toEqual([257])
  await put('config.json', { eos_token_id: 258 })
  expect(await stops()).toEqual([258])
  await put('generation_config.json', { eos_token_id: [258, 257] })
  expect(await stops()).toEqual([258, 257])
  expect(textStart(await loadTokenizer(folder))).toBe(256)
  const tokenizer = await loadTokenizer(folder)
  expect(tokenizer.manners!.template).toBeNull()
  expect([goesOn('sft', tokenizer), goesOn('pretrain', byteTokenizer()), goesOn('sft', byteTokenizer())]).toEqual([
    true,
    true,
    false,
  ])
  expect(() => expectChats(tokenizer)).toThrow(/has no chat template.*put its template into chat_template\.jinja/)
  expect(() => expectChats(byteTokenizer())).not.toThrow()
})

test.each<[string, object, object | undefined, RegExp]>([
  ['nothing ends a text', {}, undefined, /nothing says what ends a text: eos_token_id/],
  [
    'an id that is none',
    {},
    { eos_token_id: 300 },
    /generation_config\.json: eos_token_id is 300: expected at most five ids below 258/,
  ],
  ['too many ids', {}, { eos_token_id: [1, 2, 3, 4, 5, 6] }, /expected at most five ids/],
  ['a token that is none', { eos_token: '<no>' }, undefined, /the vocabulary has no token "<no>"/],
  ['no Jinja', { eos_token: '<eot>', chat_template: '{% if %}' }, undefined, /the chat template of .* refuses/],
])('names what is wrong: %s', async (_, config, generation, message) => {
  await theirs(['<bos>', '<eot>'], config, generation)
  await expect(loadTokenizer(folder)).rejects.toThrow(message)
})

test('a template that refuses a dialogue says so; the date is always the same', async () => {
  const refusing = `{%- if messages[0].role == 'system' -%}{{- raise_exception('no system, please') -}}{%- endif -%}{{- strftime_now('%Y') -}}{%- for i in range(1, 7, 2) -%}{{- i -}}{%- endfor -%}`
  await theirs(['<bos>', '<eot>'], { eos_token: '<eot>', chat_template: refusing })
  expect(await text()).toBe('26 Jul 2024135')
  const tokenizer = await loadTokenizer(folder)
  expect(() => renderChat(tokenizer, [{ role: 'system', content: '' }])).toThrow(/refuses: no system, please/)
})

test('a model that goes on from it keeps its template, its ends and its licence', async () => {
  await theirs(
    ['<bos>', '<eot>', '<end>'],
    { bos_token: '<bos>', eos_token: '<eot>' },
    { eos_token_id: [257, 258], top_p: 0.9 },
  )
  await put('chat_template.jinja', TEMPLATE)
  await put('LICENSE.txt', 'theirs')
  const engine = new Engine(openReference())
  const to = join(root, 'trained')
  await saveModel(to, tinyModel(engine, { qkNorm: false, qkvBias: true }), folder)
  expect((await loadTokenizer(to)).manners).toMatchObject({
    start: 256,
    stops: [257, 258],
    template: { source: TEMPLATE },
  })
  expect((await loadModel(engine, to)).config.qkvBias).toBe(true)
  const json = async (name: string) => JSON.parse(await readFile(join(to, name), 'utf8')) as object
  expect(await json('generation_config.json')).toEqual({ eos_token_id: [257, 258], top_p: 0.9 })
  expect(await json('config.json')).toMatchObject({ model_type: 'qwen2', bos_token_id: 256, eos_token_id: 257 })
  expect(await readFile(join(to, 'LICENSE.txt'), 'utf8')).toBe('theirs')
})
