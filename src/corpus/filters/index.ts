/** One filter a file; each is a pure function of a text and its thresholds. This is the order in which FineWeb applies them. */
import { z } from 'zod'
import { blockedWordsConfig } from './blocked-words.ts'
import { c4Config } from './c4.ts'
import { finewebQualityConfig } from './fineweb-quality.ts'
import { gopherQualityConfig } from './gopher-quality.ts'
import { gopherRepetitionConfig } from './gopher-repetition.ts'
import { minLengthConfig } from './min-length.ts'
import { urlConfig } from './url.ts'

const optional = <T extends z.ZodObject>(schema: T) => z.union([schema, z.literal(false)]).prefault({} as never)

/** `false` switches a filter off. */
export const filtersConfig = z.strictObject({
  url: optional(urlConfig),
  minLength: optional(minLengthConfig),
  gopherRepetition: optional(gopherRepetitionConfig),
  gopherQuality: optional(gopherQualityConfig),
  c4: optional(c4Config),
  fineweb: optional(finewebQualityConfig),
  blockedWords: optional(blockedWordsConfig),
})
export type FiltersConfig = z.infer<typeof filtersConfig>

export { blockedWords } from './blocked-words.ts'
export { c4Lines, c4Quality } from './c4.ts'
export { finewebQuality } from './fineweb-quality.ts'
export { gopherQuality } from './gopher-quality.ts'
export { gopherRepetition } from './gopher-repetition.ts'
export { minLength } from './min-length.ts'
export { parseDomains, urlFilter } from './url.ts'
export { viewOf } from './view.ts'
export type { TextView } from './view.ts'
