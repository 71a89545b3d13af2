/** What the sandbox lets happen, and what not. */
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterAll, expect, test } from 'vitest'
import { passes, programIn } from './humaneval.ts'
import { openSandbox } from './sandbox.ts'

const opened = await openSandbox().catch((error: Error) => {
  console.warn(`skipped: ${error.message}`)
  return undefined
})
const sandbox = opened!
const inside = test.skipIf(!opened)
afterAll(() => opened?.close())

inside('a program that comes to its end, or raises, or leaves early', async () => {
  expect(await sandbox.run('import math, collections, typing\nprint(math.gcd(12, 18))')).toEqual({
    finished: true,
    stopped: null,
    output: '6\n',
  })
  const raised = await sandbox.run('assert 1 == 2, "not the same"')
  expect(raised.finished).toBe(false)
  expect(raised.output).toContain('not the same')
  for (const early of ['raise SystemExit(0)', 'import os\nos._exit(0)', 'def f(:'])
    expect((await sandbox.run(early)).finished, early).toBe(false)
})

inside('no files but the library, none written', async () => {
  const { output } = await sandbox.run(`import os
print(sorted(os.listdir('/')))
for path in ('/etc/passwd', '/home', '/root/.ssh', '/proc/self', '/dev', '/tmp', ${JSON.stringify(import.meta.filename)}):
    print(path, os.path.exists(path))
for path in ('/x', '/usr/lib/x'):
    try: open(path, 'w')
    except OSError as error: print('refused')`)
  expect(output).not.toMatch(/True/)
  expect(output.match(/refused/g)).toHaveLength(2)
  expect(existsSync('/usr/lib/x')).toBe(false)
})

inside('no network, not even this machine', async () => {
  const server = createServer(() => expect.unreachable())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const { output } = await sandbox.run(`import socket
try: socket.create_connection(('127.0.0.1', ${port}), 1); print('reached')
except OSError as error: print('refused')`)
  server.close()
  expect(output).toBe('refused\n')
})

inside(
  'no processes, no endless time, memory or output',
  async () => {
    expect((await sandbox.run('import os\nos.fork()')).output).toMatch(/BlockingIOError|unavailable/)
    expect((await sandbox.run('import subprocess\nsubprocess.run(["/usr/bin/setpriv"])')).finished).toBe(false)
    expect(await sandbox.run('while True: pass', { seconds: 1, bytes: 256 << 20 })).toMatchObject({ finished: false })
    const asleep = 'import os, time\nos.setsid()\ntime.sleep(60)'
    expect((await sandbox.run(asleep, { seconds: 1, bytes: 256 << 20 })).stopped).toBe('time')
    expect((await sandbox.run('x = bytearray(1 << 30)')).output).toContain('MemoryError')
    expect((await sandbox.run('while True: print("x" * 1000)')).stopped).toBe('output')
  },
  30_000,
)

const problem = {
  task_id: 'Own/0',
  prompt: 'from typing import List\n\n\ndef total(values: List[int]) -> int:\n    """The sum."""\n',
  entry_point: 'total',
  test: 'def check(candidate):\n    assert candidate([1, 2, 3]) == 6\n    assert candidate([]) == 0\n',
}

inside('tests pass or fail', async () => {
  expect(await passes(sandbox, problem, `${problem.prompt}    return sum(values)\n`)).toBe(true)
  expect(await passes(sandbox, problem, `${problem.prompt}    return 6\n`)).toBe(false)
  expect(await passes(sandbox, problem, `${problem.prompt}    return sum(values\n`)).toBe(false)
  const answer = 'Here it is:\n```python\ndef total(values: List[int]) -> int:\n    return sum(values)\n```\nDone.'
  expect(await passes(sandbox, problem, programIn(answer, problem.prompt))).toBe(true)
})

test('the first block of code of an answer, with the imports of the problem', () => {
  expect(programIn('```\nx = 1\n```\n```\ny\n```', problem.prompt)).toBe('from typing import List\nx = 1')
  expect(programIn('x = 1', 'def f():\n')).toBe('\nx = 1')
  expect(programIn('```python\nx = 1', 'import a\n')).toBe('import a\nx = 1')
})
