/**
 * xueba bench step: times full training steps (forward, backward, clipping, AdamW) at given sizes, with the flags and fields
 * of a PyTorch peer; with `--peer "command"` both take turns, A B A B, and the ratio is taken pair by pair.
 */
import { spawnSync } from 'node:child_process'
import { z } from 'zod'
import { countParameters, createModel, createTrainer, flopsPerToken, freeModel, initialize } from '../../nn/index.ts'
import { UserError } from '../../run/index.ts'
import { profile, random } from '../../tensor/index.ts'
import { backendNames, openEngine } from '../../tensor/open.node.ts'
import { help } from '../flags.ts'
import { say } from '../language.ts'
import { verb } from '../verb.ts'
import { copyBandwidth, median, peakFlops, warnIfBusy } from './measure.ts'
import { rivalName } from './rival.ts'
import { configOfSizes, sizeFlags, whole } from './sizes.ts'

export const stepFlags = z.object({
  ...sizeFlags({ layers: 6, heads: 6, dim: 384, ff: 1024, vocab: 4096 }),
  block: whole(256, 'tokens of a row', '每行词元数'),
  batch: whole(4, 'rows', '行数'),
  steps: whole(10, 'timed steps', '计时的步数'),
  warmup: whole(3, 'steps before', '之前热身的步数'),
  threads: help(z.number().int().positive().optional(), 'threads (default: all cores)', '线程数（默认全部核）'),
  precision: help(z.enum(['f32', 'bf16']).default('f32'), 'of the factors of matrix products', '矩阵乘法中因子的精度'),
  recompute: help(
    z.boolean().default(false),
    'layers are computed again in the backward pass: less memory',
    '反向时把各层重算一遍：省内存',
  ),
  backend: help(z.enum(backendNames).optional(), 'backend (default: the best)', '计算后端（默认最好的）'),
  optimizer: help(
    z.enum(['adamw', 'muon']).default('adamw'),
    'of the hidden matrices; the peer has adamw',
    '隐藏层矩阵的优化器；对手用的是 adamw',
  ),
  profile: help(
    z.boolean().default(false),
    'instead: time, GFLOP/s and bytes of each kernel of a step',
    '改为列出一步里每个内核的耗时、GFLOP/s 和字节数',
  ),
  peer: help(
    z.string().optional(),
    'command of a peer that prints the same JSON fields, run in turn',
    '对手的命令，输出同样的 JSON 字段，与本程序轮流运行',
  ),
  rounds: whole(3, 'turns with the peer', '与对手轮流几次'),
  json: help(z.boolean().default(false), 'print JSON', '输出 JSON'),
})
type Flags = z.infer<typeof stepFlags>

export const step = verb({
  name: 'step',
  operands: '',
  summary: { en: 'whole training steps, alone or against a peer', zh: '完整的训练步，可与别的程序轮流比' },
  flags: stepFlags,
  async run(_, options) {
    const load = warnIfBusy()
    if (options.profile) return printProfile(options)
    const result = await timeRounds(options)
    if (options.json) console.log(JSON.stringify({ ...result.rounds.at(-1)!.own, ...result, load }))
    else printStep(result)
    return 0
  },
})

/** As many rounds as there are turns with a peer, or one. */
export async function timeRounds(options: Flags) {
  const rounds = []
  for (let i = 0; i < (options.peer ? options.rounds : 1); i++) {
    const own = await timeSteps(options)
    const peer = options.peer ? askPeer(options.peer) : undefined
    rounds.push({ own, peer, ratio: peer && own.tok_s_median / peer.tok_s_median })
  }
  const ratios = rounds.map((r) => r.ratio).filter((r) => r !== undefined)
  return { rounds, ratio: ratios.length > 0 ? median(ratios) : undefined }
}

export function printStep({ rounds, ratio }: Awaited<ReturnType<typeof timeRounds>>): void {
  for (const round of rounds) console.log(lineOf(round))
  if (ratio === undefined) return
  const value = ratio.toFixed(2)
  console.log(say({ en: `ratio, median of pairs: ${value}`, zh: `比值（各对的中位数）：${value}` }))
}

/** Time, work and memory traffic of each kernel. */
async function printProfile(o: Flags): Promise<number> {
  const { engine, trainer, batch, free } = await setUp(o)
  const bandwidth = await copyBandwidth(engine)
  const peak = peakFlops(engine, o.precision)
  await trainer.step([batch], 1, 1)
  const rows = await profile(engine, [trainer.micro, trainer.update], o.steps)
  await free()
  const total = rows.reduce((sum, { ms }) => sum + ms, 0)
  if (o.json) {
    console.log(
      JSON.stringify({ ms: total, peak_gflops: peak / 1e9, copy_gb_s: bandwidth / 1e9, kernels: rows }, null, 1),
    )
    return 0
  }
  const head = say({
    en: 'kernel                calls       ms   share   GFLOP/s  of peak      MB     GB/s  of copying',
    zh: '内核                   次数     毫秒    占比   GFLOP/s   峰值比      MB     GB/s   拷贝比',
  })
  console.log(head)
  for (const { kernel, calls, ms, flops, bytes } of rows) {
    const percent = (x: number) => `${(100 * x).toFixed(0)} %`
    const rate = flops > 0 ? (flops / ms / 1e6).toFixed(0) : '–'
    const ofPeak = flops > 0 && peak > 0 ? percent((flops / ms) * (1000 / peak)) : '–'
    const traffic = bytes / ms / 1e6
    const cells = [kernel.padEnd(20), calls, ms.toFixed(2), percent(ms / total), rate, ofPeak]
    cells.push((bytes / 1e6).toFixed(0), traffic.toFixed(1), percent((traffic * 1e9) / bandwidth))
    console.log(cells.map((cell, i) => String(cell).padStart([0, 6, 8, 7, 9, 8, 7, 8, 8][i]!)).join(' '))
  }
  console.log(say({ en: `a step: ${total.toFixed(1)} ms`, zh: `一步：${total.toFixed(1)} 毫秒` }))
  return 0
}

interface Timing {
  what: string
  median_ms: number
  tok_s_median: number
  tok_s_best: number
  gflops_median: number
}

/** A model with random weights, its trainer, and a batch of random tokens. */
async function setUp(o: Flags) {
  const engine = await openEngine({ backend: o.backend, threads: o.threads })
  const config = configOfSizes(o, o.block)
  const model = createModel(engine, config)
  initialize(model, 1)
  const rates = { matrixRate: 3e-4, embeddingRate: 3e-4, vectorRate: 3e-4, weightDecay: 0.01 }
  const trainer = createTrainer(
    model,
    { rows: o.batch, time: o.block, precision: o.precision, recompute: o.recompute },
    { matrices: o.optimizer, ...rates, beta1: 0.9, beta2: 0.95, eps: 1e-8, momentum: 0.95, clip: 1 },
  )
  const draw = random(1, 'bench')
  const n = o.batch * o.block
  const ids = Int32Array.from({ length: n + 1 }, () => draw.below(o.vocab))
  const batch = { ids: ids.slice(0, n), targets: ids.slice(1), starts: new Int32Array(n) }
  const free = async () => {
    trainer.free()
    freeModel(model)
    await engine.close()
  }
  return { engine, config, model, trainer, batch, free }
}

/** Median and best of the timed steps; the loss falls, which shows that the steps are real. */
async function timeSteps(o: Flags): Promise<Timing & Record<string, number | string | null>> {
  const { engine, config, model, trainer, batch, free } = await setUp(o)
  const n = batch.ids.length
  const times: number[] = []
  const losses: number[] = []
  const peaks: number[] = []
  for (let t = 1; t <= o.warmup + o.steps; t++) {
    const begin = performance.now()
    losses.push((await trainer.step([batch], t, 1)).loss)
    if (t > o.warmup) times.push(performance.now() - begin)
    peaks.push(peakFlops(engine, o.precision) / 1e9)
  }
  const { name, threads } = engine.backend
  const weights = 4 * model.slab.weights.size
  const activations = trainer.micro.size.bytes
  await free()
  const [middle, best, peak] = [median(times), Math.min(...times), median(peaks)]
  const gflops = (flopsPerToken(config, o.block) * n) / middle / 1e6
  return {
    what: 'bench',
    backend: name,
    threads,
    dtype: o.precision === 'bf16' ? 'bfloat16' : 'float32',
    params: countParameters(config),
    best_ms: best,
    median_ms: middle,
    tok_s_best: (n / best) * 1000,
    tok_s_median: (n / middle) * 1000,
    gflops_median: gflops,
    peak_gflops: peak,
    peak_share: peak > 0 ? gflops / peak : null,
    weight_bytes: weights,
    gradient_bytes: weights,
    optimizer_bytes: 2 * weights,
    activation_bytes: activations,
    loss_first: losses[0]!,
    loss_last: losses.at(-1)!,
  }
}

/** A peer's timing, and who it is: `PyTorch 1.13.1 (2022)` where it says so. */
interface PeerTiming extends Timing {
  name: string
}

/** Runs the peer through a shell and reads the last JSON line that has the fields; a line with `torch` says its version. */
function askPeer(command: string): PeerTiming {
  const { stdout, stderr } = spawnSync(command, { shell: true, encoding: 'utf8', maxBuffer: 1 << 26 })
  const lines = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Partial<Timing> & { torch?: string })
  const found = lines.findLast((line) => typeof line.tok_s_median === 'number')
  const torch = lines.find((line) => typeof line.torch === 'string')?.torch
  const name = torch === undefined ? say({ en: 'peer', zh: '对手' }) : rivalName('PyTorch', torch)
  if (found) return { ...(found as Timing), name }
  throw new UserError(
    `the peer printed no tok_s_median: ${stderr.slice(-400)}`,
    `对手没有输出 tok_s_median：${stderr.slice(-400)}`,
  )
}

function lineOf({
  own,
  peer,
  ratio,
}: {
  own: Awaited<ReturnType<typeof timeSteps>>
  peer?: PeerTiming
  ratio?: number
}): string {
  const speed = ({ tok_s_median, tok_s_best }: Timing) => {
    const [median, best] = [tok_s_median.toFixed(0), tok_s_best.toFixed(0)]
    return say({ en: `${median} tok/s (best ${best})`, zh: `${median} 词元/秒（最快 ${best}）` })
  }
  const peak = own.peak_share === null ? undefined : (Number(own.peak_share) * 100).toFixed(0)
  const share = peak === undefined ? '' : say({ en: `, ${peak} % of peak`, zh: `，峰值的 ${peak}%` })
  const gflops = `${own.gflops_median.toFixed(0)} GFLOP/s${share}`
  const line = say({
    en: `${own.backend} ${own.threads} threads: ${speed(own)}, ${gflops}`,
    zh: `${own.backend}，${own.threads} 个线程：${speed(own)}，${gflops}`,
  })
  if (!peer) return line
  return `${line}  |  ${peer.name} ${speed(peer)}  |  ${ratio!.toFixed(2)}`
}
