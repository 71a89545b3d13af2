import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import { canonical, filesBelow, publishFolder, readJson, sha256, sha256OfFile, sweep, writeJson } from './files.ts'

const folder = mkdtempSync(join(tmpdir(), 'xueba-files-'))
afterAll(() => rmSync(folder, { recursive: true }))

it('hashes a file in pieces as it would in one', async () => {
  const bytes = Buffer.alloc(2_500_001, 'xueba')
  writeFileSync(join(folder, 'large'), bytes)
  expect(await sha256OfFile(join(folder, 'large'))).toBe(sha256(bytes))
  expect(sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad') // FIPS 180-2
})

it('writes equal values equally, whatever the order of their keys', () => {
  const reversed = (value: unknown): unknown => {
    if (value === null || typeof value !== 'object') return value
    if (Array.isArray(value)) return value.map(reversed)
    return Object.fromEntries(
      Object.entries(value)
        .toReversed()
        .map(([key, part]) => [key, reversed(part)]),
    )
  }
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(canonical(reversed(value))).toBe(canonical(value))
      expect(JSON.parse(canonical(value))).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})

it('reads JSON, nothing when there is none, and names a file that is not JSON', async () => {
  await writeJson(join(folder, 'a.json'), { a: '学' })
  expect(await readJson(join(folder, 'a.json'))).toEqual({ a: '学' })
  expect(await readJson(join(folder, 'none.json'))).toBeUndefined()
  writeFileSync(join(folder, 'b.json'), '{')
  await expect(readJson(join(folder, 'b.json'))).rejects.toThrow('b.json is not JSON')
})

it('publishes a folder over an older one, hidden files apart', async () => {
  const [draft, target] = [join(folder, '.draft.tmp'), join(folder, 'target')]
  mkdirSync(join(draft, 'deep'), { recursive: true })
  mkdirSync(target)
  writeFileSync(join(target, 'old'), '')
  for (const name of ['b', 'a', 'deep/c', '.hidden']) writeFileSync(join(draft, name), name)
  await publishFolder(draft, target)
  expect(await filesBelow(target)).toEqual(['a', 'b', 'deep/c'])
  expect(await filesBelow(target, ['deep'])).toEqual(['a', 'b'])
  mkdirSync(join(folder, '.left.tmp'))
  await sweep(folder)
  expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([])
})
