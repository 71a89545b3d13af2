/** Schemas of the subset, drawn at random, and what JSON Schema says of a value. */
import fc from 'fast-check'

export interface Schema {
  type?: string | string[]
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  minItems?: number
  maxItems?: number
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  [annotation: string]: unknown
}

/** What the schema says of a value, by the rules of JSON Schema. */
export function accepts(schema: Schema, v: unknown): boolean {
  if (schema.anyOf) return schema.anyOf.some((one) => accepts(one, v))
  if ('const' in schema && v !== schema.const) return false
  if (schema.enum && !schema.enum.includes(v)) return false
  const types = schema.type === undefined ? [] : [schema.type].flat()
  const isObject = typeof v === 'object' && v !== null && !Array.isArray(v)
  const fits: Record<string, boolean> = {
    object:
      isObject &&
      (schema.required ?? []).every((name) => Object.hasOwn(v, name)) &&
      Object.entries(v).every(
        ([name, inner]) => Object.hasOwn(schema.properties ?? {}, name) && accepts(schema.properties![name]!, inner),
      ),
    array:
      Array.isArray(v) &&
      v.length >= (schema.minItems ?? 0) &&
      v.length <= (schema.maxItems ?? Infinity) &&
      v.every((inner) => accepts(schema.items!, inner)),
    string: typeof v === 'string' && v.isWellFormed(),
    number: typeof v === 'number' && Number.isFinite(v),
    integer: Number.isSafeInteger(v),
    boolean: typeof v === 'boolean',
    null: v === null,
  }
  return types.length === 0 || types.some((type) => fits[type])
}

const names = fc.constantFrom('a', 'ab', 'b"', '学', '__proto__', '')
export const { schema: schemas } = fc.letrec<{ schema: Schema }>((tie) => ({
  schema: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<Schema>(
      { type: 'string', description: 'x' },
      { type: 'integer', minimum: -(2 ** 53 - 1), maximum: 2 ** 53 - 1 },
      { type: 'number' },
      { type: ['boolean', 'null'] },
      { type: ['string', 'null', 'integer'] },
      { enum: [1, 12, 'a', 'ab', true, null, -0.5, '学"'] },
      { const: 'x' },
      { anyOf: [{ type: 'string' }, { enum: [null, true] }] },
    ),
    fc.record({ type: fc.constant('array'), items: tie('schema'), minItems: fc.nat(2) }),
    fc.record({ type: fc.constant('array'), items: tie('schema'), maxItems: fc.nat(3) }),
    fc
      .uniqueArray(fc.tuple(names, tie('schema'), fc.boolean()), { maxLength: 4, selector: ([name]) => name })
      .map((list) => ({
        type: 'object',
        properties: Object.fromEntries(list.map(([name, one]) => [name, one])),
        required: list.filter(([, , required]) => required).map(([name]) => name),
        additionalProperties: false,
      })),
  ),
}))
