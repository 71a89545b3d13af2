/**
 * Duplicates: what counts as one. Exact ones share a hash of the normalised text, near ones a band of MinHash values (minhash.ts); clusters.ts
 * finds both among the signatures of a whole corpus, of which the first document of each cluster stays. Lines are an option of their own (line-dedup.ts).
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'

export const lineDedupConfig = z.strictObject({
  minCharacters: z
    .number()
    .int()
    .min(1)
    .default(20)
    .describe('shorter lines may repeat, counted without spaces and punctuation'),
})

export const dedupConfig = z.strictObject({
  exact: z.boolean().default(true),
  near: z.boolean().default(true),
  bands: z.number().int().min(1).max(64).default(14),
  rows: z.number().int().min(1).max(32).default(8).describe('hashes a band'),
  shingleWords: z.number().int().min(1).default(5),
  shingleCharacters: z.number().int().min(1).default(8).describe('for Chinese'),
  lines: z
    .union([lineDedupConfig, z.literal(false)])
    .default(false)
    .describe('take lines out of web documents that an earlier one has'),
})
export type DedupConfig = z.infer<typeof dedupConfig>

/** Everything but white space and punctuation marks, in one case and one width. Signs that change a sum stay: 2+2 is not 2*2. */
export function normalise(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/(?![-*/%&@#])[\p{P}\p{Z}\p{C}]+/gu, '')
}

/** 128 bits of the normalised text, hexadecimal. */
export function textHash(text: string): string {
  return createHash('sha256').update(normalise(text)).digest('hex').slice(0, 32)
}

/** Two words for each line of a text, zeros for one that may repeat. */
export function lineHashes(text: string, { minCharacters }: z.infer<typeof lineDedupConfig>): number[] {
  return text.split('\n').flatMap((line) => {
    const plain = normalise(line)
    if (plain.length < minCharacters) return [0, 0]
    const hash = createHash('sha256').update(plain).digest()
    return [hash.readUInt32LE(0), hash.readUInt32LE(4) || 1]
  })
}
