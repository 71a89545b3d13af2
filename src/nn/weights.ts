/** Weights to and from safetensors under their Hugging Face names (Qwen3ForCausalLM). */
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

/** The weights that a config calls for, in the order of the slab. Throws naming the one that is missing, superfluous or of another kind. */
export function weightsOf(
  config: ModelConfig,
  tensors: ReadonlyMap<string, SafetensorsTensor>,
): Map<string, { shape: Shape; data: Float32Array }> {
  const { parameters } = layOut(config)
  const names = new Set(parameters.map((p) => p.name))
  for (const name of tensors.keys())
    if (!names.has(name) && !(config.tied && name === 'lm_head.weight'))
      throw new Error(`weights: ${name} has no place in a model of this config`)
  return new Map(
    parameters.map(({ name, shape }) => {
      const found = tensors.get(name)
      if (!found) throw new Error(`weights: ${name} ${show(shape)} is missing`)
      if (show(found.shape) !== show(shape))
        throw new Error(`weights: ${name} is ${show(found.shape)}, the config says ${show(shape)}`)
      if (!(found.data instanceof Float32Array)) throw new Error(`weights: ${name} holds integers (${found.dtype})`)
      return [name, { shape, data: found.data }]
    }),
  )
}

/** Fills the model. Throws as `weightsOf`. A reward model may be filled from a language model: its head is zero then. */
export function loadWeights(model: Model, bytes: Uint8Array): void {
  const tensors = new Map(readSafetensors(bytes).tensors)
  const { score, dim } = model.config
  if (score && !tensors.has('score.weight'))
    tensors.set('score.weight', { dtype: 'F32', shape: [1, dim], data: new Float32Array(dim) })
  const weights = weightsOf(model.config, tensors)
  const values = new Float32Array(model.slab.weights.size)
  for (const { name, offset } of model.slab.parameters) values.set(weights.get(name)!.data, offset)
  model.slab.weights.write(values)
}
