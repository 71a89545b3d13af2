/**
 * llama.cpp behind node-llama-cpp, which is no dependency: its optional packages weigh hundreds of megabytes. It is installed when it is
 * asked for, with nothing but its plain CPU binary, into the user's cache.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const VERSION = '3.22.1'
const platforms: Record<string, string> = {
  'linux-x64': 'linux-x64',
  'linux-arm64': 'linux-arm64',
  'darwin-arm64': 'mac-arm64-metal',
  'darwin-x64': 'mac-x64',
  'win32-x64': 'win-x64',
  'win32-arm64': 'win-arm64',
}

/** The part of node-llama-cpp that is used here. */
interface Library {
  getLlama(options: object): Promise<{
    llamaCppRelease: { release: string }
    loadModel(options: object): Promise<LlamaModel>
    dispose(): Promise<void>
  }>
}
interface LlamaModel {
  tokenize(text: string, specialTokens: boolean): number[]
  createContext(options: object): Promise<{ getSequence(): LlamaSequence; dispose(): Promise<void> }>
  dispose(): Promise<void>
}
interface LlamaSequence {
  clearHistory(): Promise<void>
  controlledEvaluate(
    input: (number | [number, object])[],
  ): Promise<({ next: { token?: number | null; logits?: Map<number, number> } } | undefined)[]>
}

export interface Llama {
  /** The llama.cpp inside. */
  release: string
  tokenize(text: string, special: boolean): number[]
  /** The likeliest tokens after a prompt, one by one, and the logits that each was chosen by. */
  greedy(prompt: readonly number[], count: number): Promise<{ ids: number[]; logits: Float32Array[] }>
  /** Tokens a second of greedy decoding, the prompt not counted. */
  speed(prompt: readonly number[], count: number): Promise<number>
  /** Tokens a second of reading a prompt, up to the first new token. */
  promptSpeed(prompt: readonly number[]): Promise<number>
  /** Tokens a second of all sequences together, decoded at once in llama.cpp's batches; prompts not counted. */
  batchSpeed(prompt: readonly number[], count: number): Promise<number>
  close(): Promise<void>
}

/** Installs it where it is not yet; returns its folder. */
export function installLlama(): string {
  const folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'xueba', `node-llama-cpp-${VERSION}`)
  const platform = platforms[`${process.platform}-${process.arch}`]
  if (!platform) throw new Error(`node-llama-cpp has no plain binary for ${process.platform} ${process.arch}`)
  if (existsSync(join(folder, 'node_modules', '@node-llama-cpp', platform))) return folder
  mkdirSync(folder, { recursive: true })
  const packages = [`node-llama-cpp@${VERSION}`, `@node-llama-cpp/${platform}@${VERSION}`]
  const flags = ['--no-save', '--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', folder]
  const { status } = spawnSync('npm', ['install', ...flags, ...packages], { cwd: folder, stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Error(`npm install ${packages.join(' ')} failed`)
  return folder
}

/**
 * Opens a GGUF file on the CPU, with so many sequences at once. `exact`: keys and values of the cache in f32 and plain attention, to compare numbers with; otherwise
 * its own choice, which is faster.
 */
export async function openLlama(
  folder: string,
  file: string,
  threads: number,
  { exact = false, sequences = 1 } = {},
): Promise<Llama> {
  const entry = join(folder, 'node_modules', 'node-llama-cpp', 'dist', 'index.js')
  const { getLlama } = (await import(pathToFileURL(entry).href)) as Library
  const llama = await getLlama({
    gpu: false,
    build: 'never',
    skipDownload: true,
    logLevel: 'error',
    maxThreads: threads,
  })
  const model = await llama.loadModel({ modelPath: file, useMmap: false })
  const plain = { flashAttention: false, experimentalKvCacheKeyType: 'F32', experimentalKvCacheValueType: 'F32' }
  const context = await model.createContext({
    contextSize: 1024,
    batchSize: 512,
    sequences,
    threads,
    ...(exact ? plain : {}),
  })
  const all = Array.from({ length: sequences }, () => context.getSequence())

  async function decode(prompt: readonly number[], count: number, logits: boolean, sequence = all[0]!) {
    await sequence.clearHistory()
    const next = { generateNext: { token: true, logits, options: { temperature: 0 } } }
    const found = { ids: [] as number[], logits: [] as Float32Array[], from: 0 }
    let input: (number | [number, object])[] = [...prompt.slice(0, -1), [prompt.at(-1)!, next]]
    while (found.ids.length < count) {
      const output = (await sequence.controlledEvaluate(input)).at(-1)!.next
      if (found.ids.length === 0) found.from = performance.now()
      found.ids.push(output.token!)
      if (output.logits) found.logits.push(inOrder(output.logits))
      input = [[output.token!, next]]
    }
    return found
  }

  return {
    release: llama.llamaCppRelease.release,
    tokenize: (text, special) => model.tokenize(text, special),
    greedy: (prompt, count) => decode(prompt, count, true),
    async speed(prompt, count) {
      const { from } = await decode(prompt, count, false)
      return (count - 1) / ((performance.now() - from) / 1000)
    },
    async promptSpeed(prompt) {
      const from = performance.now()
      const found = await decode(prompt, 1, false)
      return prompt.length / ((found.from - from) / 1000)
    },
    async batchSpeed(prompt, count) {
      const starts = await Promise.all(all.map(async (sequence) => (await decode(prompt, count, false, sequence)).from))
      return (sequences * (count - 1)) / ((performance.now() - Math.min(...starts)) / 1000)
    },
    async close() {
      await context.dispose()
      await model.dispose()
      await llama.dispose()
    },
  }
}

function inOrder(logits: ReadonlyMap<number, number>): Float32Array {
  const values = new Float32Array(logits.size)
  for (const [id, value] of logits) values[id] = value
  return values
}
