import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { openControl, sendControl } from './control.ts'

const folder = mkdtempSync(join(tmpdir(), 'xueba-control-'))
afterAll(() => rmSync(folder, { recursive: true }))

it('delivers each request once, in order, from the moment it was opened', () => {
  const path = join(folder, 'control.jsonl')
  sendControl(path, { type: 'stop' }) // nobody was listening
  const control = openControl(path)
  expect(control.poll()).toEqual({ requests: [], rejected: [] })
  sendControl(path, { type: 'pause' })
  sendControl(path, { type: 'sample', prompt: '你好' })
  expect(control.poll().requests).toEqual([{ type: 'pause' }, { type: 'sample', prompt: '你好' }])
  expect(control.poll().requests).toEqual([])
})

it('survives clients that write nonsense or die in the middle of a line', () => {
  const path = join(folder, 'torn.jsonl')
  const control = openControl(path)
  appendFileSync(path, '{"type":"explode"}\n{"type":"pau')
  expect(control.poll()).toEqual({ requests: [], rejected: ['{"type":"explode"}'] })
  sendControl(path, { type: 'stop' })
  expect(control.poll()).toEqual({ requests: [{ type: 'stop' }], rejected: ['{"type":"pau'] })
})
