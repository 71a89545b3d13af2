/** xueba bench: one table of everything, measured in one run. */
import { existsSync } from 'node:fs'
import { z } from 'zod'
import { UserError } from '../../run/index.ts'
import { help } from '../flags.ts'
import { say } from '../language.ts'
import { verb } from '../verb.ts'
import { attentionFlags, printAttention, timeAttention } from './attention.ts'
import { decodeFlags, printDecode, timeDecode } from './decode.ts'
import { gemmFlags, printGemm, timeGemm } from './gemm.ts'
import { median, warnIfBusy } from './measure.ts'
import { stepFlags, timeRounds } from './step.ts'

const flags = z.object({
  threads: help(z.number().int().positive().optional(), 'threads (default: all cores)', '线程数（默认全部核）'),
  torch: help(
    z.string().optional(),
    'a script that times PyTorch steps with the flags and fields of `bench step`',
    '用同样的选项和字段给 PyTorch 计时的脚本',
  ),
  json: help(z.boolean().default(false), 'print JSON', '输出 JSON'),
})

/** The steps that are compared, by name. */
const STEPS = {
  quickstart: { layers: 2, heads: 2, kvHeads: 2, dim: 128, headDim: 64, ff: 384, vocab: 2048, block: 128, batch: 8 },
  small: { layers: 2, heads: 2, kvHeads: 2, dim: 128, headDim: 64, ff: 384, vocab: 2048, block: 256, batch: 32 },
  medium: { layers: 6, heads: 6, kvHeads: 6, dim: 384, headDim: 64, ff: 1024, vocab: 4096, block: 256, batch: 4 },
  large: { layers: 12, heads: 12, kvHeads: 12, dim: 768, headDim: 64, ff: 2048, vocab: 32_768, block: 256, batch: 1 },
} as const
/** Timed steps of each, a few seconds' worth. */
const TIMED = { quickstart: 40, small: 12, medium: 8, large: 4 }

const WAYS = [
  { name: 'native f32', backend: 'native', precision: 'f32' },
  { name: 'native bf16', backend: 'native', precision: 'bf16' },
  { name: 'WebAssembly f32', backend: 'wasm', precision: 'f32' },
] as const

export const all = verb({
  name: 'bench',
  operands: '[step|gemm|attention|decode|tokenizer]',
  summary: { en: 'one table of everything (minutes)', zh: '全部测一遍，汇成一张表（要几分钟）' },
  flags,
  async run(_, { threads, torch, json }) {
    if (torch !== undefined && !existsSync(torch))
      throw new UserError(`--torch: there is no file ${torch}`, `--torch：没有 ${torch} 这个文件`)
    const load = warnIfBusy()
    const tell = (line: string) => (json ? undefined : console.log(line))
    const common = { threads }
    const gemm = []
    for (const precision of ['f32', 'bf16'] as const) {
      gemm.push(await timeGemm({ ...gemmFlags.parse(common), precision }))
      if (!json) printGemm(gemm.at(-1)!)
    }
    const attention = await timeAttention(attentionFlags.parse(common))
    if (!json) printAttention(attention)
    const decode = []
    for (const sizes of [{}, { ...STEPS.quickstart, batch: undefined }]) {
      decode.push(await timeDecode(decodeFlags.parse({ ...common, ...sizes })))
      if (!json) printDecode(decode.at(-1)!)
    }
    tell(
      say({
        en: 'training steps, tokens a second (medians)  |  PyTorch at the same sizes  |  median of the pairs’ ratios',
        zh: '训练步，每秒词元数（中位数）  |  同样尺寸的 PyTorch  |  各对比值的中位数',
      }),
    )
    const steps = []
    for (const [size, sizes] of Object.entries(STEPS))
      for (const { name, backend, precision } of WAYS) {
        const timed = TIMED[size as keyof typeof TIMED]
        const peer = torch && torchCommand(torch, sizes, precision, timed, threads)
        const options = stepFlags.parse({ ...common, ...sizes, steps: timed, rounds: 3, peer, backend, precision })
        const { rounds, ratio } = await timeRounds(options)
        const ours = median(rounds.map(({ own }) => own.tok_s_median))
        const theirs = rounds.flatMap(({ peer: other }) => (other ? [other.tok_s_median] : []))
        const peerName = rounds.at(-1)?.peer?.name ?? null
        steps.push({
          size,
          way: name,
          tokensPerSecond: ours,
          peer: theirs.length > 0 ? median(theirs) : null,
          peerName,
          ratio,
        })
        const against =
          ratio === undefined ? '' : `  |  ${peerName} ${median(theirs).toFixed(0).padStart(7)}  |  ${ratio.toFixed(2)}`
        tell(`  ${size.padEnd(11)} ${name.padEnd(16)} ${ours.toFixed(0).padStart(7)}${against}`)
      }
    if (json) console.log(JSON.stringify({ load, gemm, attention, decode, steps }, null, 1))
    return 0
  },
})

/** PyTorch in its best setting on Debian: OpenBLAS with OpenMP, so that two thread pools do not fight. */
function torchCommand(
  script: string,
  sizes: Record<string, number>,
  precision: 'f32' | 'bf16',
  steps: number,
  threads = 2,
): string {
  const dashed = Object.entries(sizes).map(
    ([key, value]) => `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} ${value}`,
  )
  const blas = '/usr/lib/x86_64-linux-gnu/openblas-openmp'
  const environment = existsSync(blas) ? `LD_LIBRARY_PATH=${blas} ` : ''
  const dtype = precision === 'bf16' ? 'bfloat16' : 'float32'
  return `${environment}OMP_NUM_THREADS=${threads} python3 ${script} bench ${dashed.join(' ')} --steps ${steps} --threads ${threads} --dtype ${dtype}`
}
