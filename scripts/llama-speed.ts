/**
 * Tokens a second of one sequence, ours and llama.cpp's, of a model with random weights that is large enough for the arithmetic to count:
 * of the models that a study trains, most of llama.cpp's time would be node-llama-cpp's way to it and back.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportGguf } from '../src/export/index.ts'
import { createSession } from '../src/generate/index.ts'
import { configOfDepth, countParameters, createModel, initialize, type Model } from '../src/nn/index.ts'
import { loadTokenizer, saveModel, saveTokenizer } from '../src/stages/model-folder.ts'
import { openEngine } from '../src/tensor/open.node.ts'
import { openLlama } from './llama-peer.ts'

const DEPTH = 6
const TOKENS = 256
const ROUNDS = 3

export interface Speeds {
  parameters: number
  threads: number
  /** Median of the rounds, which take turns. */
  tokensPerSecond: Record<string, number>
}

/** With the vocabulary of a tokenizer's folder. */
export async function compareSpeed(library: string, tokenizerFolder: string, threads: number): Promise<Speeds> {
  const folder = mkdtempSync(join(tmpdir(), 'xueba-speed-'))
  const engine = await openEngine({ threads })
  try {
    const tokenizer = await loadTokenizer(tokenizerFolder)
    const model = createModel(engine, configOfDepth(DEPTH, tokenizer.vocabSize, 512), { trainable: false })
    initialize(model, 1)
    await saveTokenizer(folder, tokenizer)
    await saveModel(folder, model, folder)
    const prompt = tokenizer.encode('0123456789')
    const rounds: Record<string, number[]> = {}
    const note = (name: string, speed: number) => (rounds[name] ??= []).push(speed)
    for (let round = 0; round < ROUNDS; round++) {
      note('xueba f32', await speed(model, prompt))
      for (const type of ['f32', 'q8_0'] as const) {
        const file = join(folder, `${type}.gguf`)
        await exportGguf(folder, type, { out: file })
        const llama = await openLlama(library, file, threads, false)
        note(`llama.cpp ${type}`, await llama.speed(prompt, TOKENS))
        await llama.close()
      }
    }
    const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!
    const tokensPerSecond = Object.fromEntries(Object.entries(rounds).map(([name, all]) => [name, median(all)]))
    return { parameters: countParameters(model.config), threads, tokensPerSecond }
  } finally {
    await engine.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The prompt not counted. */
async function speed(model: Model, prompt: readonly number[]): Promise<number> {
  const session = createSession(model, 1, prompt.length + TOKENS)
  const [sequence] = session.add([{ prompt, stream: 0, options: { maxTokens: TOKENS, temperature: 0 } }])
  await session.advance(1)
  const from = performance.now()
  for (let n = 1; n < TOKENS; n++) {
    await session.advance(1)
    await session.read(sequence!, n, n + 1) // a look at every token, as llama.cpp takes it
  }
  const seconds = (performance.now() - from) / 1000
  session.free()
  return (TOKENS - 1) / seconds
}
