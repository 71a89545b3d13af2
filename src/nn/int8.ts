/**
 * A model for decoding whose matrices are rounded to 8 bits, with one factor for each output. The rounded values are written back in f32, too:
 * products of many rows (a prompt, a text to score) take those, so that all products are of one and the same model. What is read
 * for each token is the bytes. Embeddings are looked up in f32, norms and biases are not rounded.
 */
import { int8Of, roundToInt8, type Tensor } from '../tensor/index.ts'
import type { Model } from './transformer.ts'

/** Rounds a model that was made without gradients. Matrices whose rows are no multiple of four numbers stay as they are. */
export async function roundModel(model: Model): Promise<void> {
  const { engine, slab, layers, head } = model
  if (slab.grads || model.adapter) throw new Error('roundModel: the model learns (make it with trainable: false)')
  const matrices = new Set<Tensor>([...layers.flatMap(({ qkv, o, gateUp, down }) => [qkv, o, gateUp, down]), head])
  for (const matrix of matrices) {
    const [n, k] = matrix.shape as [number, number]
    if (k % 4 !== 0) continue
    const rounded = roundToInt8(await matrix.read(), n, k)
    matrix.write(rounded.rounded)
    matrix.int8 = int8Of(engine, rounded)
  }
}
