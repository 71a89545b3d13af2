/** `xueba export` as a person types it: where things go, what is said, and what is refused, in both languages. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { tinyModel, writeModelFolder } from '../src/stages/tiny.test-helper.ts'
import { Engine, openReference } from '../src/tensor/index.ts'
import { xueba } from './run.test-helper.ts'

const folder = mkdtempSync(join(tmpdir(), 'xueba-export-'))
const model = join(folder, 'model')
beforeAll(() => writeModelFolder(model, tinyModel(new Engine(openReference()), { ff: 48 })))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('writes beside the model and says where', async () => {
  const hf = await xueba(['export', model])
  expect([hf.code, hf.err]).toEqual([0, ''])
  expect(hf.out).toMatch(/model-hf: model in f32\n$/)
  expect(existsSync(`${model}-hf/README.md`)).toBe(true)
  const gguf = await xueba(['export', model, '--format', 'gguf', '--type', 'q8_0'])
  expect(gguf.out).toMatch(
    /model-q8_0\.gguf: model in q8_0, 0\.\d\d MB\nkept in f16, .* 32: blk\.0\.ffn_down\.weight\n$/,
  )
  expect(existsSync(`${model}-q8_0.gguf`)).toBe(true)
})

it.each([
  ['no model', [], 2, /xueba export <run\|model>/],
  [
    'a type that hf has not',
    ['MODEL', '--type', 'q8_0'],
    2,
    /--type q8_0 is for --format gguf; hf takes f32, bf16, f16/,
  ],
  ['an unknown type', ['MODEL', '--format', 'gguf', '--type', 'q5_k'], 2, /--type: .*f32.*q8_0/],
  ['no such folder', ['NOWHERE'], 1, /NOWHERE is neither a model folder .* nor a run/],
  ['the model’s own place', ['MODEL', '--out', 'MODEL', '--force'], 1, /holds the model that is to be exported/],
  ['its place, in Chinese', ['MODEL', '--out', 'MODEL', '--lang', 'zh'], 1, /里就是要导出的模型/],
])('refuses %s', async (_, args, code, message) => {
  const result = await xueba(['export', ...args.map((arg) => (arg === 'MODEL' ? model : arg))])
  expect(result.err).toMatch(message)
  expect(result.code).toBe(code)
})
