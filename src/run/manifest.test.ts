import { mkdirSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, it } from 'vitest'
import { sha256 } from './files.ts'
import { isCurrent, outputHash, readManifest, verifyManifest, writeManifest } from './manifest.ts'

const base = mkdtempSync(join(tmpdir(), 'xueba-manifest-'))
afterAll(() => rmSync(base, { recursive: true }))
let folder = ''
let count = 0
beforeEach(() => {
  folder = join(base, String(count++))
  mkdirSync(join(folder, 'checkpoints'), { recursive: true })
  writeFileSync(join(folder, 'documents.jsonl'), '{}\n')
  writeFileSync(join(folder, 'checkpoints', 'x'), 'not a product')
  writeFileSync(join(folder, '.half.tmp'), 'left by a crash')
})

const made = {
  kind: 'corpus',
  name: 'corpus',
  config: { b: 1, a: { y: [1, 2], x: undefined } },
  inputs: { 'a.txt': 'abc' },
  seconds: 1.5,
  metrics: { documents: 1 },
}

it('records products, and neither checkpoints nor leftovers', async () => {
  expect(await readManifest(folder)).toBeUndefined()
  const manifest = await writeManifest(folder, made)
  expect(manifest.files).toEqual({ 'documents.jsonl': sha256('{}\n') })
  expect(await readManifest(folder)).toEqual(manifest)
})

it('is current for the same config in any order of keys, and for nothing else', async () => {
  await writeManifest(folder, made)
  const { kind, inputs } = made
  expect(await isCurrent(folder, { kind, config: { a: { y: [1, 2] }, b: 1 }, inputs })).toBe(true)
  expect(await isCurrent(folder, { kind, config: { a: { y: [2, 1] }, b: 1 }, inputs })).toBe(false)
  expect(await isCurrent(folder, { kind, config: made.config, inputs: { 'a.txt': 'abd' } })).toBe(false)
  expect(await isCurrent(folder, { kind, config: made.config, inputs: {} })).toBe(false)
  expect(await isCurrent(folder, { kind: 'sft', config: made.config, inputs })).toBe(false)
  unlinkSync(join(folder, 'documents.jsonl'))
  expect(await isCurrent(folder, made)).toBe(false)
})

it('is not done with a damaged manifest', async () => {
  await writeManifest(folder, made)
  writeFileSync(join(folder, 'manifest.json'), '{"kind": "corpus"')
  expect(await isCurrent(folder, made)).toBe(false)
})

it('names files that changed, and hashes products but not the time they took', async () => {
  const manifest = await writeManifest(folder, made)
  expect(await verifyManifest(folder, manifest)).toEqual([])
  expect(outputHash({ ...manifest, seconds: 9, metrics: {} })).toBe(outputHash(manifest))
  writeFileSync(join(folder, 'documents.jsonl'), '[]\n')
  expect(await verifyManifest(folder, manifest)).toEqual(['documents.jsonl has changed'])
  expect(outputHash(await writeManifest(folder, made))).not.toBe(outputHash(manifest))
  unlinkSync(join(folder, 'documents.jsonl'))
  expect(await verifyManifest(folder, manifest)).toEqual(['documents.jsonl is missing'])
})
