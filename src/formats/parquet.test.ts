/** Files written by pyarrow (test/fixtures/parquet), and damaged copies of them. */
import fc from 'fast-check'
import type { SchemaTree } from 'hyparquet'
import type { PageHeader } from 'hyparquet/src/types.js'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { collect } from './bytes.ts'
import type { RandomAccess } from './bytes.ts'
import { unpackPage } from './parquet-runs.ts'
import { openParquet } from './parquet.ts'

const folder = join(import.meta.dirname, '../../test/fixtures/parquet')
const names = readdirSync(folder).flatMap((file) => (file.endsWith('.parquet') ? [file.slice(0, -8)] : []))
const fixture = (name: string) => readFileSync(join(folder, `${name}.parquet`))
const all = JSON.parse(readFileSync(join(folder, 'rows.json'), 'utf8')) as unknown[]
const rowsOf = (name: string) => all.slice(0, /plain/.test(name) ? 20 : 40)

const asked: number[] = []
function memory(bytes: Uint8Array): RandomAccess {
  return {
    byteLength: bytes.length,
    async slice(start, end = bytes.length) {
      asked.push(end - start)
      return Uint8Array.from(bytes.subarray(start, end)).buffer
    },
  }
}
async function read(bytes: Uint8Array, columns?: string[]) {
  const file = await openParquet(memory(bytes))
  return typeof file === 'string' ? file : collect(file.read(columns))
}

test.each(names)('%s: all columns, nested ones too', async (name) => {
  const rows = rowsOf(name)
  expect(rows.length).toBeGreaterThan(10)
  expect(await read(fixture(name))).toEqual(rows.map((value, row) => ({ row, value })))
})

test('only what is asked for is read', async () => {
  const bytes = fixture('gzip-groups')
  asked.length = 0
  const rows = await read(bytes, ['language', 'id', 'nothing'])
  const expected = rowsOf('gzip-groups') as { id: string; language: string }[]
  expect(rows).toEqual(expected.map(({ id, language }, row) => ({ row, value: { id, language } })))
  const file = await openParquet(memory(bytes))
  expect(file).toMatchObject({ rows: 40, columns: expect.arrayContaining(['text', 'messages']) })
})

test('what is no Parquet file is said', async () => {
  const bytes = fixture('snappy-v1')
  expect(await read(new Uint8Array(3))).toMatch(/no Parquet file: it has 3 bytes/)
  expect(await read(bytes.subarray(0, -1))).toMatch(/does not end with PAR1/)
  const lie = Buffer.from(bytes)
  lie.writeUInt32LE(1 << 30, lie.length - 8)
  expect(await read(lie)).toMatch(/says 1073741824 bytes in a file/)
  lie.fill(0xff, lie.length - 300, lie.length - 8)
  lie.writeUInt32LE(292, lie.length - 8)
  expect(await read(lie)).toMatch(/^the footer is damaged/)
  lie.write('PARE', lie.length - 4)
  expect(await read(lie)).toMatch(/encrypted/)
})

test('runs that claim too much are refused before they are read', () => {
  const element = (repetition_type: string) => ({ element: { name: 'x', type: 'DOUBLE', repetition_type } })
  const path = (repetition: string) => [{ element: { name: 'root' } }, element(repetition)] as unknown as SchemaTree[]
  const open = (bytes: number[], repetition: string) => {
    const page = Uint8Array.from(bytes)
    const header = {
      type: 'DATA_PAGE',
      uncompressed_page_size: page.length,
      compressed_page_size: page.length,
      data_page_header: { num_values: 8, encoding: 'RLE_DICTIONARY' },
    } as PageHeader
    return unpackPage(header, new DataView(page.buffer), 'UNCOMPRESSED', path(repetition), {})
  }
  const billion = [0x80, 0x80, 0x80, 0x80, 8]
  expect(() => open([3, 16, 5], 'REQUIRED')).not.toThrow()
  expect(() => open([3, ...billion, 5], 'REQUIRED')).toThrow('a run of 1073741824 values where 8 are missing')
  expect(() => open([3, 0x80, ...billion, 5], 'REQUIRED')).toThrow('a run length of more than 32 bits')
  expect(() => open([2, 0, 0, 0, 16, 1, 3, 16, 5], 'OPTIONAL')).not.toThrow()
  expect(() => open([6, 0, 0, 0, ...billion, 1, 3, 16, 5], 'OPTIONAL')).toThrow(/^a run of 1073741824/)
  expect(() => open([2, 0, 0, 0, 8, 1, ...billion, 3], 'OPTIONAL')).toThrow('runs end after 4 of 8 values')
  expect(() => open([60, 16, 5], 'REQUIRED')).toThrow('values of 60 bits')
})

test('a damaged row group is one defect; the others are read', async () => {
  const bytes = Buffer.from(fixture('gzip-groups'))
  const at = bytes.indexOf(Buffer.from([0x1f, 0x8b, 8])) // the first packed page
  bytes.fill(0xee, at + 12, at + 24)
  expect(await read(bytes, ['text', 'id'])).toEqual([
    { row: 0, rows: 7, defect: expect.stringMatching(/^row group 0: column text: /) },
    ...(rowsOf('gzip-groups') as { text: string; id: string }[])
      .slice(7)
      .map(({ text, id }, i) => ({ row: i + 7, value: { text, id } })),
  ])
})

test('damage anywhere: no crash, no hang, as many rows as the footer says or a defect', async () => {
  const files = names.map((name) => fixture(name))
  const change = fc.record({
    which: fc.nat(files.length - 1),
    at: fc.nat(1e6),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
    late: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(change, async ({ which, at, bytes, late }) => {
      const copy = Buffer.from(files[which]!)
      copy.set(
        bytes.subarray(0, copy.length),
        (late ? copy.length - 1 - (at % 4000) : at) % (copy.length - bytes.length),
      )
      const result = await read(copy)
      if (typeof result === 'string') expect(result).not.toBe('')
      else for (const item of result) expect('value' in item || item.defect !== '').toBe(true)
    }),
    { numRuns: 500 },
  )
})
