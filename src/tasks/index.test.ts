import { expect, test } from 'vitest'
import { makeTask, taskSchema } from './index.ts'
import { openTask } from './open.node.ts'

test('a recipe names a task, and unknown keys are refused', async () => {
  const spec = taskSchema.parse({ name: 'arithmetic', digits: 3 })
  if ('file' in spec) throw new Error('unreachable')
  expect(makeTask(spec, 'zh').name).toBe('arithmetic-3-digits')
  expect((await openTask(taskSchema.parse({ name: 'countdown' }), 'en')).task.name).toBe('countdown-2-numbers')
  expect(() => taskSchema.parse({ name: 'arithmetic', digit: 3 })).toThrow(/digit/)
  expect(() => taskSchema.parse({ name: 'mawps' })).toThrow(/file/)
  await expect(openTask({ name: 'mawps', fresh: false, file: '/nowhere.csv' }, 'en')).rejects.toThrow(/nowhere/)
})
