/**
 * One model in several safetensors files, as the Hugging Face Hub wants it where one file would be too large:
 * `model-00001-of-00002.safetensors` … and `model.safetensors.index.json`, which says in which file each tensor lies.
 */
import { type SafetensorsTensor, writeSafetensors } from './safetensors.ts'

/** Largest shard, in bytes of tensors: what transformers' `save_pretrained` keeps to. */
export const SHARD_BYTES = 5_000_000_000

const bytesPerValue = { F32: 4, I32: 4, BF16: 2, F16: 2 }

/**
 * The files by name, made as they are asked for. Tensors are packed in their order, a new file begun where the next one would be too
 * much; a tensor larger than the limit has a file of its own. What fits into one file is `model.safetensors`, without an index.
 */
export function* safetensorsShards(
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  limit = SHARD_BYTES,
): Generator<[name: string, bytes: Uint8Array], void, undefined> {
  const shards: Map<string, SafetensorsTensor>[] = []
  let room = 0
  let total = 0
  for (const [name, tensor] of tensors) {
    const bytes = tensor.data.length * bytesPerValue[tensor.dtype]
    if (shards.length === 0 || bytes > room) {
      shards.push(new Map())
      room = limit
    }
    shards.at(-1)!.set(name, tensor)
    room -= bytes
    total += bytes
  }
  const count = shards.length
  const fileName = (i: number) =>
    count <= 1
      ? 'model.safetensors'
      : `model-${String(i + 1).padStart(5, '0')}-of-${String(count).padStart(5, '0')}.safetensors`
  for (const [i, shard] of shards.entries()) yield [fileName(i), writeSafetensors(shard, { format: 'pt' })]
  if (count <= 1) return
  const places = shards.flatMap((shard, i) => [...shard.keys()].map((name) => [name, fileName(i)] as const))
  const index = { metadata: { total_size: total }, weight_map: Object.fromEntries(places) }
  yield ['model.safetensors.index.json', new TextEncoder().encode(`${JSON.stringify(index, null, 2)}\n`)]
}
