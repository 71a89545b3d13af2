/**
 * What a step's memory depends on. The loss, in processes of their own: what computing it and its gradients adds to the peak of the process, beside
 * what the logits alone would take; drawn into docs/loss-memory.svg. And a training run of many steps: does the process grow?
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createModel, createTrainer, initialize } from '../src/nn/index.ts'
import { backward, crossEntropy, type Tensor } from '../src/tensor/index.ts'
import { openEngine } from '../src/tensor/open.node.ts'

const WIDTH = 128
const SIZES = [1024, 4096, 16_384, 65_536] // words of the vocabulary
const TOKENS = [1024, 4096]

export interface LossMemory {
  vocabulary: number
  tokens: number
  /** MB added to the peak: the block of logits of each thread, gradients aside. */
  peakMB: number
  logitsMB: number
}

export function studyLossMemory(): LossMemory[] {
  return TOKENS.flatMap((tokens) => SIZES.map((vocabulary) => child<LossMemory>('loss', vocabulary, tokens)))
}

/** RSS of a training process, MB, after a tenth of the steps and after all. */
export const studyGrowth = (steps: number) => child<{ early: number; late: number }>('steps', steps)

const child = <T>(...args: (string | number)[]): T => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [import.meta.filename, ...args.map(String)], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout) as T
}

export function memoryTable(rows: readonly LossMemory[]): string {
  const lines = rows.map((r) => `| ${r.vocabulary} | ${r.tokens} | ${r.peakMB.toFixed(1)} | ${r.logitsMB.toFixed(0)} |`)
  return ['| vocabulary | tokens | the loss adds, MB | logits alone, MB |', '|---|---|---|---|', ...lines].join('\n')
}

/** Both axes logarithmic. */
export function drawLossMemory(rows: readonly LossMemory[]): string {
  const file = join(import.meta.dirname, '../docs/loss-memory.svg')
  const x = (mega: number) => 60 + (Math.log2(mega) / 10) * 420
  const y = (mega: number) => 250 - (Math.log2(Math.max(1, mega)) / 11) * 220
  const sorted = rows.toSorted((a, b) => a.logitsMB - b.logitsMB)
  const products = (r: LossMemory) => (r.vocabulary * r.tokens) / 2 ** 20
  const line = (of: (r: LossMemory) => number, colour: string) =>
    `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${sorted.map((r) => `${x(products(r)).toFixed(0)},${y(of(r)).toFixed(0)}`).join(' ')}"/>` +
    sorted
      .map((r) => `<circle cx="${x(products(r)).toFixed(0)}" cy="${y(of(r)).toFixed(0)}" r="3" fill="${colour}"/>`)
      .join('')
  const ticks = [1, 4, 16, 64, 256].map((m) => `<text x="${x(m)}" y="268" text-anchor="middle">${m} M</text>`)
  const rules = [1, 8, 64, 512].map(
    (m) =>
      `<line x1="60" x2="480" y1="${y(m)}" y2="${y(m)}" stroke="#ddd"/><text x="54" y="${y(m) + 4}" text-anchor="end">${m} MB</text>`,
  )
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 520 300" font-family="sans-serif" font-size="12" fill="#333">
<rect width="520" height="300" fill="#fff"/>
${rules.join('\n')}
${ticks.join('\n')}
<text x="270" y="290" text-anchor="middle">vocabulary × tokens</text>
${line((r) => r.logitsMB, '#b33')}<text x="230" y="80" fill="#b33">logits as a whole</text>
${line((r) => r.peakMB, '#26a')}<text x="85" y="222" fill="#26a">what the loss adds to the peak</text>
</svg>
`
  writeFileSync(file, svg)
  return file
}

/** A field of /proc/self/status, MB. */
const status = (field: 'VmHWM' | 'VmRSS') =>
  Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024

async function lossOnce(vocabulary: number, tokens: number): Promise<LossMemory> {
  const engine = await openEngine()
  const filled = (rows: number): Tensor => {
    const t = engine.full([rows, WIDTH], 0.01)
    t.requiresGrad = true
    t.grad = engine.full([rows, WIDTH], 0)
    return t
  }
  const [x, w] = [filled(tokens), filled(vocabulary)]
  const targets = engine.tensor(new Int32Array(tokens), [tokens], 'i32')
  const [weights, nll] = [engine.full([tokens], 1 / tokens), engine.full([tokens], 0)]
  await nll.read()
  const before = status('VmHWM')
  const program = engine.capture(() => backward(crossEntropy({ x, w, targets }, weights, nll)))
  program.run()
  await nll.read()
  const peakMB = status('VmHWM') - before
  await engine.close()
  return { vocabulary, tokens, peakMB, logitsMB: (4 * vocabulary * tokens) / 2 ** 20 }
}

async function manySteps(steps: number) {
  const engine = await openEngine()
  const sizes = { vocabSize: 256, dim: 64, layers: 2, heads: 1, kvHeads: 1, headDim: 64, ff: 128, maxPositions: 32 }
  const model = createModel(engine, { ...sizes, ropeTheta: 10_000, eps: 1e-6, tied: true })
  initialize(model, 1)
  const rates = { matrixRate: 0.01, embeddingRate: 0.003, vectorRate: 0.003, weightDecay: 0, momentum: 0.95 }
  const optimizer = { matrices: 'muon' as const, ...rates, beta1: 0.9, beta2: 0.95, eps: 1e-8, clip: 1 }
  const trainer = createTrainer(model, { rows: 4, time: 32 }, optimizer)
  let early = 0
  for (let t = 1; t <= steps; t++) {
    const ids = Int32Array.from({ length: 128 }, (_, i) => (i * t) % 256)
    await trainer.step([{ ids, targets: ids.toReversed(), starts: new Int32Array(128) }], t, 1)
    if (t === Math.ceil(steps / 10)) early = status('VmRSS')
  }
  return { early, late: status('VmRSS') }
}

if (process.argv[1] === import.meta.filename) {
  const [what, ...numbers] = process.argv.slice(2)
  const [a = 0, b = 0] = numbers.map(Number)
  console.log(JSON.stringify(what === 'loss' ? await lossOnce(a, b) : await manySteps(a)))
}
