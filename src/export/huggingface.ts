/**
 * A model as a Hugging Face folder, file by file: what transformers, vLLM and the Hub read. All weights have one type, rounded to
 * nearest, ties to even. `config.json` and `generation_config.json` are those of the model, with the type that the weights have now.
 */
import { join } from 'node:path'
import { type SafetensorsTensor, safetensorsShards, type SafetensorsType } from '../formats/index.ts'
import { readJson } from '../run/index.ts'
import type { StoredModel } from '../stages/model-folder.ts'
import { keptFiles } from '../stages/tokenizer-folder.ts'
import { tokenizerConfig } from '../tokenizer/index.ts'
import { expectStorable } from './gguf.ts'

export const huggingFaceTypes = ['f32', 'bf16', 'f16'] as const
export type HuggingFaceType = (typeof huggingFaceTypes)[number]

const stored: Record<HuggingFaceType, { dtype: SafetensorsType; torch: string }> = {
  f32: { dtype: 'F32', torch: 'float32' },
  bf16: { dtype: 'BF16', torch: 'bfloat16' },
  f16: { dtype: 'F16', torch: 'float16' },
}

/** Names and contents, one at a time; `shardBytes` is the most that a file of weights may hold. */
export async function* huggingFaceFiles(
  model: StoredModel,
  type: HuggingFaceType,
  shardBytes?: number,
): AsyncGenerator<[name: string, content: Uint8Array], void, undefined> {
  const { dtype, torch } = stored[type]
  const tensors = new Map<string, SafetensorsTensor>()
  for (const [name, { shape, data }] of model.weights) {
    expectStorable(name, data, type)
    tensors.set(name, { dtype, shape: [...shape], data })
  }
  yield* safetensorsShards(tensors, shardBytes)
  const config = (await readJson(join(model.folder, 'config.json'))) as object
  yield ['config.json', json({ ...config, torch_dtype: torch, ...('dtype' in config ? { dtype: torch } : {}) })]
  const generation = await readJson(join(model.folder, 'generation_config.json'))
  if (generation !== undefined) yield ['generation_config.json', json(generation)]
  const kept = await keptFiles(model.folder)
  yield* Object.entries(kept)
  if (!('tokenizer_config.json' in kept)) yield ['tokenizer_config.json', json(tokenizerConfig(model.tokenizer))]
}

const json = (value: unknown) => Buffer.from(`${JSON.stringify(value, null, 2)}\n`)
