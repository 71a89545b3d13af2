import fc from 'fast-check'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { collect } from './bytes.ts'
import { parseCsv } from './csv.ts'

const escape = (value: string) => `"${value.replaceAll('"', '""')}"`
const read = (text: string | Uint8Array, maxRow?: number) => collect(parseCsv([Buffer.from(text)], maxRow))

test('quotes, commas and line ends in fields, CRLF, a byte-order mark, blank lines', async () => {
  expect(await read('\ufeffname,text\r\n"a ""b"", c","two\nlines"\r\n\r\n价格,12元\n')).toEqual([
    { line: 2, offset: 14, row: { name: 'a "b", c', text: 'two\nlines' } },
    { line: 5, offset: 42, row: { name: '价格', text: '12元' } },
  ])
})

test('a quote inside a field that is not quoted is a character like any other', async () => {
  const rows = await read('id,text\n1,He said 5" tall\n2,ok\n3,6"" more\n4,"so ""it"" is"\n')
  expect(rows.map((row) => ('row' in row ? row.row.text : row.defect))).toEqual([
    'He said 5" tall',
    'ok',
    '6"" more',
    'so "it" is',
  ])
  expect(await read('\ufeff"a\nb",c\n1,2\n')).toMatchObject([{ row: { 'a\nb': '1', c: '2' } }])
})

test('defects carry their line and reading goes on', async () => {
  const bytes = Buffer.concat([
    Buffer.from('a,b\n1\n1,2,3\n"x"y,2\n'),
    Buffer.from([0xff]),
    Buffer.from(',1\n3,4\n"open,5\n6,7'),
  ])
  expect(await read(bytes)).toEqual([
    { line: 2, offset: 4, defect: '1 fields; the header has 2' },
    { line: 3, offset: 6, defect: '3 fields; the header has 2' },
    { line: 4, offset: 12, defect: 'text after the closing quote of field 1' },
    { line: 5, offset: 19, defect: 'invalid UTF-8' },
    { line: 6, offset: 23, row: { a: '3', b: '4' } },
    { line: 7, offset: 27, defect: 'a quote opens and never closes' },
    { line: 8, offset: 35, row: { a: '6', b: '7' } },
  ])
})

test('columns without a name of their own get one', async () => {
  expect(await read('a,,a\n1,2,3')).toMatchObject([{ row: { a: '1', column2: '2', a_2: '3' } }])
  expect(await read('')).toEqual([])
  expect(await read('a,b')).toEqual([])
})

test('a row over the limit is a defect', async () => {
  const rows = await read(`a\n${'x'.repeat(50)}\n1\n`, 20)
  expect(rows[0]).toMatchObject({ line: 2, defect: 'row of more than 20 bytes' })
  expect(rows.at(-1)).toMatchObject({ row: { a: '1' } })
})

test('torn gzip: the rows before, then a defect', async () => {
  const text = `a,b\n${Array.from({ length: 5000 }, (_, i) => `${i},${Math.sin(i)}`).join('\n')}\n`
  const packed = gzipSync(text)
  const rows = await read(packed.subarray(0, packed.length >> 1))
  expect(rows.length).toBeGreaterThan(1000)
  expect(rows.at(-1)).toMatchObject({ defect: expect.stringMatching(/the file ends inside it/) })
})

test('what is written is read, wherever the chunks are cut', async () => {
  const field = fc.string({ unit: fc.constantFrom('a', 'é', '中', '"', ',', '\n', '\r\n', ' ', '😀') })
  const rows = fc.array(fc.tuple(field, field), { minLength: 1, maxLength: 5 })
  const size = fc.integer({ min: 1, max: 9 })
  await fc.assert(
    fc.asyncProperty(rows, size, async (rows, size) => {
      const bytes = Buffer.from(`x,y\n${rows.map((row) => row.map(escape).join(',')).join('\r\n')}`)
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      )
      const result = await collect(parseCsv(chunks))
      expect(result.map((r) => ('row' in r ? [r.row['x'], r.row['y']] : r))).toEqual(rows)
    }),
  )
})

test('any bytes at all: no crash, no hang', async () => {
  const unit = fc.constantFrom(34, 44, 10, 13, 97, 0xff, 0xe4)
  await fc.assert(
    fc.asyncProperty(fc.array(unit, { maxLength: 60 }), async (bytes) => void (await read(new Uint8Array(bytes), 30))),
  )
})
