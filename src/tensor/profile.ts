/**
 * Where the time of a captured program goes: its commands run one by one, so that each is timed by itself (barriers and calls add
 * about a microsecond to each, and what one leaves in the caches for the next is the same as in a run).
 */
import { CommandList, type DecodedCommand } from './command.ts'
import type { Engine } from './engine.ts'
import type { KernelName } from './kernels.ts'
import type { Program } from './program.ts'

export interface ProfileRow {
  kernel: KernelName
  calls: number
  /** Of all calls in one run: the median of the runs. */
  ms: number
  /** Floating-point operations of one run; 0 for kernels that only move memory. */
  flops: number
  /** Bytes that one run reads and writes at least once. */
  bytes: number
}

/** The kernels of the programs by time, longest first. Only where a backend runs synchronously. */
export async function profile(engine: Engine, programs: readonly Program[], runs = 5): Promise<ProfileRow[]> {
  const rows = new Map<KernelName, ProfileRow & { times: number[] }>()
  const commands = programs.flatMap((program) => Array.from(program))
  await engine.settle()
  for (let run = 0; run < runs; run++)
    for (const command of commands) {
      const { kernel, dims, scalars, addresses } = command
      const one = new CommandList()
      one.push(kernel, [...dims], [...scalars], [...addresses])
      const begin = performance.now()
      engine.submit(one)
      await engine.settle()
      const ms = performance.now() - begin
      const row = rows.get(kernel) ?? { kernel, calls: 0, ms: 0, flops: 0, bytes: 0, times: [] }
      rows.set(kernel, row)
      row.times[run] = (row.times[run] ?? 0) + ms
      if (run > 0) continue
      const cost = costOf(command)
      row.calls++
      row.flops += cost.flops
      row.bytes += 4 * cost.floats
    }
  return [...rows.values()]
    .map(({ times, ...row }) => ({ ...row, ms: times.toSorted((a, b) => a - b)[times.length >> 1]! }))
    .sort((a, b) => b.ms - a.ms)
}

interface Cost {
  flops: number
  /** Elements read and written, each tensor once for every time that it is an operand. */
  floats: number
}

/** From a command's dimensions; attention is counted as one document a row, its causal half. */
function costOf({ kernel, dims: d, addresses }: DecodedCommand): Cost {
  const [a = 0, b = 0, c = 0, e = 0, f = 0] = d
  const given = (operand: number) => (addresses[operand] === 0 ? 0 : 1)
  const nothing = { flops: 0, floats: a }
  switch (kernel) {
    case 'gemm':
      return { flops: 2 * a * b * c, floats: a * c + b * c + a * b * (1 + given(3)) }
    case 'linear_int8':
      return { flops: 2 * a * b * c, floats: a * c + (b * c) / 4 + a * b * (1 + given(4)) }
    case 'cross_entropy': {
      const products = 1 + given(5) + given(6)
      return { flops: 2 * a * b * c * products, floats: (a * b + b * c) * products }
    }
    case 'attention_forward':
    case 'attention_backward': {
      const backward = kernel === 'attention_backward'
      // (T² + T)/2 scores a head; two products of D forward, five backward.
      const scores = (a * c * (b * b + b)) / 2
      const tokens = a * b * f * (2 * c + 2 * e)
      return { flops: 2 * scores * f * (backward ? 5 : 2), floats: tokens * (backward ? 2 : 1) }
    }
    case 'qk_forward':
    case 'qk_backward':
      return { flops: 0, floats: a * (b + c) * e * (kernel === 'qk_forward' ? 2 : 4) }
    case 'rmsnorm_forward':
      return { flops: 0, floats: 2 * a * b }
    case 'rmsnorm_backward':
      return { flops: 0, floats: a * b * (3 + c) }
    case 'swiglu_forward':
      return { flops: 0, floats: 3 * a * b }
    case 'swiglu_backward':
      return { flops: 0, floats: a * b * (5 + 2 * c) }
    case 'embedding_forward':
      return { flops: 0, floats: 2 * a * b }
    case 'embedding_backward':
      return { flops: 0, floats: 3 * a * b }
    case 'adamw':
      return { flops: 0, floats: 8 * a }
    case 'muon_momentum':
      return { flops: 0, floats: 5 * a }
    case 'muon_apply':
      return { flops: 0, floats: 4 * a }
    case 'copy':
    case 'normalize':
    case 'axpby':
      return { flops: 0, floats: 2 * a }
    case 'binary':
      return { flops: 0, floats: 3 * a }
    default:
      return nothing
  }
}
