/**
 * Looking into zod schemas, for what a schema knows and a parsed value has lost: which keys exist somewhere, and which strings are paths of files.
 * Objects, arrays, records, unions and the wrappers (optional, default, …) are looked through; nothing else occurs in recipes.
 */
import { z } from 'zod'

type Schema = z.core.$ZodType
type Key = PropertyKey

const FILE = 'data file'
const SOURCE = 'data source'

/** A string that is the path of a data file or folder which must exist; recipes resolve it (see recipe.ts). */
export function dataFile() {
  return z.string().min(1).meta({ format: FILE })
}

/** A `dataFile` that may also be a glob, or an http(s) address, which is left as it is. */
export function dataSource() {
  return z.string().min(1).meta({ format: SOURCE })
}

const formatOf = (schema: Schema) => z.globalRegistry.get(schema)?.format

/** The keys an object at this place of the value may have; none where it is no object. */
export function keysAt(schema: Schema, path: readonly Key[]): string[] {
  if (path.length === 0)
    return variants(schema).flatMap((variant) => (variant instanceof z.ZodObject ? Object.keys(variant.shape) : []))
  return variants(schema).flatMap((variant) => {
    const child = childOf(variant, path[0]!)
    return child ? keysAt(child, path.slice(1)) : []
  })
}

/** A copy of a parsed value in which each `dataFile` string is replaced by what `visit` makes of it. `exact`: it is no glob. */
export function mapDataFiles<T>(
  schema: Schema,
  value: T,
  visit: (file: string, path: Key[], exact: boolean) => string,
  path: Key[] = [],
): T {
  if (typeof value === 'string') {
    const formats = variants(schema).map(formatOf)
    if (formats.includes(FILE)) return visit(value, path, true) as T
    const here = formats.includes(SOURCE) && !/^https?:\/\//i.test(value)
    return (here ? visit(value, path, !/[*?[\]{}]/.test(value)) : value) as T
  }
  if (value === null || typeof value !== 'object') return value
  const variant = variants(schema).find((candidate) => z.safeParse(candidate, value).success) ?? schema
  const mapped = Object.entries(value).map(([key, part]: [string, unknown]) => {
    const at = Array.isArray(value) ? Number(key) : key
    const child = childOf(variant, at)
    return [key, child ? mapDataFiles(child, part, visit, [...path, at]) : part] as const
  })
  return (Array.isArray(value) ? mapped.map(([, part]) => part) : Object.fromEntries(mapped)) as T
}

function isDataFile(schema: Schema): boolean {
  return formatOf(schema) === FILE || formatOf(schema) === SOURCE
}

/** The schemas a value may be of, without wrappers; more than one for a union. */
function variants(schema: Schema): Schema[] {
  const def = (schema as z.ZodType).def as {
    type: string
    innerType?: Schema
    in?: Schema
    options?: Schema[]
    getter?: () => Schema
  }
  if (isDataFile(schema)) return [schema]
  if (def.type === 'union') return def.options!.flatMap(variants)
  const inner = def.innerType ?? (def.type === 'pipe' ? def.in : def.type === 'lazy' ? def.getter!() : undefined)
  return inner ? variants(inner) : [schema]
}

function childOf(schema: Schema, key: Key): Schema | undefined {
  const def = (schema as z.ZodType).def as {
    type: string
    shape?: Record<Key, Schema>
    element?: Schema
    valueType?: Schema
  }
  if (def.type === 'object') return Object.hasOwn(def.shape!, key) ? def.shape![key] : undefined
  return def.type === 'array' ? def.element : def.type === 'record' ? def.valueType : undefined
}
