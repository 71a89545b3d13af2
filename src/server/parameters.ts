/**
 * What a request may say. As at OpenAI, a parameter that nobody knows is refused, and null is the same as absent. Parameters
 * of OpenAI's that change nothing here are ignored; those that would change the answer and are not supported are refused, unless
 * they ask for nothing (`false`, an empty list). Three come from elsewhere: `top_k`, `min_p`, `repetition_penalty`.
 */
import { z } from 'zod'
import { type ApiError, invalid } from './errors.ts'

const IGNORED = [
  'user',
  'store',
  'metadata',
  'service_tier',
  'safety_identifier',
  'prompt_cache_key',
  'prompt_cache_retention',
  'parallel_tool_calls',
]
const UNSUPPORTED = [
  'tools',
  'tool_choice',
  'functions',
  'function_call',
  'logit_bias',
  'audio',
  'modalities',
  'prediction',
  'reasoning_effort',
  'verbosity',
  'web_search_options',
  'suffix',
  'echo',
]

const MOST_MESSAGES = 1024

// Lists are checked by hand, or their length first: a mebibyte of wrong elements must cost milliseconds, not an issue for each.
const isListOf = <T>(value: unknown, is: (one: unknown) => one is T): value is T[] =>
  Array.isArray(value) && value.every(is)
const isString = (value: unknown) => typeof value === 'string'
const isPart = (value: unknown): value is { text: string } =>
  typeof value === 'object' &&
  value !== null &&
  'type' in value &&
  value.type === 'text' &&
  'text' in value &&
  isString(value.text)
const isId = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isIds = (value: unknown): value is number[] => isListOf(value, isId) && value.length > 0

const count = z.number().int().min(1)
const penalty = z.literal(0, 'only 0 is supported')
const common = {
  model: z.string(),
  stream: z.boolean().optional(),
  stream_options: z
    .object({ include_usage: z.boolean().nullish(), include_obfuscation: z.boolean().nullish() })
    .optional(),
  stop: z
    .custom<string | string[]>((value) => {
      const list: unknown = isString(value) ? [value] : value
      return isListOf(list, isString) && list.length <= 4 && !list.includes('')
    }, 'expected a string or up to four, none of them empty')
    .optional(),
  seed: z.number().int().optional(),
  n: count.max(128).optional(),
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().min(0).max(1).optional(),
  max_tokens: count.optional(),
  frequency_penalty: penalty.optional(),
  presence_penalty: penalty.optional(),
  top_k: z.number().int().min(0).optional(),
  min_p: z.number().min(0).max(1).optional(),
  repetition_penalty: z.number().min(0.01).max(100).optional(),
  response_format: z
    .discriminatedUnion('type', [
      z.object({ type: z.literal('text') }),
      z.object({
        type: z.literal('json_schema'),
        json_schema: z.object({ name: z.string(), schema: z.unknown(), strict: z.boolean().nullish() }),
      }),
    ])
    .optional(),
}

const text = z
  .custom<string | { text: string }[]>(
    (value) => isString(value) || isListOf(value, isPart),
    'expected a string, or parts of type "text"',
  )
  .transform((value) => (typeof value === 'string' ? value : value.map((part) => part.text).join('')))
const message = z.discriminatedUnion('role', [
  z.object({ role: z.enum(['system', 'developer', 'user']), content: text }),
  z.object({ role: z.literal('assistant'), content: text.nullish() }),
])

const prompt = z.custom<string | string[] | number[] | number[][]>(
  (value) =>
    isString(value) ||
    isIds(value) ||
    ((isListOf(value, isString) || isListOf(value, isIds)) && (value as unknown[]).length > 0),
  'expected a string, strings, token ids, or lists of them',
)

export const chatParameters = z.object({
  ...common,
  messages: z.array(z.unknown()).min(1).max(MOST_MESSAGES).pipe(z.array(message)),
  max_completion_tokens: count.optional(),
  logprobs: z.boolean().optional(),
  top_logprobs: z.number().int().min(0).max(20).optional(),
})

export const completionParameters = z.object({
  ...common,
  prompt,
  logprobs: z.number().int().min(0).max(5).optional(),
  best_of: z.literal(1, 'only 1 is supported').optional(),
})

export type CommonParameters = z.output<z.ZodObject<typeof common>>

/** Checks a body. Throws an ApiError that names the parameter. */
export function readParameters<T extends z.ZodObject>(schema: T, body: unknown): z.output<T> {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw invalid('body', 'The body must be a JSON object.', 'invalid_type')
  const given: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(body)) {
    if (value === null || IGNORED.includes(name)) continue
    if (Object.hasOwn(schema.shape, name)) given[name] = value
    else if (!UNSUPPORTED.includes(name)) throw invalid(name, `Unknown parameter: '${name}'.`, 'unknown_parameter')
    else if (!asksForNothing(value))
      throw invalid(name, `Unsupported parameter: '${name}' is not supported with this model.`, 'unsupported_parameter')
  }
  const result = schema.safeParse(given)
  if (!result.success) throw complaint(result.error.issues[0]!, given)
  return result.data
}

const asksForNothing = (value: unknown) =>
  value === false ||
  value === '' ||
  value === 'none' ||
  (typeof value === 'object' && Object.keys(value ?? {}).length === 0)

function complaint(issue: z.core.$ZodIssue, given: Record<string, unknown>): ApiError {
  const param = issue.path.reduce<string>(
    (name, key) => (typeof key === 'number' ? `${name}[${key}]` : name ? `${name}.${String(key)}` : String(key)),
    '',
  )
  if (issue.path.length === 1 && !Object.hasOwn(given, String(issue.path[0])))
    return invalid(param, `Missing required parameter: '${param}'.`, 'missing_required_parameter')
  const code = issue.code === 'invalid_type' ? 'invalid_type' : 'invalid_value'
  return invalid(param, `Invalid '${param}': ${issue.message}.`, code)
}
