/** Texts too short to teach anything. The default is ours: below it little more than a headline fits. */
import { z } from 'zod'
import { atLeast } from './check.ts'
import type { Check } from './check.ts'
import type { TextView } from './view.ts'

export const minLengthConfig = z.strictObject({
  words: z.number().int().min(0).default(20).describe('fewest words of a document'),
  characters: z.number().int().min(0).default(40).describe('fewest characters of a Chinese document'),
})

export function* minLength({ words, unit }: TextView, config: z.infer<typeof minLengthConfig>): Generator<Check, void> {
  if (unit === 'characters') yield atLeast('min-length/characters', words, config.characters)
  else yield atLeast('min-length/words', words, config.words)
}
