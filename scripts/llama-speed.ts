/**
 * Tokens a second, ours and llama.cpp's: one sequence decoding, its prompt being read, and 8 and 64 sequences decoding together. The same weights (random:
 * only their sizes matter here), in turns, ours with all threads, llama.cpp with one or all, whichever is faster, ours in f32 and int8, llama.cpp's in f32 and q8_0. Of the
 * smallest models much of llama.cpp's time is node-llama-cpp's way to it and back.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportGguf } from '../src/export/index.ts'
import { createSession } from '../src/generate/index.ts'
import {
  configOfDepth,
  countParameters,
  createModel,
  freeModel,
  initialize,
  type Model,
  roundModel,
} from '../src/nn/index.ts'
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
const BATCHES = [8, 64]
const ROUNDS = 3

export interface Speeds {
  name: string
  parameters: number
  threads: number
  /** Of each program, by what is measured, tokens a second: medians of the rounds. */
  programs: Record<string, Record<string, number>>
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
    const config = configOfDepth(depth, Math.max(vocab, tokenizer.vocabSize), 1024)
    const [model, rounded] = [1, 1].map((seed) => {
      const made = createModel(engine, config, { trainable: false })
      initialize(made, seed)
      return made
    }) as [Model, Model]
    await roundModel(rounded)
    await saveTokenizer(folder, tokenizer)
    await saveModel(folder, model, folder)
    for (const type of ['f32', 'q8_0'] as const) await exportGguf(folder, type, { out: join(folder, `${type}.gguf`) })
    const short = tokenizer.encode('0123456789')
    const long = Array.from({ length: PROMPT }, (_, i) => (i * 7) % 256)
    const rounds: Record<string, Record<string, number[]>> = {}
    const note = (program: string, what: string, speed: number) => ((rounds[program] ??= {})[what] ??= []).push(speed)
    const ours = { 'xueba f32': model, 'xueba int8': rounded }
    for (let round = 0; round < ROUNDS; round++) {
      for (const [program, one] of Object.entries(ours)) {
        note(program, 'decoding', await decodeSpeed(one, short, 1))
        note(program, 'prompt', await promptSpeed(one, long))
        for (const batch of BATCHES) note(program, `batch ${batch}`, await decodeSpeed(one, short, batch))
      }
      for (const type of ['f32', 'q8_0'] as const)
        for (const sequences of [1, ...BATCHES])
          for (const used of new Set([1, threads])) {
            const program = `llama.cpp ${type}, ${used}`
            const measures = sequences > 1 ? [`batch ${sequences}`] : ['decoding', 'prompt']
            if (!measures.some((what) => isContender(rounds, program, what))) continue
            const llama = await openLlama(library, join(folder, `${type}.gguf`), used, { sequences })
            if (sequences > 1) note(program, `batch ${sequences}`, await llama.batchSpeed(short, TOKENS))
            else {
              note(program, 'decoding', await llama.speed(short, TOKENS))
              note(program, 'prompt', await llama.promptSpeed(long))
            }
            await llama.close()
          }
    }
    freeModel(model)
    freeModel(rounded)
    const programs = bestThreads(rounds)
    return { parameters: countParameters(config), threads, programs }
  } finally {
    await engine.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Unless its first round was far behind the same program's with another number of threads: small models wait longer for a second thread than they compute. */
function isContender(rounds: Record<string, Record<string, number[]>>, program: string, what: string): boolean {
  const first = rounds[program]?.[what]?.[0]
  const family = program.replace(/, \d+$/, '')
  const others = Object.keys(rounds).filter((name) => name.startsWith(family))
  return first === undefined || first >= 0.7 * Math.max(...others.map((name) => rounds[name]![what]?.[0] ?? 0))
}

/** Medians; a program measured with several numbers of threads (`name, 2`) is said at its best of each measure. */
export function bestThreads(rounds: Record<string, Record<string, number[]>>): Speeds['programs'] {
  const programs: Speeds['programs'] = {}
  for (const [name, all] of Object.entries(rounds)) {
    const best = (programs[name.replace(/, \d+$/, '')] ??= {})
    for (const [what, speed] of Object.entries(medians(all))) best[what] = Math.max(best[what] ?? 0, speed)
  }
  return programs
}

const medians = (rounds: Record<string, number[]>) =>
  Object.fromEntries(
    Object.entries(rounds).map(([name, all]) => [name, all.toSorted((a, b) => a - b)[all.length >> 1]!]),
  )

export function speedTable(all: readonly Speeds[]): string {
  const columns = ['decoding', 'prompt', ...BATCHES.map((batch) => `batch ${batch}`)]
  const rows = all.flatMap(({ name, parameters, programs }) =>
    Object.entries(programs).map(([program, speeds]) => {
      const figures = columns.map((column) => speeds[column]!.toFixed(0)).join(' | ')
      return `| ${name}, ${(parameters / 1e6).toFixed(1)} M | ${program} | ${figures} |`
    }),
  )
  const head = `| tokens/s, ${all[0]?.threads} threads | program | ${columns.join(' | ')} |\n${'|---'.repeat(columns.length + 2)}|`
  return `${head}\n${rows.join('\n')}`
}

/** Of all sequences together, a look at each token, the prompts not counted; the second time, when threads have settled. */
async function decodeSpeed(model: Model, prompt: readonly number[], batch: number): Promise<number> {
  const session = createSession(model, batch, prompt.length + TOKENS)
  const options = { maxTokens: TOKENS, temperature: 0 }
  let seconds = 0
  for (let pass = 0; pass < 2; pass++) {
    session.add(Array.from({ length: batch }, (_, stream) => ({ prompt, stream, options })))
    await session.advance(1)
    const from = performance.now()
    for (let n = 1; n < TOKENS; n++) {
      const ended = await session.advance(1)
      if (ended.length > 0 && n < TOKENS - 1) throw new Error(`the random model ended its text after ${n} tokens`)
    }
    seconds = (performance.now() - from) / 1000
  }
  session.free()
  return (batch * (TOKENS - 1)) / seconds
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
