/** xueba bench decode: tokens a second of decoding, sampler included, against the memory's bandwidth (few rows) or the FMA peak (many). */
import { z } from 'zod'
import { createSession } from '../../generate/index.ts'
import { countParameters, createModel, flopsPerToken, freeModel, initialize, roundModel } from '../../nn/index.ts'
import { INT8_ROWS } from '../../tensor/index.ts'
import { backendNames, openEngine } from '../../tensor/open.node.ts'
import { help, weightsFlag } from '../flags.ts'
import { say } from '../language.ts'
import { verb } from '../verb.ts'
import { copyBandwidth, median, peakFlops, warnIfBusy } from './measure.ts'
import { configOfSizes, sizeFlags, whole } from './sizes.ts'

export const decodeFlags = z.object({
  ...sizeFlags({ layers: 12, heads: 12, dim: 768, ff: 2048, vocab: 32_768 }),
  batch: help(z.array(z.number().int().positive()).default([1, 8, 64]), 'rows at once', '一次几行'),
  weights: weightsFlag,
  tokens: whole(32, 'tokens of a timed run', '每次计时的词元数'),
  rounds: whole(5, 'timed runs', '计时几次'),
  threads: help(z.number().int().positive().optional(), 'threads (default: all cores)', '线程数（默认全部核）'),
  backend: help(z.enum(backendNames).optional(), 'backend (default: the best)', '计算后端（默认最好的）'),
  json: help(z.boolean().default(false), 'print JSON', '输出 JSON'),
})
type Flags = z.infer<typeof decodeFlags>

export const decode = verb({
  name: 'decode',
  operands: '',
  summary: { en: 'decoding, one row and many', zh: '解码：一行和多行' },
  flags: decodeFlags,
  async run(_, options) {
    const load = warnIfBusy()
    const result = await timeDecode(options)
    if (options.json) console.log(JSON.stringify({ ...result, load }, null, 1))
    else printDecode(result)
    return 0
  },
})

const PROMPT = 16

export async function timeDecode(o: Omit<Flags, 'json'>) {
  const engine = await openEngine({ backend: o.backend, threads: o.threads })
  const capacity = PROMPT + o.tokens * (o.rounds + 1) + 1
  const config = configOfSizes(o, capacity)
  const bandwidth = await copyBandwidth(engine)
  const model = createModel(engine, config, { trainable: false })
  initialize(model, 1)
  if (o.weights === 'int8') await roundModel(model)
  const rows = []
  for (const batch of o.batch) {
    const session = createSession(model, batch, capacity)
    const prompt = Int32Array.from({ length: PROMPT }, (_, i) => (i * 31) % o.vocab)
    const options = { maxTokens: capacity - PROMPT, temperature: 1, seed: 1 }
    session.add(Array.from({ length: batch }, (_, stream) => ({ prompt, stream, options })))
    const seconds: number[] = []
    for (let round = 0; round <= o.rounds; round++) {
      const begin = performance.now()
      await session.advance(o.tokens)
      if (round > 0) seconds.push((performance.now() - begin) / 1000 / o.tokens)
    }
    session.free()
    const step = median(seconds)
    // Afterwards: it heats the cores for longer than a small model takes for a round.
    const peak = median(Array.from({ length: 5 }, () => peakFlops(engine, 'f32')))
    const bytes = (o.weights === 'int8' && batch <= INT8_ROWS ? 1 : 4) * countParameters(config)
    rows.push({
      batch,
      stepMicroseconds: step * 1e6,
      tokensPerSecond: batch / step,
      // Every weight is read once a step, of the embedding as the output's.
      bytesPerSecond: bytes / step,
      bandwidthShare: bytes / step / bandwidth,
      // A training token's work is three times a forward pass.
      peakShare: peak > 0 ? ((flopsPerToken(config, PROMPT) / 3) * batch) / step / peak : null,
    })
  }
  freeModel(model)
  const { name, threads } = engine.backend
  await engine.close()
  return { backend: name, threads, weights: o.weights, params: countParameters(config), bandwidth, rows }
}

export function printDecode({
  backend,
  threads,
  weights,
  params,
  bandwidth,
  rows,
}: Awaited<ReturnType<typeof timeDecode>>): void {
  const [million, gigabytes] = [(params / 1e6).toFixed(1), (bandwidth / 1e9).toFixed(1)]
  console.log(
    say({
      en: `decoding with ${million} M parameters, ${backend}, ${threads} threads, ${weights}, sampler included; copying moves ${gigabytes} GB/s`,
      zh: `${million} 百万参数的模型解码，${backend}，${threads} 个线程，${weights}，含采样；内存拷贝 ${gigabytes} GB/s`,
    }),
  )
  for (const row of rows) {
    const [tokens, micro] = [row.tokensPerSecond.toFixed(0), row.stepMicroseconds.toFixed(0)]
    const [read, ofCopy] = [(row.bytesPerSecond / 1e9).toFixed(1), (100 * row.bandwidthShare).toFixed(0)]
    const ofPeak = row.peakShare === null ? '–' : (100 * row.peakShare).toFixed(0)
    console.log(
      say({
        en: `  batch ${String(row.batch).padEnd(3)} ${tokens.padStart(7)} tok/s, ${micro} µs a step; weights ${read} GB/s, ${ofCopy} % of copying; ${ofPeak} % of FMA peak`,
        zh: `  ${String(row.batch).padStart(3)} 行 ${tokens.padStart(7)} 词元/秒，每步 ${micro} 微秒；读权重 ${read} GB/s，拷贝的 ${ofCopy}%；FMA 峰值的 ${ofPeak}%`,
      }),
    )
  }
}
