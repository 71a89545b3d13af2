/** Damaged and lying model files: a sentence that names what is wrong, no crash, no memory for what is not there. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { fuzzModels } from './hostile.test-helper.ts'

const folder = mkdtempSync(join(tmpdir(), 'xueba-hostile-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('hundreds of damaged files are refused in our words, or are files after all', async () => {
  const { crashes, refused, read, kinds, megabytes } = await fuzzModels(400, folder)
  expect(crashes).toEqual([])
  expect(kinds).toBeGreaterThan(20)
  expect(megabytes).toBeLessThan(500)
  // what is cut is no file, and weights that are no numbers are found
  expect([refused['safetensors, cut'], refused['safetensors, NaN']]).toEqual([50, 50])
  expect(refused['gguf, cut']).toBeGreaterThan(45) // a cut may take padding only
  expect(Object.values(read).reduce((a, b) => a + b, 0)).toBeLessThan(160)
})
