/**
 * The layouts of Qwen3, Qwen2 and Llama against transformers: loss, every gradient's norm, logits and greedy tokens, which it computed once
 * for small models (test/fixtures/golden-layouts.py). And their `config.json`.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import golden from '../../test/fixtures/golden-layouts.json' with { type: 'json' }
import { generateBatch } from '../generate/index.ts'
import { openReference } from '../tensor/backends/reference.ts'
import { fastEngines } from '../tensor/fast.test-helper.ts'
import { backward, Engine, linear, random } from '../tensor/index.ts'
import { fromHuggingFace, modelType, toHuggingFace } from './config-json.ts'
import type { ModelConfig } from './config.ts'
import { createBatch, languageModelLoss, writeBatch } from './loss.ts'
import { attendRows, createModel, hiddenStates, type Model } from './transformer.ts'
import { saveWeights } from './weights.ts'

const base: ModelConfig = {
  vocabSize: 61,
  dim: 32,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 8,
  ff: 48,
  ropeTheta: 10_000,
  eps: 1e-6,
  tied: true,
  maxPositions: 64,
}
const ropeScaling = { factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositions: 16 }
const layouts: Record<string, ModelConfig> = {
  qwen3: { ...base, headDim: 16 },
  qwen2: { ...base, qkNorm: false, qkvBias: true, ropeTheta: 1_000_000 },
  'qwen2-untied': { ...base, qkNorm: false, qkvBias: true, tied: false, kvHeads: 1 },
  llama: { ...base, qkNorm: false, tied: false, eps: 1e-5 },
  'llama3-rope': { ...base, qkNorm: false, headDim: 16, ropeTheta: 500, ropeScaling },
}

/** 2 rows of 24 tokens; some are not scored. */
const [ROWS, TIME] = [2, 24]
const draw = random(5, 'layouts.test')
const ids = Int32Array.from({ length: ROWS * TIME }, () => draw.below(base.vocabSize))
const targets = Int32Array.from(ids, (_, i) => (i % 7 === 3 ? -100 : draw.below(base.vocabSize)))

/** Weights far from those of `initialize`: norms and biases are nothing special. */
function makeModel(engine: Engine, config: ModelConfig): Model {
  const model = createModel(engine, config)
  const values = new Float32Array(model.slab.weights.size)
  for (const { name, role, shape, offset } of model.slab.parameters) {
    const draw = random(9, name)
    const size = shape.reduce((a, b) => a * b)
    const mean = role === 'vector' && !name.endsWith('.bias') ? 1 : 0
    for (let i = offset; i < offset + size; i++) values[i] = mean + 0.25 * draw.normal()
  }
  model.slab.weights.write(values)
  return model
}

interface Golden {
  class: string
  loss: number
  grad_norms: Record<string, number>
  logits: number[]
  greedy: number[]
}

const near = (actual: number, expected: number, what: string) =>
  expect(Math.abs(actual - expected) / Math.max(1, Math.abs(expected)), what).toBeLessThan(1e-4)

const engines: [string, Engine][] = [['reference', new Engine(openReference())], ...(await fastEngines())]

describe.skipIf(process.env.XUEBA_WRITE_GOLDEN).each(engines)('%s', (_, engine) => {
  it.each(Object.keys(layouts))('computes as transformers does: %s', async (name) => {
    const expected = (golden as unknown as Record<string, Golden>)[name]!
    const model = makeModel(engine, layouts[name]!)
    const batch = createBatch(engine, ROWS, TIME)
    writeBatch(batch, { ids, targets, starts: new Int32Array(ids.length) })
    const loss = languageModelLoss(model, batch, engine.zeros([ids.length]))
    backward(loss)
    near(await loss.item(), expected.loss, 'loss')
    const grads = await model.slab.grads!.read()
    expect(Object.keys(expected.grad_norms).sort()).toEqual(model.slab.parameters.map((p) => p.name).sort())
    for (const { name, shape, offset } of model.slab.parameters) {
      const size = shape.reduce((a, b) => a * b)
      near(Math.hypot(...grads.slice(offset, offset + size)), expected.grad_norms[name]!, name)
    }
    const logits = engine.scope(() =>
      engine.noGrad(() =>
        linear(hiddenStates(model, batch.ids, attendRows(model, batch.starts, ROWS, TIME)), model.head),
      ),
    )
    const last = (await logits.read()).slice((TIME - 1) * base.vocabSize, TIME * base.vocabSize)
    last.forEach((z, v) => near(z, expected.logits[v]!, `logit ${v}`))
    const [greedy] = await generateBatch(model, [ids.slice(0, 8)], { maxTokens: 16, temperature: 0 })
    expect([...greedy!.ids]).toEqual(expected.greedy)
  })
})

// XUEBA_WRITE_GOLDEN=FOLDER writes the models for golden-layouts.py.
it.runIf(process.env.XUEBA_WRITE_GOLDEN)('writes the models', async () => {
  const rows = (values: Int32Array) =>
    Array.from({ length: ROWS }, (_, r) => Array.from(values.subarray(r * TIME, (r + 1) * TIME)))
  for (const [name, config] of Object.entries(layouts)) {
    const folder = join(process.env.XUEBA_WRITE_GOLDEN!, name)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'config.json'), JSON.stringify(toHuggingFace(config)))
    writeFileSync(join(folder, 'model.safetensors'), await saveWeights(makeModel(engines[0]![1], config)))
    writeFileSync(join(folder, 'ids.json'), JSON.stringify({ ids: rows(ids), targets: rows(targets) }))
  }
})

describe('config.json', () => {
  const qwen2 = toHuggingFace(layouts.qwen2!)
  const llama3 = toHuggingFace(layouts['llama3-rope']!)

  it.each(Object.entries(layouts))('comes back: %s', (name, config) => {
    expect(fromHuggingFace(toHuggingFace(config))).toEqual(config)
    expect(toHuggingFace(config).architectures).toEqual([(golden as unknown as Record<string, Golden>)[name]!.class])
    expect(name).toContain(modelType(config).replace(/\d/, ''))
  })

  it('is read as newer and older programs write it', () => {
    const { rope_theta, rope_scaling, ...rest } = llama3
    const scaling = rope_scaling as object
    expect(fromHuggingFace({ ...rest, rope_parameters: { ...scaling, rope_theta } })).toEqual(layouts['llama3-rope'])
    expect(fromHuggingFace({ ...rest, rope_parameters: { rope_theta: 7, rope_type: 'default' } }).ropeTheta).toBe(7)
    expect(fromHuggingFace({ ...qwen2, rope_scaling: null, sliding_window: 4096, max_window_layers: 2 })).toEqual(
      layouts.qwen2,
    )
    const { head_dim: _, num_key_value_heads: __, ...without } = qwen2
    expect(fromHuggingFace(without)).toEqual({ ...layouts.qwen2, kvHeads: 4 })
  })

  it.each<[Record<string, unknown>, RegExp]>([
    [{ model_type: 'mistral' }, /model_type "mistral" is not supported, expected "qwen3", "qwen2" or "llama"/],
    [{ model_type: 'qwen3_moe' }, /model_type "qwen3_moe"/],
    [{ use_sliding_window: true }, /use_sliding_window true/],
    [{ layer_types: ['full_attention', 'sliding_attention'] }, /layer_types \["full_attention","sliding/],
    [{ rope_scaling: { type: 'yarn', factor: 4 } }, /rope_scaling.rope_type "yarn" is not supported/],
    [{ rope_parameters: { rope_type: 'linear', factor: 4 } }, /rope_parameters.rope_type "linear"/],
    [{ rope_scaling: { rope_type: 'llama3', factor: 4 } }, /rope_scaling.low_freq_factor must be a number/],
    [
      {
        rope_scaling: {
          ...ropeScaling,
          rope_type: 'llama3',
          low_freq_factor: 4,
          high_freq_factor: 1,
          original_max_position_embeddings: 8,
        },
      },
      /lowFreqFactor 4 must be below/,
    ],
    [{ hidden_act: 'gelu' }, /hidden_act "gelu"/],
    [{ attention_bias: true }, /attention_bias true/],
    [{ mlp_bias: true }, /mlp_bias true/],
    [{ num_experts: 8 }, /num_experts 8/],
    [{ quantization_config: { bits: 4 } }, /quantization_config \{"bits":4\}/],
    [{ partial_rotary_factor: 0.5 }, /partial_rotary_factor 0.5/],
    [{ hidden_size: 'big' }, /hidden_size must be a number, got "big"/],
  ])('names what is not supported: %j', (change, message) => {
    expect(() => fromHuggingFace({ ...qwen2, ...change })).toThrow(message)
  })
})
