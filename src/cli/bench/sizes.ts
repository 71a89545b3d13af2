/** The sizes of a model as flags, and the model they make. */
import { z } from 'zod'
import type { ModelConfig } from '../../nn/index.ts'
import { help } from '../flags.ts'

export const whole = (fallback: number, en: string, zh: string) =>
  help(z.number().int().positive().default(fallback), en, zh)

/** `heads` are query heads, and there are as many key/value heads. */
export const sizeFlags = (sizes: { layers: number; heads: number; dim: number; ff: number; vocab: number }) => ({
  layers: whole(sizes.layers, 'layers', '层数'),
  heads: whole(sizes.heads, 'query heads', '查询头数'),
  kvHeads: whole(sizes.heads, 'key/value heads', '键值头数'),
  dim: whole(sizes.dim, 'width', '宽度'),
  headDim: whole(64, 'size of a head', '每个头的大小'),
  ff: whole(sizes.ff, 'width of the feed-forward layer', '前馈层宽度'),
  vocab: whole(sizes.vocab, 'vocabulary', '词表大小'),
})

type Sizes = { [key in keyof ReturnType<typeof sizeFlags>]: number }

/** A model in Qwen3's layout with tied embeddings. */
export function configOfSizes(
  { vocab, dim, layers, heads, kvHeads, headDim, ff }: Sizes,
  maxPositions: number,
): ModelConfig {
  const sizes = { vocabSize: vocab, dim, layers, heads, kvHeads, headDim, ff, maxPositions }
  return { ...sizes, ropeTheta: 10_000, eps: 1e-6, tied: true }
}
