import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { median, takeTurns } from './measure.ts'

it('a median of an even number of values lies between the middle two', () => {
  expect(median([4, 1, 3])).toBe(3)
  expect(median([4, 1, 3, 10])).toBe(3.5)
})

it('rivals take turns, each with a run that does not count', async () => {
  const order: string[] = []
  let clock = 0
  const rival = (name: string, seconds: number) => () => {
    order.push(name)
    clock++
    return Promise.resolve(seconds * clock)
  }
  const seconds = await takeTurns(2, [rival('A', 1), rival('B', 10)])
  expect(order.join('')).toBe('AABBAABB')
  expect(seconds).toEqual([
    [2, 6],
    [40, 80],
  ])
})

describe('xueba bench', () => {
  const run = (...args: string[]) => {
    const sizes = '--layers 1 --heads 1 --kv-heads 1 --dim 64 --ff 64 --vocab 300'.split(' ')
    const main = new URL('../main.ts', import.meta.url).pathname
    const { stdout, stderr, status } = spawnSync(
      process.execPath,
      [main, 'bench', ...args, ...sizes, '--threads', '1'],
      {
        encoding: 'utf8',
      },
    )
    expect(status, stderr).toBe(0)
    return stdout
  }
  const step = ['step', '--batch', '2', '--block', '32', '--steps', '2', '--warmup', '1']

  it.each(['f32', 'bf16'])('step prints one line of JSON with the fields of its peer, in %s', (precision) => {
    const lines = run(...step, '--precision', precision, '--json')
      .trim()
      .split('\n')
    expect(lines).toHaveLength(1)
    const found = JSON.parse(lines[0]!)
    expect(found).toMatchObject({ what: 'bench', dtype: precision === 'f32' ? 'float32' : 'bfloat16', threads: 1 })
    for (const field of ['params', 'best_ms', 'median_ms', 'tok_s_best', 'tok_s_median', 'gflops_median', 'loss_first'])
      expect(found[field], field).toBeGreaterThan(0)
    expect(found.tok_s_median).toBeCloseTo(64_000 / found.median_ms, 3)
  })

  it('step takes turns with a peer, here itself', () => {
    const main = new URL('../main.ts', import.meta.url).pathname
    const peer = `${process.execPath} ${main} bench ${step.join(' ')} --layers 1 --heads 1 --kv-heads 1 --dim 64 --ff 64 --vocab 300 --json`
    const found = JSON.parse(run(...step, '--rounds', '2', '--peer', peer, '--json'))
    expect(found.rounds).toHaveLength(2)
    expect(found.ratio).toBeGreaterThan(0)
  })

  it('a profile lists kernels whose shares add up', () => {
    const { kernels, ms } = JSON.parse(run(...step, '--profile', '--json'))
    expect(kernels.reduce((sum: number, row: { ms: number }) => sum + row.ms, 0)).toBeCloseTo(ms, 6)
    expect(kernels.map(({ kernel }: { kernel: string }) => kernel)).toContain('attention_backward')
  })

  it('decode gives tokens a second for each batch', () => {
    const { rows } = JSON.parse(
      run('decode', '--batch', '1', '--batch', '3', '--tokens', '2', '--rounds', '1', '--json'),
    )
    expect(rows.map(({ batch }: { batch: number }) => batch)).toEqual([1, 3])
    for (const row of rows) expect(row.tokensPerSecond).toBeGreaterThan(0)
  })
})
