/**
 * A JSON Schema as what a value may look like, byte by byte. The subset: `type` (one or several of object, string, number,
 * integer, boolean, null, array), `properties`, `required`, `items`, `minItems`, `maxItems`, `enum`, `const`, and `anyOf` whose
 * alternatives begin differently. Everything else is refused, annotations aside: a constraint that is not kept would be worse
 * than none. What is written is compact JSON with the properties in the schema's order and no others.
 */

/** What a value may be: any of the kinds that are there. Their first bytes differ. */
export interface JsonShape {
  /** Whole texts in UTF-8: true, false, null, and enumerated values. */
  literals: Uint8Array[]
  string: boolean
  number: 'number' | 'integer' | null
  object: Property[] | null
  array: { items: JsonShape; least: number; most: number } | null
  /** Bytes of the shortest such value. */
  cost: number
}

export interface Property {
  /** `"name":` in UTF-8. */
  key: Uint8Array
  required: boolean
  value: JsonShape
  /** Bytes needed at least after the value, the closing brace counted. */
  after: number
}

/** Names the place in the schema and what was expected there. */
export class SchemaError extends Error {}

const TYPES = ['object', 'string', 'number', 'integer', 'boolean', 'null', 'array'] as const
type Type = (typeof TYPES)[number]

const ANNOTATIONS = ['title', 'description', 'default', 'examples', '$schema', '$comment']
const KEYWORDS = [
  'type',
  'properties',
  'required',
  'additionalProperties',
  'items',
  'minItems',
  'maxItems',
  'enum',
  'const',
]
const BOUNDS = ['minimum', 'maximum']
const MOST_DEEP = 16
const MOST_SHAPES = 256
const MOST_ITEMS = 1000

const encoder = new TextEncoder()

/** Throws a SchemaError. */
export function readSchema(schema: unknown): JsonShape {
  let shapes = 0

  function shapeOf(schema: unknown, at: string, depth: number): JsonShape {
    if (!isObject(schema)) throw new SchemaError(`${at}: expected an object, got ${show(schema)}`)
    if (depth > MOST_DEEP) throw new SchemaError(`${at}: nested deeper than ${MOST_DEEP} levels`)
    if (++shapes > MOST_SHAPES) throw new SchemaError(`${at}: more than ${MOST_SHAPES} schemas inside one another`)
    if (Object.hasOwn(schema, 'anyOf')) return anyOf(schema, at, depth)
    for (const key of Object.keys(schema))
      if (![...KEYWORDS, ...BOUNDS, ...ANNOTATIONS].includes(key))
        throw new SchemaError(`${at}: "${key}" is not supported (supported: ${[...KEYWORDS, 'anyOf'].join(', ')})`)
    const types = typesOf(schema, at)
    const has = (type: Type) => types?.includes(type) ?? false
    if (Object.hasOwn(schema, 'enum') || Object.hasOwn(schema, 'const')) {
      const shape = enumerated(schema, types, at)
      if ((shapes += shape.literals.length) > MOST_SHAPES)
        throw new SchemaError(`${at}: more than ${MOST_SHAPES} enumerated values and schemas`)
      return shape
    }
    if (!types) throw new SchemaError(`${at}: "type", "enum", "const" or "anyOf" is needed`)
    checkBounds(schema, types, at)
    const shape: JsonShape = {
      literals: [...(has('boolean') ? ['true', 'false'] : []), ...(has('null') ? ['null'] : [])].map(bytes),
      string: has('string'),
      number: has('number') ? 'number' : has('integer') ? 'integer' : null,
      object: has('object') ? propertiesOf(schema, at, depth) : null,
      array: has('array') ? arrayOf(schema, at, depth) : null,
      cost: 0,
    }
    return withCost(shape)
  }

  function propertiesOf(schema: Json, at: string, depth: number): Property[] {
    const { properties = {}, required = [], additionalProperties = true } = schema
    if (!isObject(properties)) throw new SchemaError(`${at}.properties: expected an object, got ${show(properties)}`)
    if (typeof additionalProperties !== 'boolean')
      throw new SchemaError(`${at}.additionalProperties: only true or false is supported`)
    if (!Array.isArray(required) || !required.every((name) => typeof name === 'string'))
      throw new SchemaError(`${at}.required: expected a list of names, got ${show(required)}`)
    const missing = required.find((name: string) => !Object.hasOwn(properties, name))
    if (missing !== undefined) throw new SchemaError(`${at}.required: ${show(missing)} is not among the properties`)
    const names = new Set<string>(required)
    const list = Object.entries(properties).map(([name, value]) => ({
      key: bytes(`${JSON.stringify(name)}:`),
      required: names.has(name),
      value: shapeOf(value, `${at}.properties.${name}`, depth + 1),
      after: 1,
    }))
    for (let i = list.length - 2; i >= 0; i--) {
      const next = list[i + 1]!
      list[i]!.after = next.after + (next.required ? 1 + next.key.length + next.value.cost : 0)
    }
    return list
  }

  function arrayOf(schema: Json, at: string, depth: number): NonNullable<JsonShape['array']> {
    const { items, minItems: least = 0, maxItems: most = Infinity } = schema
    if (items === undefined) throw new SchemaError(`${at}: an array needs "items"`)
    const isCount = (n: unknown): n is number => Number.isInteger(n) && (n as number) >= 0
    if (!isCount(least) || least > MOST_ITEMS || !(most === Infinity || isCount(most)) || most < least)
      throw new SchemaError(`${at}: expected 0 <= minItems <= maxItems, minItems at most ${MOST_ITEMS}`)
    return { items: shapeOf(items, `${at}.items`, depth + 1), least, most }
  }

  function anyOf(schema: Json, at: string, depth: number): JsonShape {
    for (const key of Object.keys(schema))
      if (key !== 'anyOf' && !ANNOTATIONS.includes(key))
        throw new SchemaError(`${at}: "${key}" beside "anyOf" is not supported`)
    if (!Array.isArray(schema.anyOf) || schema.anyOf.length === 0)
      throw new SchemaError(`${at}.anyOf: expected a list of schemas, got ${show(schema.anyOf)}`)
    return schema.anyOf.map((one, i) => shapeOf(one, `${at}.anyOf[${i}]`, depth + 1)).reduce((a, b) => merge(a, b, at))
  }

  return shapeOf(schema, 'schema', 0)
}

type Json = Record<string, unknown>
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const bytes = (text: string) => encoder.encode(text)
/** Objects by kind only: what came may be an abyss. */
function show(value: unknown): string {
  if (typeof value !== 'object' || value === null) return (JSON.stringify(value) ?? 'nothing').slice(0, 80)
  return Array.isArray(value) ? 'a list' : 'an object'
}

function typesOf(schema: Json, at: string): readonly Type[] | null {
  if (!Object.hasOwn(schema, 'type')) return null
  const types = Array.isArray(schema.type) ? schema.type : [schema.type]
  if (types.length === 0 || !types.every((type): type is Type => TYPES.includes(type as Type)))
    throw new SchemaError(`${at}.type: expected some of ${TYPES.join(', ')}, got ${show(schema.type)}`)
  return types
}

/** Integers are written with 15 digits at most, so bounds beyond that (as zod's z.int() has) are kept anyway. */
function checkBounds(schema: Json, types: readonly Type[], at: string): void {
  const { minimum, maximum } = schema
  const wide = (bound: unknown, sign: 1 | -1) => bound === undefined || (bound as number) * sign >= 1e15
  if (minimum === undefined && maximum === undefined) return
  if (types.includes('number') || !wide(minimum, -1) || !wide(maximum, 1))
    throw new SchemaError(`${at}: "minimum" and "maximum" are not supported`)
}

function enumerated(schema: Json, types: readonly Type[] | null, at: string): JsonShape {
  const values: unknown = Object.hasOwn(schema, 'const') ? [schema.const] : schema.enum
  if (Object.hasOwn(schema, 'const') && Object.hasOwn(schema, 'enum'))
    throw new SchemaError(`${at}: "enum" beside "const" is not supported`)
  if (Array.isArray(values) && values.length > MOST_SHAPES)
    throw new SchemaError(`${at}: more than ${MOST_SHAPES} enumerated values`)
  const isScalar = (value: unknown) => value === null || ['string', 'number', 'boolean'].includes(typeof value)
  if (!Array.isArray(values) || values.length === 0 || !values.every(isScalar))
    throw new SchemaError(`${at}: "enum" and "const" take strings, numbers, booleans and null`)
  const isOf = (value: unknown, type: Type) =>
    type === 'null' ? value === null : type === 'integer' ? Number.isInteger(value) : typeof value === type
  const kept = values.filter((value) => !types || types.some((type) => isOf(value, type)))
  if (kept.length === 0) throw new SchemaError(`${at}: no enumerated value is of the type ${show(schema.type)}`)
  const texts = [...new Set(kept.map((value) => JSON.stringify(value)))]
  return withCost({ literals: texts.map(bytes), string: false, number: null, object: null, array: null, cost: 0 })
}

/** Both, where the first byte always tells which. */
function merge(a: JsonShape, b: JsonShape, at: string): JsonShape {
  const shape: JsonShape = {
    literals: [...a.literals, ...b.literals.filter((text) => !a.literals.some((other) => equal(text, other)))],
    string: a.string || b.string,
    number: a.number === 'number' || b.number === 'number' ? 'number' : (a.number ?? b.number),
    object: a.object ?? b.object,
    array: a.array ?? b.array,
    cost: 0,
  }
  const starts = (first: RegExp) => shape.literals.some((text) => first.test(String.fromCharCode(text[0]!)))
  if (
    (a.object && b.object) ||
    (a.array && b.array) ||
    (shape.string && starts(/"/)) ||
    (shape.number && starts(/[-0-9]/))
  )
    throw new SchemaError(`${at}.anyOf: only alternatives that begin differently are supported`)
  return withCost(shape)
}

const equal = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, i) => byte === b[i])

function withCost(shape: JsonShape): JsonShape {
  const { literals, string, number, object, array } = shape
  const costs = literals.map((text) => text.length)
  if (string) costs.push(2)
  if (number) costs.push(1)
  if (object) {
    const first = object.find((p) => p.required)
    costs.push(first ? 1 + first.key.length + first.value.cost + first.after : 2)
  }
  if (array) costs.push(2 + array.least * array.items.cost + Math.max(0, array.least - 1))
  return { ...shape, cost: Math.min(...costs) }
}
