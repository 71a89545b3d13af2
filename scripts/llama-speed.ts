/**
 * Tokens a second of one sequence, decoding and reading a prompt, ours and llama.cpp's: the same weights (random: only their sizes matter here), the
 * same number of threads, the two in turns. Ours are f32; llama.cpp reads f32 and q8_0 files. Of the smallest models much of
 * llama.cpp's time is node-llama-cpp's way to it and back.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportGguf } from '../src/export/index.ts'
import { createSession } from '../src/generate/index.ts'
import { configOfDepth, countParameters, createModel, freeModel, initialize, type Model } from '../src/nn/index.ts'
import { saveModel, saveTokenizer } from '../src/stages/model-folder.ts'
import { openEngine } from '../src/tensor/open.node.ts'
import { trainTokenizer } from '../src/tokenizer/index.ts'
import { installLlama, openLlama } from './llama-peer.ts'
import { testStrings } from './llama-texts.ts'

/** Depths of the quickstart's model, and of about 12 and 110 million weights with their vocabularies. */
const SIZES = [
  { name: 'quickstart', depth: 2, vocab: 1024 },
  { name: '12 M', depth: 6, vocab: 4096 },
  { name: '110 M', depth: 12, vocab: 32_768 },
]
const TOKENS = 128
const PROMPT = 512
const ROUNDS = 3

export interface Speeds {
  name: string
  parameters: number
  threads: number
  /** Tokens a second: medians of the rounds. */
  decode: Record<string, number>
  prompt: Record<string, number>
}

/** Every size, smallest first; handed over as they are done. */
export async function compareSpeeds(threads: number, onDone: (speeds: Speeds) => void, sizes = SIZES): Promise<void> {
  const library = installLlama()
  for (const { name, depth, vocab } of sizes) onDone({ name, ...(await compareSpeed(library, depth, vocab, threads)) })
}

/** One size; the vocabulary is padded to `vocab` where its tokens are fewer. */
export async function compareSpeed(
  library: string,
  depth: number,
  vocab: number,
  threads: number,
): Promise<Omit<Speeds, 'name'>> {
  const folder = mkdtempSync(join(tmpdir(), 'xueba-speed-'))
  const engine = await openEngine({ threads })
  try {
    const tokenizer = await trainTokenizer(
      testStrings().map(({ text }) => text),
      { vocabSize: 1024 },
    )
    const model = createModel(engine, configOfDepth(depth, Math.max(vocab, tokenizer.vocabSize), 1024), {
      trainable: false,
    })
    initialize(model, 1)
    await saveTokenizer(folder, tokenizer)
    await saveModel(folder, model, folder)
    for (const type of ['f32', 'q8_0'] as const) await exportGguf(folder, type, { out: join(folder, `${type}.gguf`) })
    const short = tokenizer.encode('0123456789')
    const long = Array.from({ length: PROMPT }, (_, i) => (i * 7) % 256)
    const rounds: Record<'decode' | 'prompt', Record<string, number[]>> = { decode: {}, prompt: {} }
    const note = (kind: 'decode' | 'prompt', name: string, speed: number) => (rounds[kind][name] ??= []).push(speed)
    for (let round = 0; round < ROUNDS; round++) {
      note('decode', 'xueba f32', await decodeSpeed(model, short))
      note('prompt', 'xueba f32', await promptSpeed(model, long))
      for (const type of ['f32', 'q8_0'] as const) {
        const llama = await openLlama(library, join(folder, `${type}.gguf`), threads, false)
        note('decode', `llama.cpp ${type}`, await llama.speed(short, TOKENS))
        note('prompt', `llama.cpp ${type}`, await llama.promptSpeed(long))
        await llama.close()
      }
    }
    const parameters = countParameters(model.config)
    freeModel(model)
    return { parameters, threads, decode: medians(rounds.decode), prompt: medians(rounds.prompt) }
  } finally {
    await engine.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

const medians = (rounds: Record<string, number[]>) =>
  Object.fromEntries(
    Object.entries(rounds).map(([name, all]) => [name, all.toSorted((a, b) => a - b)[all.length >> 1]!]),
  )

export function speedTable(all: readonly Speeds[]): string {
  const rows = all.flatMap(({ name, parameters, decode, prompt }) =>
    Object.keys(decode).map(
      (who) =>
        `| ${name}, ${(parameters / 1e6).toFixed(1)} M | ${who} | ${decode[who]!.toFixed(0)} | ${prompt[who]!.toFixed(0)} |`,
    ),
  )
  const head = `| model, ${all[0]?.threads} threads | program | decoding, tokens/s | prompt of ${PROMPT}, tokens/s |\n|---|---|---|---|`
  return `${head}\n${rows.join('\n')}`
}

/** The prompt not counted. */
async function decodeSpeed(model: Model, prompt: readonly number[]): Promise<number> {
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

/** Up to the first new token; programs are captured by a first reading. */
async function promptSpeed(model: Model, prompt: readonly number[]): Promise<number> {
  const session = createSession(model, 1, prompt.length + 1)
  let seconds = 0
  for (const first of [1, 0]) {
    const from = performance.now()
    session.add([{ prompt: [first, ...prompt.slice(1)], stream: 0, options: { maxTokens: 1, temperature: 0 } }])
    await session.advance(1)
    seconds = (performance.now() - from) / 1000
  }
  session.free()
  return prompt.length / seconds
}
