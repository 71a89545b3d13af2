/** Weights to and from safetensors under their Hugging Face names. */
import { readSafetensors, type SafetensorsTensor, writeSafetensors } from '../formats/safetensors.ts'
import type { Shape } from '../tensor/index.ts'
import { show } from '../tensor/tensor.ts'
import type { ModelConfig } from './config.ts'
import { layOut } from './parameters.ts'
import type { Model } from './transformer.ts'

/** The bytes of a `model.safetensors` in f32. Equal weights give equal bytes. */
export async function saveWeights(model: Model): Promise<Uint8Array> {
  const values = Float32Array.from(await model.slab.weights.read())
  const tensors = new Map<string, SafetensorsTensor>()
  for (const { name, shape, offset } of model.slab.parameters) {
    const size = shape.reduce((a, b) => a * b)
    tensors.set(name, { dtype: 'F32', shape: [...shape], data: values.subarray(offset, offset + size) })
  }
  return writeSafetensors(tensors, { format: 'pt' })
}

type Kinds = ReadonlyMap<string, Pick<SafetensorsTensor, 'dtype' | 'shape'>>

/** In files of some older programs; computed here. */
const isComputed = (name: string) => name.endsWith('.rotary_emb.inv_freq')

/** Throws naming the weight that is missing, superfluous or of another kind. */
function expectWeights(config: ModelConfig, tensors: Kinds): void {
  const { parameters } = layOut(config)
  const names = new Set(parameters.map((p) => p.name))
  for (const name of tensors.keys())
    if (!names.has(name) && !(config.tied && name === 'lm_head.weight') && !isComputed(name))
      throw new Error(`weights: ${name} has no place in a model of this config`)
  for (const { name, shape } of parameters) {
    const found = tensors.get(name)
    if (!found) throw new Error(`weights: ${name} ${show(shape)} is missing`)
    if (show(found.shape) !== show(shape))
      throw new Error(`weights: ${name} is ${show(found.shape)}, the config says ${show(shape)}`)
    if (found.dtype === 'I32') throw new Error(`weights: ${name} holds integers (${found.dtype})`)
  }
}

/** Throws naming the weight that holds a value that is no finite number. */
function expectFinite(name: string, values: ArrayLike<number>, first = 0): void {
  for (let i = 0; i < values.length; i++)
    if (!Number.isFinite(values[i]!))
      throw new Error(`weights: ${name} holds ${values[i]} at place ${first + i}: the file is damaged`)
}

/** The weights that a config calls for, in the order of the slab, in f32. Throws as `fillWeights`. */
export async function weightsOf(
  config: ModelConfig,
  source: WeightSource,
): Promise<Map<string, { shape: Shape; data: Float32Array }>> {
  expectWeights(config, source.tensors)
  const found = new Map<string, { shape: Shape; data: Float32Array }>()
  for (const { name, shape } of layOut(config).parameters) {
    const data = new Float32Array(shape.reduce((a, b) => a * b))
    await source.read(name, (values, first) => {
      expectFinite(name, values, first)
      data.set(values, first)
    })
    found.set(name, { shape, data })
  }
  return found
}

/** Reads all that a config calls for and keeps nothing. Throws as `fillWeights`. */
export async function checkWeights(config: ModelConfig, source: WeightSource): Promise<void> {
  expectWeights(config, source.tensors)
  for (const { name } of layOut(config).parameters)
    await source.read(name, (values, first) => expectFinite(name, values, first))
}

/** Weights that come in pieces: see `openWeights` in xueba/formats. */
export interface WeightSource {
  tensors: Kinds
  read(name: string, take: (values: Float32Array | Int32Array, first: number) => void): Promise<void>
}

/** Throws as `fillWeights`, before there is a model to fill. */
export function expectFilling(config: ModelConfig, tensors: Kinds): void {
  const headless = config.score && !tensors.has('score.weight')
  expectWeights(headless ? { ...config, score: undefined } : config, tensors)
}

/**
 * Fills the model piece by piece. Throws naming the weight that is missing, superfluous, of another kind or no number. A reward model may be
 * filled from a language model: its head is zero then.
 */
export async function fillWeights(model: Model, source: WeightSource): Promise<void> {
  const { config, slab } = model
  const headless = config.score && !source.tensors.has('score.weight')
  expectFilling(config, source.tensors)
  for (const { name, shape, offset } of slab.parameters) {
    if (headless && name === 'score.weight') slab.weights.view(shape, offset).write(new Float32Array(config.dim))
    else
      await source.read(name, (values, first) => {
        expectFinite(name, values, first)
        slab.weights.view([values.length], offset + first).write(values)
      })
  }
}

/** Fills the model from the bytes of a `model.safetensors`. Throws as `fillWeights`. */
export function loadWeights(model: Model, bytes: Uint8Array): Promise<void> {
  const { tensors } = readSafetensors(bytes)
  return fillWeights(model, {
    tensors,
    read: (name, take) => Promise.resolve(take(tensors.get(name)!.data, 0)),
  })
}
