/** LoRA as a person uses it: stages with `lora`, killed and resumed, and the adapter merged into the model that it was learnt on. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readSafetensors } from '../src/formats/index.ts'
import { tinyModel, writeModelFolder } from '../src/stages/tiny.test-helper.ts'
import { Engine, openReference, random } from '../src/tensor/index.ts'
import { startXueba, trainerOf, weightsOf, xueba } from './run.test-helper.ts'

const root = mkdtempSync(join(tmpdir(), 'xueba-lora-'))
const [recipe, run] = [join(root, 'lora.yaml'), join(root, 'run')]
const weights = (...path: string[]) => readSafetensors(readFileSync(join(root, ...path))).tensors
const json = (...path: string[]) => JSON.parse(readFileSync(join(root, ...path), 'utf8')) as Record<string, unknown>

beforeAll(async () => {
  const shape = 'rows: 4, time: 64'
  const draw = random(1, 'lora.test')
  const words = 'the town street people market bread river teacher writes reads'.split(' ')
  const sentence = () => Array.from({ length: 12 }, () => draw.pick(words)).join(' ')
  const rows = Array.from({ length: 300 }, () => `${JSON.stringify({ text: `${sentence()}. ${sentence()}.` })}\n`)
  writeFileSync(join(root, 'text.jsonl'), rows.join(''))
  writeFileSync(
    recipe,
    `name: lora
language: en
seed: 1
model: { depth: 1 }
stages:
  - { kind: corpus, sources: [{ path: text.jsonl }] }
  - { kind: tokenizer, vocab: 300 }
  - { kind: pretrain, steps: 30, ${shape} }
  - { kind: sft, steps: 80, ${shape}, checkpointEvery: 10, lora: { rank: 4 }, data: [{ world: dialogues, count: 60 }] }
  - { kind: rl, steps: 2, ${shape}, promptsPerStep: 2, groupSize: 4, maxTokens: 8, evaluateProblems: 4, lora: { targets: attention }, tasks: [{ task: { name: arithmetic } }] }
  - { kind: report }
`,
  )
  const { code, err } = await xueba(['run', recipe, '--out', run])
  expect([err, code]).toEqual(['', 0])
}, 120_000)
afterAll(() => rmSync(root, { recursive: true, force: true }))

it('leaves embeddings and norms as they were, and writes an adapter that PEFT can read', () => {
  const [before, after] = [weights('run/03-pretrain/model.safetensors'), weights('run/04-sft/model.safetensors')]
  const moved = [...after].filter(([name, { data }]) => data.some((x, i) => x !== before.get(name)!.data[i]))
  expect(moved.map(([name]) => name).sort()).toEqual(
    [...after.keys()].filter((name) => name.endsWith('_proj.weight')).sort(),
  )
  expect(json('run/04-sft/adapter/adapter_config.json')).toMatchObject({
    peft_type: 'LORA',
    r: 4,
    lora_alpha: 16,
    base_model_name_or_path: '03-pretrain',
    target_modules: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
  })
  expect(json('run/05-rl/adapter/adapter_config.json').target_modules).toEqual(['q_proj', 'k_proj', 'v_proj', 'o_proj'])
})

it('merged into the model that it was learnt on, it is the model that the stage made', async () => {
  const adapter = join(run, '04-sft', 'adapter')
  const out = join(root, 'merged')
  const exported = await xueba(['export', run, '--stage', 'base', '--adapter', adapter, '--out', out])
  expect([exported.err, exported.code]).toEqual(['', 0])
  const [merged, made] = [weights('merged/model.safetensors'), weights('run/04-sft/model.safetensors')]
  for (const [name, { data }] of made) {
    const differences = Float32Array.from(data, (x, i) => Math.abs(x - merged.get(name)!.data[i]!))
    const worst = differences.reduce((a, b) => Math.max(a, b))
    expect(worst, name).toBeLessThan(1e-5)
  }
})

it('killed in the middle and resumed, it ends with the same bits', async () => {
  const again = join(root, 'alone', 'again') // beside the other run it would take over what that one made
  const child = startXueba(['run', recipe, '--out', again])
  while (child.exitCode === null && !existsSync(join(again, '04-sft', 'checkpoints'))) await sleep(2)
  process.kill(trainerOf(again)!, 'SIGKILL')
  await child.finished
  const { code, err } = await xueba(['run', '--resume', '--out', again])
  expect([err, code]).toEqual(['', 0])
  expect(readFileSync(join(again, 'events.jsonl'), 'utf8')).toMatch(/"resumed"/)
  expect(await weightsOf(again)).toEqual(await weightsOf(run))
}, 120_000)

it.each([
  ['no adapter', 'NOWHERE', /adapter_config\.json: there is no such file: is this a PEFT adapter\?/],
  [
    'an adapter of another model',
    'run/05-rl/adapter',
    /adapter_model\.safetensors: .*has no place in this model|is \(/,
  ],
])(
  'refuses %s',
  async (_, adapter, message) => {
    const base = adapter === 'NOWHERE' ? run : join(root, 'other')
    if (base !== run) await writeModelFolder(base, tinyModel(new Engine(openReference())))
    const stage = base === run ? ['--stage', 'base'] : []
    const args = ['export', base, '--adapter', join(root, adapter), '--out', join(root, 'refused'), ...stage]
    const { code, err } = await xueba(args)
    expect(err).toMatch(message)
    expect(code).toBe(1)
  },
  60_000,
)
