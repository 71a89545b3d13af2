/** xueba doctor: what this machine offers, and whether each backend computes what it should. */
import { availableParallelism, cpus, totalmem } from 'node:os'
import { z } from 'zod'
import { version } from '../run/index.ts'
import { backendNames, openEngine } from '../tensor/open.node.ts'
import { selfCheck } from '../tensor/self-check.ts'
import { help } from './flags.ts'
import { say } from './language.ts'
import { verb } from './verb.ts'

interface Finding {
  backend: string
  works: boolean
  detail: string
  /** Largest relative difference from the float64 reference. */
  error?: number
  gflops?: number
}

export const doctor = verb({
  name: 'doctor',
  operands: '',
  summary: { en: 'check this machine and every backend', zh: '检查这台机器和每个计算后端' },
  flags: z.object({ json: help(z.boolean().default(false), 'print JSON', '输出 JSON') }),
  async run(_, { json }) {
    const findings: Finding[] = []
    for (const backend of backendNames) findings.push(await examine(backend))
    const machine = {
      xueba: version(),
      node: process.version,
      cpu: cpus()[0]?.model ?? '?',
      cores: availableParallelism(),
      memoryGB: Math.round(totalmem() / 2 ** 30),
    }
    const healthy = findings.some((f) => f.works && f.backend !== 'reference')
    if (json) console.log(JSON.stringify({ machine, backends: findings, healthy }, null, 2))
    else {
      console.log(
        `xueba ${machine.xueba}, Node ${machine.node}, ${machine.cpu}, ${machine.cores} ${say({ en: 'cores', zh: '核' })}, ${machine.memoryGB} GB`,
      )
      for (const f of findings) {
        const speed = f.gflops ? `, ${say({ en: 'FMA peak', zh: 'FMA 峰值' })} ${f.gflops.toFixed(0)} GFLOP/s` : ''
        const verdict = f.works
          ? say({ en: `works (error ${f.error!.toExponential(1)})`, zh: `正常（误差 ${f.error!.toExponential(1)}）` })
          : say({ en: 'does not work', zh: '不能用' })
        console.log(`  ${f.backend.padEnd(10)} ${verdict}${speed}  ${f.detail}`)
      }
      if (!healthy)
        console.log(
          say({
            en: 'Only the slow reference works here: install gcc or clang.',
            zh: '这里只有慢速的参考后端可用：请安装 gcc 或 clang。',
          }),
        )
    }
    return healthy ? 0 : 1
  },
})

async function examine(backend: (typeof backendNames)[number]): Promise<Finding> {
  try {
    const engine = await openEngine({ backend })
    const error = await selfCheck(engine)
    const begin = performance.now()
    const flops = engine.backend.fmaFlops?.(2_000_000)
    const gflops = flops && flops / (performance.now() - begin) / 1e6
    const detail = Object.entries({ threads: engine.backend.threads, ...engine.backend.description })
      .filter(([key]) => key !== 'path')
      .map(([key, value]) => `${key} ${value}`)
      .join(', ')
    await engine.close()
    return { backend, works: error < 1e-4, detail, error, gflops }
  } catch (error) {
    return { backend, works: false, detail: error instanceof Error ? error.message : String(error) }
  }
}
