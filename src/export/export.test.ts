import { gguf as readByHuggingFace } from '@huggingface/gguf'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { decodeGgml, encodeGgml, type GgmlType, readGguf, readSafetensors } from '../formats/index.ts'
import { readModel, type StoredModel } from '../stages/model-folder.ts'
import { byteTokenizer, tinyModel, writeModelFolder } from '../stages/tiny.test-helper.ts'
import { Engine, openReference } from '../tensor/index.ts'
import { layOut, type ModelConfig } from '../nn/index.ts'
import { random } from '../tensor/random.ts'
import { exportGguf, exportHuggingFace, ggufOf, huggingFaceFiles, originOf } from './index.ts'
import { placeFile, placeFolder } from './place.ts'

let folder: string
let source: string
let model: StoredModel
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xueba-export-'))
  source = join(folder, 'source')
  await writeModelFolder(source, tinyModel(new Engine(openReference())))
  model = await readModel(source)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const json = async (...path: string[]) => JSON.parse(await readFile(join(...path), 'utf8')) as Record<string, unknown>
const out = (name: string) => join(folder, name)
const hf = (name: string, more: object = {}) =>
  exportHuggingFace(source, 'f32', { out: out(name), language: 'en', ...more })
/** What is left beside the exports: nothing that a crash could leave. */
const hidden = async () => (await readdir(folder)).filter((name) => name.startsWith('.'))

test('a folder in f32 has the weights and the tokenizer to the byte, and loads again', async () => {
  await hf('f32')
  for (const file of ['model.safetensors', 'tokenizer.json', 'generation_config.json', 'tokenizer_config.json'])
    expect(await readFile(join(out('f32'), file))).toEqual(await readFile(join(source, file)))
  expect(await json(out('f32'), 'config.json')).toEqual(await json(source, 'config.json'))
  expect((await readModel(out('f32'))).weights).toEqual(model.weights)
  expect((await readdir(out('f32'))).sort().join(' ')).toBe(
    'README.md config.json generation_config.json model.safetensors tokenizer.json tokenizer_config.json xueba.json',
  )
  expect(await hidden()).toEqual([])
})

test.each([
  ['bf16', 'bfloat16'],
  ['f16', 'float16'],
] as const)('a folder in %s has every weight rounded, and says so', async (type, torch) => {
  await exportHuggingFace(source, type, { out: out(type), language: 'en' })
  expect((await json(out(type), 'config.json')).torch_dtype).toBe(torch)
  const { weights } = await readModel(out(type))
  for (const [name, { data }] of model.weights)
    expect(weights.get(name)!.data).toEqual(decodeGgml(type, encodeGgml(type, data)))
})

test('weights over the limit are in several files with an index that finds each', async () => {
  const files = new Map<string, Uint8Array>()
  for await (const [name, content] of huggingFaceFiles(model, 'f32', 20_000)) files.set(name, content)
  const shards = [...files.keys()].filter((name) => name.endsWith('.safetensors'))
  const total = String(shards.length).padStart(5, '0')
  expect(shards.length).toBeGreaterThan(2)
  expect(shards).toEqual(shards.map((_, i) => `model-${String(i + 1).padStart(5, '0')}-of-${total}.safetensors`))
  const index = JSON.parse(Buffer.from(files.get('model.safetensors.index.json')!).toString()) as {
    metadata: { total_size: number }
    weight_map: Record<string, string>
  }
  let bytes = 0
  for (const [name, { data }] of model.weights) {
    bytes += data.byteLength
    expect(readSafetensors(files.get(index.weight_map[name]!)!).tensors.get(name)!.data).toEqual(data)
  }
  expect(index.metadata.total_size).toBe(bytes)
  expect(Object.keys(index.weight_map)).toEqual([...model.weights.keys()])
  for (const name of shards) {
    const sizes = [...readSafetensors(files.get(name)!).tensors.values()].map(({ data }) => data.byteLength)
    expect(sizes.length === 1 || sizes.reduce((a, b) => a + b) <= 20_000).toBe(true)
  }
})

test('a folder that is no earlier export stays as it is', async () => {
  await mkdir(out('mine'))
  await writeFile(join(out('mine'), 'thesis.txt'), 'years')
  await expect(hf('mine')).rejects.toThrow(/mine is there already and is not an earlier export/)
  await hf('again')
  await hf('again') // an earlier export is replaced
  await writeFile(join(out('again'), 'note.txt'), 'mine')
  await expect(hf('again')).rejects.toThrow(/not an earlier export/)
  await hf('mine', { force: true })
  expect(await readFile(join(folder, 'mine.old', 'thesis.txt'), 'utf8')).toBe('years')
  expect(await readdir(out('mine'))).toContain('model.safetensors')
  await mkdir(out('empty'))
  await hf('empty')
  await writeFile(out('file'), 'text')
  await expect(hf('file')).rejects.toThrow(/not an earlier export/)
  expect(await hidden()).toEqual([])
})

test('the model itself is never exported over', async () => {
  await expect(exportHuggingFace(source, 'f32', { out: source, force: true, language: 'en' })).rejects.toThrow(
    /holds the model/,
  )
  await expect(exportHuggingFace(source, 'f32', { out: folder, force: true, language: 'en' })).rejects.toThrow(
    /holds the model/,
  )
  expect((await readModel(source)).weights).toEqual(model.weights)
})

test('a GGUF file: names, shapes and types that llama.cpp looks for, read by Hugging Face’s reader', async () => {
  const path = out('model.gguf')
  expect(await exportGguf(source, 'q4_0', { out: path })).toEqual([])
  const { metadata, tensorInfos } = await readByHuggingFace(path, { allowLocalFile: true })
  expect(metadata).toMatchObject({
    'general.architecture': 'qwen3',
    'general.file_type': 2,
    'general.size_label': '19K',
    'qwen3.block_count': 1,
    'qwen3.context_length': 96,
    'qwen3.embedding_length': 32,
    'qwen3.feed_forward_length': 64,
    'qwen3.attention.head_count': 2,
    'qwen3.attention.head_count_kv': 2,
    'qwen3.attention.key_length': 16,
    'qwen3.attention.value_length': 16,
    'qwen3.rope.freq_base': 1000,
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': 'qwen2',
    'tokenizer.ggml.bos_token_id': 256,
    'tokenizer.ggml.eos_token_id': 258,
    'tokenizer.ggml.eot_token_id': 258,
    'tokenizer.ggml.padding_token_id': 256,
    'tokenizer.ggml.add_bos_token': false,
  })
  const table = metadata as unknown as Record<string, unknown[]>
  expect(table['tokenizer.chat_template']).toMatch(/im_start/)
  expect(table['tokenizer.ggml.tokens']).toHaveLength(259)
  expect(table['tokenizer.ggml.tokens']!.slice(32, 35)).toEqual(['Ġ', '!', '"'])
  expect(table['tokenizer.ggml.tokens']!.slice(256)).toEqual(['<|endoftext|>', '<|im_start|>', '<|im_end|>'])
  expect(table['tokenizer.ggml.token_type']!.slice(255)).toEqual([1, 3, 3, 3])
  expect(tensorInfos.map(({ name, shape, dtype }) => [name, shape.map(Number), dtype])).toEqual([
    ['token_embd.weight', [32, 259], 8], // q8_0: the tied embedding, once
    ['blk.0.attn_norm.weight', [32], 0],
    ['blk.0.attn_q.weight', [32, 32], 2],
    ['blk.0.attn_k.weight', [32, 32], 2],
    ['blk.0.attn_v.weight', [32, 32], 2],
    ['blk.0.attn_q_norm.weight', [16], 0],
    ['blk.0.attn_k_norm.weight', [16], 0],
    ['blk.0.attn_output.weight', [32, 32], 2],
    ['blk.0.ffn_norm.weight', [32], 0],
    ['blk.0.ffn_gate.weight', [32, 64], 2],
    ['blk.0.ffn_up.weight', [32, 64], 2],
    ['blk.0.ffn_down.weight', [64, 32], 2],
    ['output_norm.weight', [32], 0],
  ])
})

/** A model of this layout with random weights, biases among them. */
function laidOut(layout: Partial<ModelConfig>) {
  const config = { ...model.config, ...layout }
  const draw = random(2, 'layout')
  const weights = new Map(
    layOut(config).parameters.map(({ name, shape }) => {
      const size = shape.reduce((a, b) => a * b)
      return [name, { shape, data: Float32Array.from({ length: size }, () => draw.normal()) }] as const
    }),
  )
  return { config, weights }
}

test('a GGUF file of Qwen2’s layout: the biases, nothing permuted', () => {
  const changes = laidOut({ qkNorm: false, qkvBias: true })
  const { metadata, tensors } = gguf(changes, 'f32')
  expect(metadata.get('general.architecture')!.value).toBe('qwen2')
  expect(metadata.get('qwen2.block_count')!.value).toBe(1)
  expect([...tensors.keys()].filter((name) => name.includes('attn'))).toEqual(
    [
      'attn_norm.weight',
      'attn_q.weight',
      'attn_k.weight',
      'attn_v.weight',
      'attn_q.bias',
      'attn_k.bias',
      'attn_v.bias',
      'attn_output.weight',
    ].map((name) => `blk.0.${name}`),
  )
  for (const [ours, theirs] of [
    ['q_proj.bias', 'attn_q.bias'],
    ['k_proj.weight', 'attn_k.weight'],
  ])
    expect(tensors.get(`blk.0.${theirs}`)!.data).toBe(changes.weights.get(`model.layers.0.self_attn.${ours}`)!.data)
})

test('a GGUF file of Llama’s layout: neighbours are what halves were, and rope’s divisors', () => {
  const ropeScaling = { factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositions: 64 }
  const changes = laidOut({ qkNorm: false, ropeScaling })
  const { metadata, tensors } = gguf(changes, 'f32')
  expect(metadata.get('general.architecture')!.value).toBe('llama')
  expect(metadata.get('llama.vocab_size')!.value).toBe(259)
  const [headDim, dim] = [16, 32]
  for (const [ours, theirs] of [
    ['q_proj', 'attn_q'],
    ['k_proj', 'attn_k'],
  ]) {
    const from = changes.weights.get(`model.layers.0.self_attn.${ours}.weight`)!.data
    const to = tensors.get(`blk.0.${theirs}.weight`)!.data
    for (let head = 0; head < 2; head++)
      for (let j = 0; j < headDim; j++) {
        const at = (head * headDim + (j % 2) * (headDim / 2) + (j >> 1)) * dim
        const row = (head * headDim + j) * dim
        expect(to.subarray(row, row + dim)).toEqual(from.subarray(at, at + dim))
      }
  }
  expect(tensors.get('blk.0.attn_v.weight')!.data).toBe(
    changes.weights.get('model.layers.0.self_attn.v_proj.weight')!.data,
  )
  const divisors = tensors.get('rope_freqs.weight')!.data
  expect([divisors.length, divisors[0], divisors.at(-1)]).toEqual([8, 1, 8])
  expect(() => gguf(laidOut({ ropeScaling }), 'f32')).toThrow(/rope scaling only in models of the architecture llama/)
})

test('a GGUF file in f32 has the weights to the bit', async () => {
  await exportGguf(source, 'f32', { out: out('f32.gguf') })
  const { tensors } = readGguf(await readFile(out('f32.gguf')))
  expect([...tensors.values()].map(({ type, data }) => decodeGgml(type, data))).toEqual(
    [...model.weights.values()].map(({ data }) => data),
  )
})

const gguf = (changes: Partial<StoredModel>, type: GgmlType = 'q8_0', base = false) =>
  ggufOf({ ...model, ...changes }, { type, name: 'test', base })

test('rows that are not whole blocks stay in f16, and are named', () => {
  const data = new Float32Array(64 * 48).fill(0.5)
  const weights = new Map(model.weights).set('model.layers.0.mlp.up_proj.weight', { shape: [64, 48], data })
  const { tensors, notQuantised } = gguf({ weights })
  expect(notQuantised).toEqual(['blk.0.ffn_up.weight'])
  expect([tensors.get('blk.0.ffn_up.weight')!.type, tensors.get('blk.0.ffn_gate.weight')!.type]).toEqual([
    'f16',
    'q8_0',
  ])
})

test('a base model begins texts with end-of-text and has no chat template', () => {
  const { metadata } = gguf({}, 'f32', true)
  expect(metadata.get('tokenizer.ggml.add_bos_token')).toEqual({ type: 'bool', value: true })
  expect(metadata.get('tokenizer.ggml.eos_token_id')).toEqual({ type: 'u32', value: 256 })
  expect(metadata.has('tokenizer.chat_template')).toBe(false)
})

test('what an earlier export says of itself is believed: a base model stays one', async () => {
  await exportHuggingFace(source, 'f32', { out: out('base'), language: 'en' })
  const facts = await json(out('base'), 'xueba.json')
  expect(await originOf(out('base'))).toEqual({ run: undefined, stage: undefined, kind: undefined, name: 'source' })
  await writeFile(join(out('base'), 'xueba.json'), JSON.stringify({ ...facts, kind: 'pretrain' }))
  await exportGguf(out('base'), 'f32', { out: out('base.gguf') })
  const { metadata } = readGguf(await readFile(out('base.gguf')))
  expect(metadata.get('tokenizer.ggml.add_bos_token')!.value).toBe(true)
  expect(metadata.get('general.name')!.value).toBe('source')
})

test('rows of the embedding without a token are padding; tokens without a row are refused, and so are two of one text', () => {
  const { metadata } = gguf({ config: { ...model.config, vocabSize: 261 } })
  expect(metadata.get('tokenizer.ggml.tokens')!.value).toMatchObject({ 259: '[PAD259]', 260: '[PAD260]' })
  expect(() => gguf({ config: { ...model.config, vocabSize: 200 } })).toThrow(/has 259 tokens, .* vocab_size 200/)
  const tokenizer = byteTokenizer()
  const json = tokenizer.toJson()
  tokenizer.toJson = () => ({
    ...json,
    added_tokens: [...json.added_tokens.slice(0, 2), { ...json.added_tokens[2]!, content: 'A' }],
  })
  expect(() => gguf({ tokenizer })).toThrow(/two tokens are written "A"/)
})

test('weights that are no numbers, or too large for the type, are refused by name, and nothing is left behind', async () => {
  const name = 'model.norm.weight'
  const broken = (value: number) => ({
    weights: new Map(model.weights).set(name, { shape: [32], data: new Float32Array(32).fill(value) }),
  })
  expect(() => gguf(broken(NaN), 'f32')).toThrow(/model\.norm\.weight holds NaN: the model is broken/)
  const up = 'model.layers.0.mlp.up_proj.weight'
  const large = { weights: new Map(model.weights).set(up, { shape: [64, 32], data: new Float32Array(2048).fill(1e5) }) }
  expect(() => gguf(large, 'f16')).toThrow(/up_proj\.weight holds 100000, too large for f16/)
  expect(gguf(large, 'bf16').notQuantised).toEqual([])
  const files = huggingFaceFiles({ ...model, ...broken(Infinity) }, 'bf16')
  await expect(files.next()).rejects.toThrow(/holds Infinity/)
})

test('a file that is no earlier export stays as it is', async () => {
  const path = out('other.gguf')
  await writeFile(path, 'GGUF of somebody else')
  await expect(exportGguf(source, 'f16', { out: path })).rejects.toThrow(/other\.gguf is there already/)
  expect(await readFile(path, 'utf8')).toBe('GGUF of somebody else')
  await exportGguf(source, 'f16', { out: path, force: true })
  const size = (await stat(path)).size
  await exportGguf(source, 'q8_0', { out: path })
  expect((await stat(path)).size).toBeLessThan(size)
  await expect(exportGguf(source, 'f16', { out: source, force: true })).rejects.toThrow(/is a folder/)
  expect(await hidden()).toEqual([])
})

test('an export that fails half-way leaves what was there, and nothing else', async () => {
  await hf('kept')
  const before = await readFile(join(out('kept'), 'model.safetensors'))
  function* failing(): Generator<[string, Uint8Array], void, undefined> {
    yield ['model.safetensors', new Uint8Array(3)]
    throw new Error('the disk is gone')
  }
  await expect(placeFolder(out('kept'), failing(), { name: 'x' }, { force: false, source })).rejects.toThrow(
    /disk is gone/,
  )
  expect(await readFile(join(out('kept'), 'model.safetensors'))).toEqual(before)
  await exportGguf(source, 'f32', { out: out('kept.gguf') })
  const file = await readFile(out('kept.gguf'))
  function* pieces(): Generator<Uint8Array, void, undefined> {
    yield file.subarray(0, 1000)
    throw new Error('the disk is gone')
  }
  await expect(placeFile(out('kept.gguf'), pieces(), false)).rejects.toThrow(/disk is gone/)
  expect(await readFile(out('kept.gguf'))).toEqual(file)
  expect(await hidden()).toEqual([])
})

test('a reward model goes into a Hugging Face folder, and GGUF has no place for it', async () => {
  const judge = out('judge')
  await writeModelFolder(judge, tinyModel(new Engine(openReference()), { score: true }))
  await expect(exportGguf(judge, 'f32', { out: out('judge.gguf') })).rejects.toThrow(/reward model/)
  await exportHuggingFace(judge, 'bf16', { out: out('judge-hf'), language: 'en' })
  expect(await json(out('judge-hf'), 'config.json')).toMatchObject({
    architectures: ['Qwen3ForSequenceClassification'],
    num_labels: 1,
  })
})
