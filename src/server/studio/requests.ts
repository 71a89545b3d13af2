/** The forms of what pages send. What does not fit is refused with the name of the field. */
import { z } from 'zod'

const text = z.string().max(200_000)
const ids = z.array(z.number().int().nonnegative()).max(100_000)
const modelId = z.string().min(1).max(200)

export const chatRequest = z.strictObject({
  model: modelId,
  messages: z
    .array(z.strictObject({ role: z.enum(['system', 'user', 'assistant']), content: z.union([text, ids]) }))
    .min(1)
    .max(500),
  /** Ids of an answer that is gone on from. */
  prefix: ids.default([]),
  temperature: z.number().min(0).max(10).default(0.7),
  topK: z.number().int().min(0).max(100_000).default(0),
  topP: z.number().gt(0).max(1).default(1),
  maxTokens: z.number().int().min(1).max(4096).default(160),
  seed: z.number().int().min(0).max(0xffffffff).default(1),
  alternatives: z.number().int().min(0).max(20).default(8),
})
export type ChatRequest = z.infer<typeof chatRequest>

export const nextRequest = z.strictObject({ model: modelId, text, chat: z.boolean().default(false) })
export const scoreRequest = z.strictObject({ model: modelId, text: text.min(1).max(20_000) })

export const tiredRequest = z.strictObject({
  model: modelId,
  times: z.number().int().min(10).max(100).default(100),
  seed: z.number().int().min(0).max(0xffffffff).default(1),
})

export const controlBody = z.discriminatedUnion('type', [
  z.strictObject({ type: z.enum(['pause', 'resume', 'stop']) }),
  z.strictObject({ type: z.literal('sample'), prompt: z.string().max(1000).optional() }),
  /** Starts a trainer where none is at work: goes on with the run. */
  z.strictObject({ type: z.literal('start') }),
])

export const deleteBody = z.strictObject({ confirm: z.string() })

/** A key path and a value of YAML's plain kinds. */
const setting = z.tuple([
  z
    .string()
    .regex(/^[\w.-]+$/)
    .max(200),
  z.union([z.string().max(2000), z.number(), z.boolean()]),
])

export const createBody = z.strictObject({
  /** One that comes with xueba. */
  recipe: z
    .string()
    .regex(/^[\w-]+$/)
    .max(64),
  name: z.string().min(1).max(128),
  language: z.enum(['zh', 'en']),
  seed: z.number().int().min(0).max(0xffffffff).optional(),
  depth: z.number().int().min(1).max(64).optional(),
  minutes: z.number().positive().max(100_000).optional(),
  set: z.array(setting).max(200).default([]),
})
export type CreateBody = z.infer<typeof createBody>

/** With dialogues: they are studied. Without: the run's rankings are learnt from. */
export const furtherBody = z.strictObject({
  model: modelId,
  name: z.string().min(1).max(128),
  language: z.enum(['zh', 'en']),
  dialogues: z
    .array(
      z
        .array(z.strictObject({ role: z.enum(['system', 'user', 'assistant']), content: text.min(1).max(4000) }))
        .min(2)
        .max(50),
    )
    .min(1)
    .max(200)
    .optional(),
})

export const draftsBody = z.strictObject({
  model: modelId,
  drafts: z.number().int().min(2).max(5).default(3),
  /** Drafts that were passed over since the last order: others are wanted. */
  skipped: z.number().int().min(0).max(100_000).default(0),
})

export const labelBody = z.strictObject({
  prompt: text.min(1),
  drafts: z.array(text.min(1)).min(2).max(5),
  /** Drafts by number, best rank first; empty: all bad. */
  ranks: z.array(z.array(z.number().int().nonnegative()).min(1)).max(5),
})
