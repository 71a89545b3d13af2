/** Weights to and from safetensors under their Hugging Face names (Qwen3ForCausalLM). */
import { readSafetensors, type SafetensorsTensor, writeSafetensors } from '../formats/safetensors.ts'
import { show } from '../tensor/tensor.ts'
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

/**
 * Fills the model. Throws naming the weight that is missing, superfluous or of another shape. A reward model may be filled from a language
 * model: its head is zero then.
 */
export function loadWeights(model: Model, bytes: Uint8Array): void {
  const { tensors } = readSafetensors(bytes)
  const values = new Float32Array(model.slab.weights.size)
  const names = new Set(model.slab.parameters.map((p) => p.name))
  for (const name of tensors.keys())
    if (!names.has(name) && !(model.config.tied && name === 'lm_head.weight'))
      throw new Error(`weights: ${name} has no place in a model of this config`)
  for (const { name, shape, offset } of model.slab.parameters) {
    const found = tensors.get(name)
    if (!found && name === 'score.weight') continue
    if (!found) throw new Error(`weights: ${name} ${show(shape)} is missing`)
    if (show(found.shape) !== show(shape))
      throw new Error(`weights: ${name} is ${show(found.shape)}, the config says ${show(shape)}`)
    values.set(found.data, offset)
  }
  model.slab.weights.write(values)
}
