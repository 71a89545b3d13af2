/** xueba bench attention: forward and backward at the lengths that rows have, against the FMA peak on the causal half. */
import { z } from 'zod'
import { attention as attend, backward, multiply, profile, type ProfileRow, random, sum } from '../../tensor/index.ts'
import { backendNames, openEngine } from '../../tensor/open.node.ts'
import { help } from '../flags.ts'
import { say } from '../language.ts'
import { verb } from '../verb.ts'
import { median, peakFlops, warnIfBusy } from './measure.ts'
import { whole } from './sizes.ts'

export const attentionFlags = z.object({
  heads: whole(6, 'query heads', '查询头数'),
  kvHeads: whole(6, 'key/value heads', '键值头数'),
  headDim: whole(64, 'size of a head', '每个头的大小'),
  threads: help(z.number().int().positive().optional(), 'threads (default: all cores)', '线程数（默认全部核）'),
  backend: help(z.enum(backendNames).optional(), 'backend (default: the best)', '计算后端（默认最好的）'),
  json: help(z.boolean().default(false), 'print JSON', '输出 JSON'),
})
type Flags = z.infer<typeof attentionFlags>

const LENGTHS = [128, 256, 512, 1024, 2048]
/** Tokens of a batch, whatever the length of its rows. */
const TOKENS = 2048

export const attention = verb({
  name: 'attention',
  operands: '',
  summary: { en: 'attention by the length of its rows', zh: '不同长度下的注意力' },
  flags: attentionFlags,
  async run(_, options) {
    const load = warnIfBusy()
    const result = await timeAttention(options)
    if (options.json) console.log(JSON.stringify({ ...result, load }, null, 1))
    else printAttention(result)
    return 0
  },
})

export async function timeAttention({ heads, kvHeads, headDim, threads, backend }: Omit<Flags, 'json'>) {
  const engine = await openEngine({ backend, threads })
  const draw = random(1, 'bench attention')
  const normal = (...shape: number[]) => {
    const size = shape.reduce((a, b) => a * b)
    const t = engine.tensor(
      Float32Array.from({ length: size }, () => draw.normal()),
      shape,
    )
    t.requiresGrad = true
    t.grad = engine.zeros(shape)
    return t
  }
  const rows = []
  for (const time of LENGTHS) {
    const batch = TOKENS / time
    const rope = engine.tensor(
      Float32Array.from({ length: time * headDim }, (_, i) => (i % headDim < headDim / 2 ? 1 : 0)),
      [time, headDim],
    )
    const starts = engine.tensor(new Int32Array(TOKENS), [TOKENS], 'i32')
    const [qkv, qNorm, kNorm] = [normal(TOKENS, (heads + 2 * kvHeads) * headDim), normal(headDim), normal(headDim)]
    const weights = engine.full([TOKENS, heads * headDim], 1e-3)
    const program = engine.capture(() => {
      const y = attend({ qkv, qNorm, kNorm, rope, starts }, { batch, time, heads, kvHeads, headDim, eps: 1e-6 })
      backward(sum(multiply(y, weights)))
    })
    const before = peakFlops(engine, 'f32')
    const found = await profile(engine, [program], 9)
    const peak = (before + peakFlops(engine, 'f32')) / 2 / 1e9
    const gflops = (kernel: ProfileRow['kernel']) => {
      const { flops, ms } = found.find((row) => row.kernel === kernel)!
      return flops / ms / 1e6
    }
    const [forward, back] = [gflops('attention_forward'), gflops('attention_backward')]
    const share = (value: number) => (peak > 0 ? value / peak : null)
    rows.push({ time, batch, peak, forward, backward: back, forwardShare: share(forward), backwardShare: share(back) })
    program.free()
    for (const t of [rope, starts, qkv, qNorm, kNorm, weights]) t.free()
  }
  const { name, threads: used } = engine.backend
  await engine.close()
  return { backend: name, threads: used, peak: median(rows.map((row) => row.peak)), rows }
}

export function printAttention({ backend, threads, peak, rows }: Awaited<ReturnType<typeof timeAttention>>): void {
  console.log(
    say({
      en: `attention, causal half, ${backend}, ${threads} threads, f32; peak ${peak.toFixed(0)} GFLOP/s`,
      zh: `注意力（因果的一半），${backend}，${threads} 个线程，f32；峰值 ${peak.toFixed(0)} GFLOP/s`,
    }),
  )
  const cell = (gflops: number, share: number | null) =>
    `${gflops.toFixed(0).padStart(5)} GFLOP/s ${share === null ? '' : `${(100 * share).toFixed(0)} %`.padStart(5)}`
  for (const row of rows)
    console.log(
      `  T ${String(row.time).padEnd(5)} ${say({ en: 'forward', zh: '前向' })} ${cell(row.forward, row.forwardShare)}  ${say({ en: 'backward', zh: '反向' })} ${cell(row.backward, row.backwardShare)}`,
    )
}
