/** What only this backend has: a memory that ends at 4 GiB, workers, and traps that must not leave anyone waiting. */
import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { CommandList } from '../command.ts'
import { openWasmInNode } from './wasm.node.ts'

/** `n` floats from `address`. */
function fill(address: number, n: number): CommandList {
  const list = new CommandList()
  list.push('fill', [n], [1], [address])
  return list
}

it('refuses what does not fit in 4 GiB, and goes on', async () => {
  const backend = await openWasmInNode(1)
  const large = backend.reserve(3 * 2 ** 30)
  expect(() => backend.reserve(2 ** 30)).toThrow(
    /3\d{3} MB in use \(4096 MB is the most there is\), and 1024 MB more.*native backend/,
  )
  expect(() => backend.reserve(5 * 2 ** 30)).toThrow(/5120 MB more/)
  const last = large + 3 * 2 ** 30 - 64 // beyond 2 GiB, where signed addresses end
  backend.execute(fill(last, 16))
  expect([...backend.read(last, 'f32', 16)]).toEqual(Array.from({ length: 16 }).fill(1))
  backend.release(large, 3 * 2 ** 30)
  expect(backend.reserve(2 ** 30)).toBe(large)
  await backend.close()
})

it.each([1, 2, 3])('a trap on %i threads ends in an error, for this command and the next', async (threads) => {
  const backend = await openWasmInNode(threads)
  const address = backend.reserve(64)
  expect(() => backend.execute(fill(2 ** 32 - 64, 1 << 16))).toThrow(/the kernels stopped \(RuntimeError/)
  expect(() => backend.execute(fill(address, 16))).toThrow(/the kernels stopped/)
  await backend.close()
})

it("a worker's trap does not leave the caller waiting", async () => {
  const backend = await openWasmInNode(2)
  const end = backend.reserve(2 ** 20) // the second half, which thread 1 fills, lies beyond the memory
  expect(() => backend.execute(fill(end, 2 ** 19))).toThrow(/the kernels stopped/)
  await backend.close()
})

it('names an unknown opcode by its place, and stays usable', async () => {
  const backend = await openWasmInNode(2)
  const address = backend.reserve(64)
  const list = fill(address, 16)
  new Int32Array(list.bytes().buffer)[0] = 99
  expect(() => backend.execute(list)).toThrow('command 0 has an opcode')
  backend.execute(fill(address, 16))
  await backend.close()
  expect(() => backend.execute(fill(address, 16))).toThrow('closed')
})

it.each(['await backend.close()', ''])('lets Node exit, whether closed or not: "%s"', (last) => {
  const program = `import { openWasmInNode } from './wasm.node.ts'
    import { CommandList } from '../command.ts'
    const backend = await openWasmInNode(3)
    const list = new CommandList()
    list.push('fill', [16], [1], [backend.reserve(64)])
    backend.execute(list)
    ${last}
    console.log('end')`
  const options = { cwd: import.meta.dirname, encoding: 'utf8', timeout: 50_000 } as const
  expect(execFileSync(process.execPath, ['--input-type=module-typescript', '-e', program], options)).toBe('end\n')
})
