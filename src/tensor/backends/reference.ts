/**
 * The textbook backend: walks the same commands with plain loops in float64 (src/tensor/ops hold them, next to each
 * formula). Slow, and the oracle that every other backend is tested against. Ids are kept as float64 in the same heap.
 */
import type { Backend } from '../backend.ts'
import type { CommandList } from '../command.ts'
import { referenceKernels } from '../ops/index.ts'

const ELEMENT_BYTES = 8

export function openReference(): Backend {
  let heap = new Float64Array(1 << 16)
  let top = 8 // address 0 means absent
  const freed: { address: number; bytes: number }[] = []
  const slice = (address: number, length: number) =>
    heap.subarray(address / ELEMENT_BYTES, address / ELEMENT_BYTES + length)
  return {
    name: 'reference',
    threads: 1,
    elementBytes: ELEMENT_BYTES,
    blockBytes: 1 << 20,
    description: { language: 'TypeScript', precision: 'float64' },
    reserve(bytes) {
      const again = freed.findIndex((block) => block.bytes === bytes)
      if (again >= 0) return freed.splice(again, 1)[0]!.address
      const address = top * ELEMENT_BYTES
      top += Math.ceil(bytes / ELEMENT_BYTES / 8) * 8
      if (top > heap.length) {
        const larger = new Float64Array(Math.max(top, heap.length * 2))
        larger.set(heap)
        heap = larger
      }
      return address
    },
    release: (address, bytes) => void freed.push({ address, bytes }),
    write: (address, _dtype, values) => slice(address, values.length).set(values),
    read: (address, dtype, length) =>
      dtype === 'i32' ? Int32Array.from(slice(address, length)) : slice(address, length).slice(),
    execute(commands: CommandList) {
      for (let i = 0; i < commands.count; i++) {
        const { kernel, dims, scalars, addresses } = commands.at(i)
        const run = referenceKernels[kernel]
        if (!run) throw new Error(`the reference backend has no kernel ${kernel}`)
        run({
          dims,
          scalars,
          has: (operand) => addresses[operand] !== 0,
          at(operand) {
            if (addresses[operand] === 0) throw new Error(`${kernel}: operand ${operand} is absent`)
            return heap.subarray(addresses[operand]! / ELEMENT_BYTES)
          },
        })
      }
    },
    close: () => Promise.resolve(),
  }
}
