/** One filter a file; each is a pure function of a text and its thresholds. This is the order in which FineWeb applies them. */
import { z } from 'zod'
import { blockedWordsConfig } from './blocked-words.ts'
import { c4Config } from './c4.ts'
import { finewebQualityConfig } from './fineweb-quality.ts'
import { gopherQualityConfig } from './gopher-quality.ts'
import { gopherRepetitionConfig } from './gopher-repetition.ts'
import { minLengthConfig } from './min-length.ts'
import { toxicWordsConfig } from './toxic-words.ts'
import { urlConfig } from './url.ts'

const optional = <T extends z.ZodObject>(schema: T) => z.union([schema, z.literal(false)]).prefault({} as never)

/** `false` switches a filter off. */
export const filtersConfig = z.strictObject({
  words: z
    .enum(['tokens', 'spaces'])
    .default('tokens')
    .describe(
      'what spaced languages are counted in: words and punctuation marks, as FineWeb, or what stands between spaces',
    ),
  chinese: z
    .enum(['characters', 'words'])
    .default('characters')
    .describe(
      'what Chinese is counted in: characters, or the words of Intl.Segmenter (as FineWeb-2; several times as slow)',
    ),
  url: optional(urlConfig),
  minLength: optional(minLengthConfig),
  gopherRepetition: optional(gopherRepetitionConfig),
  gopherQuality: optional(gopherQualityConfig),
  c4: optional(c4Config),
  fineweb: optional(finewebQualityConfig),
  blockedWords: optional(blockedWordsConfig),
  toxicWords: optional(toxicWordsConfig),
})
export type FiltersConfig = z.infer<typeof filtersConfig>

export { blockedWords } from './blocked-words.ts'
export { c4Lines, c4Quality } from './c4.ts'
export { finewebQuality } from './fineweb-quality.ts'
export { gopherQuality } from './gopher-quality.ts'
export { gopherRepetition } from './gopher-repetition.ts'
export { minLength } from './min-length.ts'
export { toxicIndex, toxicWords } from './toxic-words.ts'
export { urlFilter, urlLists } from './url.ts'
export type { UrlLists } from './url.ts'
export { clipLine, judge, passes, short, verdictOf } from './check.ts'
export type { Check } from './check.ts'
export { ruleText } from './rules.ts'
export { viewOf } from './view.ts'
export type { TextView } from './view.ts'
