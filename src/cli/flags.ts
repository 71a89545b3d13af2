/**
 * Flags from a zod schema: names, types, defaults and help all come from the one object that also checks them.
 * `--dry-run` is the key `dryRun`; booleans take no value; arrays may be repeated.
 */
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { nearest } from '../run/nearest.ts'
import { language, type Sentence, say } from './language.ts'

/** A mistake in the command itself: exit code 2. */
export class UsageError extends Error {}

/** Adds help to a flag. */
export function help<T extends z.ZodType>(schema: T, en: string, zh: string): T {
  return schema.meta({ en, zh }) as T
}

/** What a model that only answers computes with. */
export const weightsFlag = help(
  z.enum(['f32', 'int8']).default('f32'),
  'int8: weights rounded to 8 bits, of which a token reads a quarter of the bytes',
  'int8：权重取到 8 位，每个词元只读四分之一的字节',
)

interface Flag {
  key: string
  name: string
  kind: 'boolean' | 'string' | 'number'
  many: boolean
  help: Sentence
  values: string[]
  fallback: unknown
}

/** What the schema says about each flag. */
function flagsOf(schema: z.ZodObject): Flag[] {
  return Object.entries(schema.shape).map(([key, field]) => {
    const meta = z.globalRegistry.get(field as z.core.$ZodType) as Partial<Sentence> | undefined
    let [inner, many, fallback]: [z.core.$ZodType, boolean, unknown] = [field as z.core.$ZodType, false, undefined]
    for (;;) {
      const def = (inner as z.ZodType).def as {
        type: string
        innerType?: z.core.$ZodType
        element?: z.core.$ZodType
        defaultValue?: unknown
      }
      if (def.type === 'array') [inner, many] = [def.element!, true]
      else if (def.innerType) {
        if (def.type === 'default') fallback = def.defaultValue
        inner = def.innerType
      } else break
    }
    const def = (inner as z.ZodType).def as { type: string; entries?: Record<string, string> }
    const kind = def.type === 'boolean' || def.type === 'number' ? def.type : 'string'
    const name = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    return {
      key,
      name,
      kind,
      many,
      help: { en: meta?.en ?? '', zh: meta?.zh ?? '' },
      values: Object.keys(def.entries ?? {}),
      fallback,
    }
  })
}

/** Splits arguments into positionals and checked flags. Throws a UsageError in the reader's language. */
export function parseFlags<T extends z.ZodObject>(
  args: string[],
  schema: T,
): { positionals: string[]; flags: z.infer<T> } {
  const flags = flagsOf(schema)
  const options = Object.fromEntries(
    flags.map(({ name, kind, many }) => [
      name,
      { type: kind === 'boolean' ? ('boolean' as const) : ('string' as const), multiple: many },
    ]),
  )
  const unknown = args.find((a) => /^--[^=]/.test(a) && !Object.hasOwn(options, a.slice(2).split('=', 1).join()))
  if (unknown && (args.indexOf('--') < 0 || args.indexOf('--') > args.indexOf(unknown))) {
    const name = unknown.slice(2).split('=')[0]!
    const near = nearest(name, Object.keys(options))
    throw new UsageError(
      say({
        en: `there is no flag --${name}${near ? `; did you mean --${near}?` : ''}`,
        zh: `没有 --${name} 这个选项${near ? `；是不是 --${near}？` : ''}`,
      }),
    )
  }
  let parsed: ReturnType<typeof parseArgs>
  try {
    parsed = parseArgs({ args, options, allowPositionals: true })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error })
  }
  const given = Object.fromEntries(
    flags
      .filter(({ name }) => parsed.values[name] !== undefined)
      .map(({ key, name, kind }) => {
        const value = parsed.values[name]
        const read = (word: unknown) => (kind === 'number' && word !== '' ? Number(word) : word)
        return [key, Array.isArray(value) ? value.map(read) : read(value)]
      }),
  )
  const result = schema.safeParse(given, language() === 'zh' ? { error: z.locales.zhCN().localeError } : {})
  if (!result.success) {
    const [issue] = result.error.issues
    const flag = flags.find(({ key }) => key === issue!.path[0])
    throw new UsageError(
      say({
        en: `--${flag?.name}: ${issue!.message}${flag?.values.length ? ` (${flag.values.join(' | ')})` : ''}`,
        zh: `--${flag?.name} 的值不对：${issue!.message}${flag?.values.length ? `（${flag.values.join(' | ')}）` : ''}`,
      }),
    )
  }
  return { positionals: parsed.positionals, flags: result.data as z.infer<T> }
}

/** The help lines of a schema's flags. */
export function describeFlags(schema: z.ZodObject): string {
  const rows = flagsOf(schema).map(({ name, kind, values, help: text, fallback }) => {
    const value = kind === 'boolean' ? '' : values.length > 0 ? ` ${values.join('|')}` : kind === 'number' ? ' N' : ' …'
    const preset =
      fallback === undefined || fallback === false
        ? ''
        : say({ en: ` (default ${String(fallback)})`, zh: `（默认 ${String(fallback)}）` })
    return [`--${name}${value}`, `${say(text)}${preset}`] as const
  })
  const width = Math.min(28, Math.max(0, ...rows.map(([flag]) => flag.length)))
  return rows.map(([flag, text]) => `  ${flag.padEnd(width)}  ${text}`).join('\n')
}
