/** xueba doctor: what this machine offers, and whether each backend computes what it should; or, of a run, what ails it. */
import { availableParallelism, cpus, totalmem } from 'node:os'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { dropSuperseded, latestStage, readEvents, readRun, runFiles, version } from '../run/index.ts'
import { diagnose, starvedVocabulary } from '../stages/diagnosis.ts'
import { loadTokenizer } from '../stages/model-folder.ts'
import { textsOf } from '../stages/tokenizer.ts'
import { backendNames, openEngine } from '../tensor/open.node.ts'
import { selfCheck } from '../tensor/self-check.ts'
import { help, UsageError } from './flags.ts'
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
  operands: '[run]',
  summary: {
    en: 'check this machine and every backend, or what ails a run',
    zh: '检查这台机器和每个计算后端，或给一次运行看病',
  },
  flags: z.object({ json: help(z.boolean().default(false), 'print JSON', '输出 JSON') }),
  async run([target, ...rest], { json }) {
    if (rest.length > 0) throw new UsageError('xueba doctor [run]')
    if (target !== undefined) return examineRun(target, json)
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

/** Findings are no failure: exit code 0. */
async function examineRun(target: string, json: boolean): Promise<number> {
  const run = await readRun(target)
  const findings = diagnose(dropSuperseded(readEvents(runFiles(run.folder).events).events))
  const [corpus, made] = [latestStage(run, 'corpus'), latestStage(run, 'tokenizer')]
  if (corpus && made) {
    const tokenizer = await loadTokenizer(made.folder)
    const counts = new Uint32Array(tokenizer.vocabSize)
    for await (const text of textsOf(join(corpus.folder, 'documents.jsonl')))
      for (const id of tokenizer.encode(text)) counts[id]!++
    const starved = starvedVocabulary(counts)
    if (starved) findings.push({ ...starved, stage: basename(made.folder) })
  }
  if (json) console.log(JSON.stringify({ run: run.folder, findings }, null, 2))
  else {
    for (const { stage, step, seq, what, advice } of findings) {
      const place = [stage, step === null ? undefined : say({ en: `step ${step}`, zh: `第 ${step} 步` })].filter(
        Boolean,
      )
      console.log(`${place.join(' ')}: ${say(what)}${seq === null ? '' : `  [events.jsonl seq ${seq}]`}`)
      console.log(`  ${say({ en: 'try', zh: '可以试试' })}: ${say(advice)}`)
    }
    if (findings.length === 0)
      console.log(say({ en: 'Nothing found: its numbers look healthy.', zh: '没查出毛病，各项数字都正常。' }))
  }
  return 0
}

async function examine(backend: (typeof backendNames)[number]): Promise<Finding> {
  try {
    const engine = await openEngine({ backend })
    const error = await selfCheck(engine)
    const begin = performance.now()
    const flops = engine.backend.peakFlops?.(2_000_000)
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
