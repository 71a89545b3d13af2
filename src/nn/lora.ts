/**
 * LoRA (Hu et al., 2021): a matrix learns through a product of two thin ones, W = W₀ + (alpha / rank) · B·A, and needs no gradient
 * and no optimizer state of its own.
 *
 * The model always holds W, merged: sampling, evaluation and saving see an ordinary model. An update takes the old B·A out and
 * puts the new one in, so W₀ is kept nowhere. Neighbours that are one product here (q, k, v; gate, up) share their A.
 */
import { type Engine, gemm, type LowRank, random } from '../tensor/index.ts'
import type { ModelConfig } from './config.ts'
import { allot, layOut, type Parameter, type Slab, viewsOf } from './parameters.ts'
import type { Layer, Model } from './transformer.ts'

export interface LoraOptions {
  rank: number
  /** B·A is scaled by alpha / rank. */
  alpha: number
  targets: 'all' | 'attention'
}

export interface Adapter {
  options: LoraOptions
  /** A and B of every target: what is learnt. */
  slab: Slab
  /** Adds sign · (alpha / rank) · B·A to every target. */
  merge(sign: 1 | -1): void
}

/** The matrices of a layer that one product serves, with the names of the modules whose rows they hold. */
const TARGETS = {
  qkv: ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'],
  o: ['self_attn.o_proj'],
  gateUp: ['mlp.gate_proj', 'mlp.up_proj'],
  down: ['mlp.down_proj'],
} as const satisfies Partial<Record<keyof Layer, readonly string[]>>
type Target = keyof typeof TARGETS

const targetsOf = ({ targets }: LoraOptions): Target[] =>
  targets === 'attention' ? ['qkv', 'o'] : ['qkv', 'o', 'gateUp', 'down']

/**
 * Gives a model that was made without gradients an adapter. B is zero, so the model is what it was; A is uniform with the bounds of
 * PEFT's default (±1 / √inputs).
 */
export function attachAdapter(model: Model, options: LoraOptions, seed: number): void {
  const { engine, config } = model
  if (model.slab.grads)
    throw new Error('attachAdapter: the model has gradients of its own (make it with trainable: false)')
  const slab = createAdapterSlab(engine, config, options)
  const values = new Float32Array(slab.weights.size)
  for (const { name, shape, offset } of slab.parameters) {
    if (name.endsWith('.b')) continue
    const [rank, inputs] = shape as [number, number]
    const draw = random(seed, `lora ${name}`)
    for (let i = 0; i < rank * inputs; i++) values[offset + i] = (2 * draw.uniform() - 1) / Math.sqrt(inputs)
  }
  slab.weights.write(values)
  const scale = options.alpha / options.rank
  const adapted: [weight: Layer[Target], adapter: LowRank][] = []
  model.layers.forEach((layer, i) => {
    for (const target of targetsOf(options)) {
      const adapter = { a: slab.view(`${i}.${target}.a`), b: slab.view(`${i}.${target}.b`), scale }
      layer[target].adapter = adapter
      adapted.push([layer[target], adapter])
    }
  })
  model.adapter = {
    options,
    slab,
    merge(sign) {
      // Never in bfloat16: what is taken out must be what was put in.
      const { precision } = engine
      engine.precision = 'f32'
      for (const [weight, { a, b }] of adapted) gemm(b, a, weight, { alpha: sign * scale, beta: 1 })
      engine.precision = precision
    },
  }
}

/** A matrix of a PEFT file: its name there and its values. */
export interface PeftTensor {
  name: string
  shape: [rows: number, columns: number]
  data: Float32Array
}

/** The adapter under PEFT's names, module by module. */
export async function peftTensors({ config, adapter }: Model): Promise<PeftTensor[]> {
  const { slab, options } = adapter!
  const values = Float32Array.from(await slab.weights.read())
  const rowsOf = new Map(layOut(config).parameters.map(({ name, shape }) => [name, shape[0]!]))
  const matrix = (name: string) => {
    const { shape, offset } = slab.parameters.find((p) => p.name === name)!
    const [rows, columns] = shape as [number, number]
    return { rows, columns, data: values.subarray(offset, offset + rows * columns) }
  }
  const tensors: PeftTensor[] = []
  for (let i = 0; i < config.layers; i++)
    for (const target of targetsOf(options)) {
      const [a, b] = [matrix(`${i}.${target}.a`), matrix(`${i}.${target}.b`)]
      let first = 0
      for (const module of TARGETS[target]) {
        const path = `model.layers.${i}.${module}`
        const rows = rowsOf.get(`${path}.weight`)!
        const of = (kind: 'A' | 'B') => `base_model.model.${path}.lora_${kind}.weight`
        tensors.push({ name: of('A'), shape: [a.rows, a.columns], data: a.data })
        const data = b.data.subarray(first * b.columns, (first + rows) * b.columns)
        tensors.push({ name: of('B'), shape: [rows, b.columns], data })
        first += rows
      }
    }
  return tensors
}

/** The names of the modules that an adapter changes, as PEFT's `target_modules`. */
export const peftModules = (options: LoraOptions): string[] =>
  targetsOf(options).flatMap((target) => TARGETS[target].map((module) => module.split('.')[1]!))

// --- internal ---

function createAdapterSlab(engine: Engine, c: ModelConfig, options: LoraOptions): Slab {
  const [heads, all] = [c.heads * c.headDim, (c.heads + 2 * c.kvHeads) * c.headDim]
  const sizes: Record<Target, [outputs: number, inputs: number]> = {
    qkv: [all, c.dim],
    o: [c.dim, heads],
    gateUp: [2 * c.ff, c.dim],
    down: [c.dim, c.ff],
  }
  const groups = Array.from({ length: c.layers }, (_, i) =>
    targetsOf(options).flatMap((target): Omit<Parameter, 'offset'>[] => {
      const [outputs, inputs] = sizes[target]
      return [
        { name: `${i}.${target}.a`, role: 'matrix', shape: [options.rank, inputs] },
        { name: `${i}.${target}.b`, role: 'matrix', shape: [outputs, options.rank] },
      ]
    }),
  ).flat()
  return viewsOf(engine, allot(groups.map((parameter) => [parameter])), true)
}
