/** What a constraint lets through is JSON of the schema, whatever is drawn; what the subset does not hold is refused. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { random } from '../../tensor/index.ts'
import type { TokenText } from '../text.ts'
import { constrainToJson, tokenTree } from './constraint.ts'
import { readSchema, SchemaError } from './schema.ts'
import { accepts, type Schema, schemas } from './schemas.test-helper.ts'
import { value } from './states.ts'

/** All bytes, then pieces that cross the borders between values. */
const words = [
  '":"',
  '","',
  '":',
  '{"',
  '"}',
  '},{',
  '[[',
  ']]',
  '],"',
  '":[',
  '":{"',
  'true',
  'false,"',
  'null}',
  '123',
  '4.5',
  'e1',
  '-',
  '\\u00',
  '\\"',
  '学',
  '霸"',
  ' ',
  '  ',
  '12,',
  '3]',
  '0}',
  '"a":',
  '"ab',
  'é',
  '😀"',
  '\\ud8',
]
const pieces = [
  ...Array.from({ length: 256 }, (_, i) => Uint8Array.of(i)),
  ...words.map((w) => new TextEncoder().encode(w)),
]
const stop = pieces.length
const tokenizer: TokenText = {
  vocabSize: stop + 1,
  isSpecialId: (id) => id === stop,
  bytesOf: (id) => pieces[id] ?? new TextEncoder().encode('<|end|>'),
}
const tree = tokenTree(tokenizer)

describe('a constraint', () => {
  it('always ends as JSON of the schema, in the tokens that are left', () => {
    fc.assert(
      fc.property(schemas, fc.nat(), fc.nat(60), (schema, seed, more) => {
        const shape = readSchema(schema)
        const limit = shape.cost + more
        fc.pre(limit < 400)
        const constraint = constrainToJson(shape, tree, tokenizer, stop + 3, [stop])
        const draw = random(seed, 'json')
        const drawn: number[] = []
        for (let left = limit; left > 0 && !constraint.ended; left--) {
          const mask = constraint.mask(left)!
          expect(mask).toHaveLength(stop + 3)
          const allowed = [...mask.keys()].filter((id) => mask[id] === 0)
          expect(allowed.length).toBeGreaterThan(0)
          const id = draw.pick(allowed)
          if (id === stop) break
          constraint.push(id)
          drawn.push(id)
        }
        expect(constraint.complete).toBe(true)
        const bytes = Uint8Array.from(drawn.flatMap((id) => [...pieces[id]!]))
        const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
        expect(accepts(schema, JSON.parse(text)), `${text} for ${JSON.stringify(schema)}`).toBe(true)
      }),
      { numRuns: 1500 },
    )
  })

  it('reaches every value, as compact JSON', () => {
    const reaches = (schema: Schema, v: unknown) => {
      let state: ReturnType<typeof value> | null = value(readSchema(schema))
      for (const byte of new TextEncoder().encode(typeof v === 'string' ? v : JSON.stringify(v)))
        state = state?.step(byte) ?? null
      return state?.done ?? false
    }
    const person: Schema = {
      type: 'object',
      properties: {
        name: { type: 'string' },
        age: { type: 'integer' },
        tags: { type: 'array', items: { enum: ['a', 'b'] } },
      },
      required: ['name'],
    }
    for (const v of [
      { name: '学霸 "\\\n\u0001é😀', age: -12, tags: ['a', 'b', 'b'] },
      { name: '', tags: [] },
    ])
      expect(reaches(person, v)).toBe(true)
    for (const v of ['{"age":1}', '{"name":"x",}', '{"name":"x" }', '{"name":"x","age":01}', '{"name":"\\ud800"}'])
      expect(reaches(person, v), v).toBe(false)
    for (const v of ['0', '-0', '-1.50e-07', '1E+9', '123456789012345'])
      expect(reaches({ type: 'number' }, v)).toBe(true)
    for (const v of ['01', '1.', '.5', '1e', '+1', '--1', '1e999', '1234567890123456', ''])
      expect(reaches({ type: 'number' }, v), v).toBe(false)
    expect(reaches({ type: 'integer' }, '1.0')).toBe(false)
    expect(reaches({ enum: [1, 12, 125] }, '12')).toBe(true)
    expect(reaches({ enum: [1, 125] }, '12')).toBe(false)
  })

  it('says when nothing may come any more', () => {
    const constraint = constrainToJson(readSchema({ type: 'boolean' }), tree, tokenizer, stop + 1, [stop])
    expect(constraint.mask(0) === null).toBe(true)
    constraint.push(pieces.findIndex((piece) => new TextDecoder().decode(piece) === 'true'))
    expect([constraint.ended, constraint.complete]).toEqual([true, true])
    expect(constraint.mask(1)![stop]).toBe(0)
    expect(() => constraint.push(0)).toThrow('token 0 may not come here')
  })
})

describe('a schema that is not in the subset is refused with its place', () => {
  const nested = (depth: number): Schema =>
    depth === 0 ? { type: 'null' } : { type: 'array', items: nested(depth - 1) }
  it.each<[unknown, string]>([
    [null, 'schema: expected an object, got null'],
    [{}, 'schema: "type", "enum", "const" or "anyOf" is needed'],
    [{ type: 'strin' }, 'schema.type: expected some of object, string'],
    [{ type: [] }, 'schema.type: expected some of'],
    [{ type: 'string', pattern: 'a' }, 'schema: "pattern" is not supported'],
    [{ $ref: '#' }, '"$ref" is not supported'],
    [{ type: 'integer', minimum: 0 }, '"minimum" and "maximum" are not supported'],
    [{ type: 'number', minimum: -1e20 }, '"minimum" and "maximum" are not supported'],
    [{ type: 'array' }, 'schema: an array needs "items"'],
    [{ type: 'array', items: { type: 'null' }, minItems: 3, maxItems: 2 }, '0 <= minItems <= maxItems'],
    [{ type: 'array', items: { type: 'null' }, minItems: 1e308 }, '0 <= minItems <= maxItems'],
    [{ type: 'object', properties: { a: { type: 'x' } } }, 'schema.properties.a.type: expected'],
    [{ type: 'object', properties: [] }, 'schema.properties: expected an object'],
    [{ type: 'object', required: ['a'] }, 'schema.required: "a" is not among the properties'],
    [{ type: 'object', required: 'a' }, 'schema.required: expected a list of names'],
    [{ type: 'object', additionalProperties: { type: 'string' } }, 'only true or false'],
    [{ enum: [] }, '"enum" and "const" take'],
    [{ enum: [{}] }, '"enum" and "const" take'],
    [{ type: 'string', enum: [1] }, 'no enumerated value is of the type "string"'],
    [{ enum: Array.from({ length: 257 }, (_, i) => i) }, 'more than 256'],
    [{ anyOf: [] }, 'schema.anyOf: expected a list'],
    [{ anyOf: [{ type: 'string' }, { enum: ['a'] }] }, 'only alternatives that begin differently'],
    [{ anyOf: [{ type: 'number' }, { enum: [1] }] }, 'only alternatives that begin differently'],
    [{ anyOf: [{ type: 'null' }], type: 'null' }, '"type" beside "anyOf"'],
    [nested(17), 'nested deeper than 16 levels'],
    [
      { type: 'object', properties: Object.fromEntries(Array.from({ length: 257 }, (_, i) => [i, { type: 'null' }])) },
      'more than 256 schemas',
    ],
  ])('%j', (schema, message) => {
    expect(() => readSchema(schema)).toThrow(SchemaError)
    expect(() => readSchema(schema)).toThrow(message)
  })
})
