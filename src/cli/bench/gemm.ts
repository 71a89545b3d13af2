/** xueba bench gemm: matrix products at a training step's own shapes, against the FMA peak and OpenBLAS where it is installed. */
import { existsSync } from 'node:fs'
import koffi from 'koffi'
import { z } from 'zod'
import { type Engine, gemm as product, random } from '../../tensor/index.ts'
import { backendNames, openEngine } from '../../tensor/open.node.ts'
import { help } from '../flags.ts'
import { say } from '../language.ts'
import { verb } from '../verb.ts'
import { median, peakFlops, secondsOf, takeTurns, warnIfBusy } from './measure.ts'
import { rivalName } from './rival.ts'

export const gemmFlags = z.object({
  threads: help(z.number().int().positive().optional(), 'threads (default: all cores)', '线程数（默认全部核）'),
  precision: help(z.enum(['f32', 'bf16']).default('f32'), 'of the factors of matrix products', '矩阵乘法中因子的精度'),
  backend: help(z.enum(backendNames).optional(), 'backend (default: the best)', '计算后端（默认最好的）'),
  rounds: help(z.number().int().positive().default(7), 'turns', '轮流几次'),
  json: help(z.boolean().default(false), 'print JSON', '输出 JSON'),
})
type Flags = z.infer<typeof gemmFlags>

/** Stored transposed or not, as BLAS says it: N or T for A, then for B. */
type Layout = 'NN' | 'NT' | 'TN'

/** The products of a "medium" step (1,024 tokens, width 384), and of few rows. */
const SHAPES: [layout: Layout, m: number, n: number, k: number][] = [
  ['NT', 1024, 1152, 384],
  ['NT', 1024, 384, 384],
  ['NT', 1024, 2048, 384],
  ['NT', 1024, 384, 1024],
  ['NN', 1024, 384, 1152],
  ['NN', 1024, 384, 2048],
  ['NN', 1024, 1024, 384],
  ['TN', 1152, 384, 1024],
  ['TN', 2048, 384, 1024],
  ['TN', 384, 1024, 1024],
  ['NT', 256, 4096, 384],
  ['TN', 4096, 384, 256],
  ...([1, 8, 16, 64] as const).map((rows): [Layout, number, number, number] => ['NT', rows, 2304, 768]),
]

export interface GemmRow {
  layout: Layout
  m: number
  n: number
  k: number
  gflops: number
  /** Median of the turns' ratios to the peak of as many threads, measured in the same turn. */
  peakShare: number | null
  /** OpenBLAS (f32), where it is. */
  openblas: number | null
  /** Median of the pairs' ratios, ours to OpenBLAS's. */
  ratio: number | null
}

export const gemm = verb({
  name: 'gemm',
  operands: '',
  summary: { en: 'matrix products, beside OpenBLAS', zh: '矩阵乘法，与 OpenBLAS 对比' },
  flags: gemmFlags,
  async run(_, options) {
    const load = warnIfBusy()
    const result = await timeGemm(options)
    if (options.json) console.log(JSON.stringify({ ...result, load }, null, 1))
    else printGemm(result)
    return 0
  },
})

export async function timeGemm({ threads, precision, backend, rounds }: Omit<Flags, 'json'>) {
  const engine = await openEngine({ backend, threads })
  const blas = precision === 'f32' ? openBlas(engine.backend.threads) : null
  const rows: GemmRow[] = []
  engine.precision = precision
  const peaks: number[] = []
  const peakTurn = () => Promise.resolve(1 / peakFlops(engine, precision)) // seconds of an operation
  for (const [layout, m, n, k] of SHAPES) {
    const { own, free } = ownProduct(engine, layout, m, n, k)
    const rivals = blas ? [own, peakTurn, blas.product(layout, m, n, k)] : [own, peakTurn]
    const [ours, inRegisters, theirs] = await takeTurns(rounds, rivals)
    peaks.push(...inRegisters!.map((seconds) => 1 / seconds))
    const shares = ours!.map((seconds, i) => (2 * m * n * k * inRegisters![i]!) / seconds)
    const gflops = (seconds: number) => (2 * m * n * k) / seconds / 1e9
    rows.push({
      layout,
      m,
      n,
      k,
      gflops: gflops(median(ours!)),
      peakShare: Number.isFinite(shares[0]) ? median(shares) : null,
      openblas: theirs ? gflops(median(theirs)) : null,
      ratio: theirs ? median(ours!.map((seconds, i) => theirs[i]! / seconds)) : null,
    })
    free()
  }
  const { name, threads: used, description } = engine.backend
  await engine.close()
  return {
    backend: name,
    threads: used,
    precision,
    unit: description.bf16,
    peak: peaks.every(Number.isFinite) ? median(peaks) / 1e9 : 0,
    peer: blas?.version,
    rows,
  }
}

export function printGemm({
  backend,
  threads,
  precision,
  peak,
  peer,
  rows,
}: Awaited<ReturnType<typeof timeGemm>>): void {
  const against = peer ?? say({ en: 'OpenBLAS: not found', zh: '没有找到 OpenBLAS' })
  console.log(
    say({
      en: `matrix products, ${backend}, ${threads} threads, ${precision}; peak in registers ${peak.toFixed(0)} GFLOP/s; peer ${against}`,
      zh: `矩阵乘法，${backend}，${threads} 个线程，${precision}；寄存器内峰值 ${peak.toFixed(0)} GFLOP/s；对手 ${against}`,
    }),
  )
  for (const { layout, m, n, k, gflops, peakShare, openblas, ratio } of rows) {
    const share = peakShare === null ? '' : `${(100 * peakShare).toFixed(0)} %`.padStart(6)
    const peerPart = ratio === null ? '' : `  |  ${openblas!.toFixed(0).padStart(5)}  |  ${ratio.toFixed(2)}`
    console.log(
      `  ${layout}  ${`${m}×${n}×${k}`.padEnd(15)} ${gflops.toFixed(0).padStart(6)} GFLOP/s ${share}${peerPart}`,
    )
  }
}

function ownProduct(engine: Engine, layout: Layout, m: number, n: number, k: number) {
  const [transposeA, transposeB] = [layout[0] === 'T', layout[1] === 'T']
  const draw = random(1, 'bench gemm')
  const normal = (rows: number, columns: number) =>
    engine.tensor(
      Float32Array.from({ length: rows * columns }, () => draw.normal()),
      [rows, columns],
    )
  const a = transposeA ? normal(k, m) : normal(m, k)
  const b = transposeB ? normal(n, k) : normal(k, n)
  const c = engine.zeros([m, n])
  const program = engine.capture(() => product(a, b, c, { transposeA, transposeB }))
  return {
    own: () => secondsOf(engine, program),
    free() {
      program.free()
      for (const t of [a, b, c]) t.free()
    },
  }
}

const LIBRARIES = [
  '/usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblas.so.0',
  '/usr/lib/x86_64-linux-gnu/openblas-openmp/libopenblas.so.0',
  '/usr/lib/aarch64-linux-gnu/openblas-pthread/libopenblas.so.0',
  '/usr/lib/aarch64-linux-gnu/openblas-openmp/libopenblas.so.0',
  '/opt/homebrew/opt/openblas/lib/libopenblas.dylib',
]

/** OpenBLAS's sgemm through koffi; null where no library is found. */
function openBlas(threads: number) {
  const path = LIBRARIES.find((library) => existsSync(library))
  if (path === undefined) return null
  const so = koffi.load(path)
  const setThreads = so.func('openblas_set_num_threads', 'void', ['int']) as (n: number) => void
  const config = so.func('openblas_get_config', 'string', []) as () => string
  const [i, f, p] = ['int', 'float', 'void *']
  const sgemm = so.func('cblas_sgemm', 'void', [i, i, i, i, i, i, f, p, i, p, i, f, p, i]) as (
    ...args: (number | Float32Array)[]
  ) => void
  setThreads(threads)
  const [rowMajor, none, transposed] = [101, 111, 112]
  return {
    version:
      `${rivalName('OpenBLAS', config().split(' ')[1] ?? '')}, ${config().match(/\b(SkylakeX|Cooperlake|Sapphirerapids|Zen|Haswell|\w+)\s+MAX_THREADS/i)?.[1] ?? ''}`.trim(),
    product(layout: Layout, m: number, n: number, k: number) {
      const [ta, tb] = [layout[0] === 'T', layout[1] === 'T']
      const draw = random(1, 'bench gemm')
      const normal = (size: number) => Float32Array.from({ length: size }, () => draw.normal())
      const [a, b, c] = [normal(m * k), normal(n * k), new Float32Array(m * n)]
      const once = () =>
        sgemm(
          rowMajor,
          ta ? transposed : none,
          tb ? transposed : none,
          m,
          n,
          k,
          1,
          a,
          ta ? m : k,
          b,
          tb ? k : n,
          0,
          c,
          n,
        )
      return () => {
        const begin = performance.now()
        for (let runs = 1; ; runs++) {
          once()
          const seconds = (performance.now() - begin) / 1000
          if (seconds >= 0.02) return Promise.resolve(seconds / runs)
        }
      }
    },
  }
}
