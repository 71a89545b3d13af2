/** Texts too short to teach anything. The default is ours: below it little more than a headline fits. */
import { z } from 'zod'
import type { Verdict } from '../document.ts'
import type { TextView } from './view.ts'

export const minLengthConfig = z.strictObject({
  /** In words; for Chinese in characters. */
  words: z.number().int().min(0).default(20).describe('fewest words of a document'),
  characters: z.number().int().min(0).default(40).describe('fewest characters of a Chinese document'),
})

export function minLength({ words, byCharacter }: TextView, config: z.infer<typeof minLengthConfig>): Verdict {
  const least = byCharacter ? config.characters : config.words
  if (words.length >= least) return null
  return { rule: 'min-length', detail: `${words.length} ${byCharacter ? 'characters' : 'words'} < ${least}` }
}
