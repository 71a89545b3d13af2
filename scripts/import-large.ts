/**
 * Does a model of 0.6 billion parameters fit? A checkpoint in the sizes of Qwen3-0.6B, bf16 in two shards, with random weights, is written,
 * imported, loaded, and goes on with a prompt. Each step is a process of its own, so that its time and its peak of memory are its own.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, openSync, closeSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toBfloat16 } from '../src/formats/half.ts'
import { createSession } from '../src/generate/index.ts'
import { importModel } from '../src/import/index.ts'
import { countParameters, layOut, type ModelConfig, toHuggingFace } from '../src/nn/index.ts'
import { loadModel, loadTokenizer, TOKENIZER_FILES } from '../src/stages/model-folder.ts'
import { openEngine } from '../src/tensor/open.node.ts'
import { random } from '../src/tensor/random.ts'

/** As published in the config.json of Qwen/Qwen3-0.6B. */
const config: ModelConfig = {
  vocabSize: 151_936,
  dim: 1024,
  layers: 28,
  heads: 16,
  kvHeads: 8,
  headDim: 128,
  ff: 3072,
  ropeTheta: 1_000_000,
  eps: 1e-6,
  tied: true,
  maxPositions: 40_960,
}
const [PROMPT, TOKENS] = [32, 32]

const steps: Record<string, (folder: string) => Promise<object>> = {
  async import(folder) {
    const from = performance.now()
    await importModel(join(folder, 'theirs'), { out: join(folder, 'ours'), revision: 'main' })
    return { seconds: (performance.now() - from) / 1000 }
  },
  async generate(folder) {
    const engine = await openEngine()
    const start = performance.now()
    await loadTokenizer(join(folder, 'ours'))
    const model = await loadModel(engine, join(folder, 'ours'), { trainable: false })
    const loaded = performance.now()
    const memory = process.memoryUsage.rss()
    const session = createSession(model, 1, 256)
    const draw = random(1, 'prompt')
    const prompt = Array.from({ length: PROMPT }, () => draw.below(config.vocabSize))
    session.add([{ prompt, stream: 0, options: { maxTokens: TOKENS, temperature: 0 } }])
    await session.advance(1)
    const first = performance.now()
    await session.advance(TOKENS - 1)
    const seconds = (performance.now() - first) / 1000
    return {
      loadSeconds: (loaded - start) / 1000,
      loadedBytes: memory,
      firstTokenSeconds: (first - loaded) / 1000,
      tokensPerSecond: (TOKENS - 1) / seconds,
      threads: engine.backend.threads,
    }
  },
}

/** What each step took; `tokenizer`: a folder whose tokenizer stands in for theirs, which has more tokens. */
export function studyLarge(tokenizer: string): Record<string, unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'xueba-large-'))
  try {
    writeCheckpoint(join(folder, 'theirs'), tokenizer)
    const done = Object.keys(steps).map((step) => {
      const { stdout, status } = spawnSync(process.execPath, [import.meta.filename, step, folder], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      if (status !== 0) throw new Error(`${step} failed`)
      return [step, JSON.parse(stdout)] as const
    })
    return { parameters: countParameters(config), ...Object.fromEntries(done) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Two shards, a tensor at a time. Norms are 1, the rest normal with deviation 0.02, a million values over and over. */
function writeCheckpoint(folder: string, tokenizer: string): void {
  mkdirSync(folder)
  for (const file of TOKENIZER_FILES) copyFileSync(join(tokenizer, file), join(folder, file))
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...toHuggingFace(config), torch_dtype: 'bfloat16' }))
  const draw = random(1, 'checkpoint')
  const normal = bytesOf(Float32Array.from({ length: 1 << 20 }, () => 0.02 * draw.normal()))
  const ones = bytesOf(new Float32Array(1 << 20).fill(1))
  const { parameters } = layOut(config)
  const half = Math.ceil(parameters.length / 2)
  const weight_map: Record<string, string> = {}
  for (const [i, part] of [parameters.slice(0, half), parameters.slice(half)].entries()) {
    const name = `model-0000${i + 1}-of-00002.safetensors`
    let at = 0
    const header: Record<string, object> = {}
    for (const { name: tensor, shape } of part) {
      const begin = at
      at += 2 * shape.reduce((a, b) => a * b)
      header[tensor] = { dtype: 'BF16', shape, data_offsets: [begin, at] }
      weight_map[tensor] = name
    }
    const json = Buffer.from(JSON.stringify(header))
    const length = Buffer.alloc(8)
    length.writeBigUInt64LE(BigInt(json.length))
    const file = openSync(join(folder, name), 'w')
    writeSync(file, Buffer.concat([length, json]))
    for (const { role, shape } of part)
      for (let left = 2 * shape.reduce((a, b) => a * b); left > 0; left -= normal.length)
        writeSync(file, role === 'vector' ? ones : normal, 0, Math.min(left, normal.length))
    closeSync(file)
  }
  writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map }))
}

const bytesOf = (values: Float32Array) => new Uint8Array(toBfloat16(values).buffer)

if (process.argv[1] === import.meta.filename) {
  const result = await steps[process.argv[2]!]!(process.argv[3]!)
  console.log(JSON.stringify({ ...result, peakBytes: process.resourceUsage().maxRSS * 1024 }))
  process.exit(0)
}
