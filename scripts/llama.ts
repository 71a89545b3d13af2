/**
 * The study of GGUF exports: a `tiny` model is trained in each language, exported, and run by llama.cpp. Does it read the same tokens,
 * say the same words, and with the same probabilities? How fast is either: llama-speed.ts.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportGguf } from '../src/export/index.ts'
import { type GgmlType, ggmlTypes } from '../src/formats/index.ts'
import { createSession } from '../src/generate/index.ts'
import { freeModel, type Model } from '../src/nn/index.ts'
import { latestStage, readRun } from '../src/run/index.ts'
import { loadModel, loadTokenizer } from '../src/stages/model-folder.ts'
import { random } from '../src/tensor/random.ts'
import { openEngine } from '../src/tensor/open.node.ts'
import { renderChat, textStart, type Tokenizer } from '../src/tokenizer/index.ts'
import { installLlama, type Llama, openLlama } from './llama-peer.ts'
import { type BlockResult, compareBlocks } from './llama-blocks.ts'
import { compareSplits } from './llama-splits.ts'
import { testStrings } from './llama-texts.ts'

const root = join(import.meta.dirname, '..')
export const THREADS = Number(process.env.XUEBA_THREADS) || availableParallelism()
const PROMPTS = 50
const TOKENS = 64
/** Two tokens whose logits are closer than this may be chosen either way. */
const TIE = 1e-4 // logits
/** Of a probability, in f32. */
const TOLERANCE = 1e-3

export interface LlamaResult {
  language: string
  release: string
  strings: number
  /** Strings with other ids, by kind; special tokens as text, and as themselves. */
  mismatches: Record<string, number>
  specialMismatches: Record<string, number>
  examples: { text: string; ours: number[]; theirs: number[] }[]
  prompts: number
  /** Of each type: prompts with the same tokens, all of them. */
  same: Record<GgmlType, number>
  /** Prompts of f32 that part where the two likeliest tokens are as good as equal. */
  ties: number
  /** Largest differences in f32, while the tokens are the same. */
  logits: number
  probabilities: number
}

export interface LlamaStudy {
  results: LlamaResult[]
  /** Of the texts split by both, with a vocabulary in which every border counts. */
  splits: Awaited<ReturnType<typeof compareSplits>>
  /** Our blocks beside ggml's; undefined where it could not be asked. */
  blocks: BlockResult | undefined
}

/** Trains, exports and compares, a language after the other. */
export async function studyLlama(languages: readonly string[]): Promise<LlamaStudy> {
  const library = installLlama()
  const folder = mkdtempSync(join(tmpdir(), 'xueba-llama-'))
  const results: LlamaResult[] = []
  try {
    let run = ''
    for (const language of languages) {
      run = join(folder, language)
      const args = [join(root, 'src/cli/main.ts'), 'run', 'tiny', '--lang', language, '--out', run]
      if (spawnSync(process.execPath, args, { stdio: ['ignore', 2, 2] }).status !== 0)
        throw new Error(`xueba run tiny --lang ${language} failed`)
      results.push(await compare(library, run, language))
    }
    const splits = await compareSplits(library, testStrings())
    return { results, splits, blocks: compareBlocks(library) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Whether llama.cpp makes of the models in f32 what we make of them. */
export function agrees({ results, splits, blocks }: LlamaStudy): boolean {
  const none = (mismatches: Record<string, number>) => Object.keys(mismatches).length === 0
  return (
    none(splits.mismatches) &&
    Object.values(blocks?.different ?? {}).every((count) => count === 0) &&
    results.every(
      (r) =>
        none(r.mismatches) &&
        none(r.specialMismatches) &&
        r.same.f32 + r.ties === r.prompts &&
        r.probabilities < TOLERANCE,
    )
  )
}

/** Compares the latest model of a run with what llama.cpp makes of it. */
export async function compare(library: string, run: string, language: string): Promise<LlamaResult> {
  const { folder } = latestStage(await readRun(run), 'rl', 'sft', 'pretrain')!
  const engine = await openEngine({ threads: THREADS })
  const model = await loadModel(engine, folder, { trainable: false })
  const tokenizer = await loadTokenizer(folder)
  const prompts = promptsOf(run, tokenizer, language)
  const own: Said[] = []
  for (const prompt of prompts) own.push(await greedy(model, prompt, TOKENS))
  const same = {} as Record<GgmlType, number>
  let exact: Pick<LlamaResult, 'release' | 'ties' | 'logits' | 'probabilities'> | undefined
  let tokens: ReturnType<typeof compareTokens> | undefined
  for (const type of ggmlTypes) {
    const file = join(run, `${type}.gguf`)
    await exportGguf(folder, type, { out: file, force: true })
    const llama = await openLlama(library, file, THREADS, { exact: true })
    const theirs: Said[] = []
    for (const prompt of prompts) theirs.push(await llama.greedy(prompt, TOKENS))
    same[type] = own.filter(({ ids }, i) => ids.every((id, t) => id === theirs[i]!.ids[t])).length
    if (type === 'f32') {
      exact = { release: llama.release, ...differences(own, theirs) }
      tokens = compareTokens(tokenizer, llama)
    }
    await llama.close()
  }
  freeModel(model)
  await engine.close()
  return { language, prompts: prompts.length, same, ...exact!, ...tokens! }
}

/** Half of them beginnings of held-out pages, half questions in the chat template. */
function promptsOf(run: string, tokenizer: Tokenizer, language: string): number[][] {
  const pages = readFileSync(join(run, '01-corpus/heldout.jsonl'), 'utf8').trim().split('\n')
  const texts = pages.map((line) => (JSON.parse(line) as { text: string }).text)
  const draw = random(1, 'llama prompts')
  return Array.from({ length: PROMPTS }, (_, i) => {
    const text = texts[i % texts.length]!
    if (i % 2 === 0) return [textStart(tokenizer), ...tokenizer.encode(text.slice(0, 5 + draw.below(60)))]
    const sum = `${10 + draw.below(90)}+${10 + draw.below(90)}`
    const exercise = language === 'zh' ? `计算：${sum}` : `What is ${sum}?`
    const content = i % 4 === 1 ? exercise : text.split('\n', 1)[0]!.slice(0, 80)
    return renderChat(tokenizer, [{ role: 'user', content }], { generationPrompt: true }).ids
  })
}

async function greedy(model: Model, prompt: readonly number[], count: number): Promise<Said> {
  const session = createSession(model, 1, prompt.length + count)
  const options = { maxTokens: count, temperature: 0 }
  const [sequence] = session.add([{ prompt, stream: 0, options }])
  const logits: Float32Array[] = []
  while (logits.length < count) {
    await session.advance(1)
    logits.push(Float32Array.from(await session.logits(sequence!)))
  }
  session.free()
  return { ids: Array.from(sequence!.ids), logits }
}

interface Said {
  ids: number[]
  logits: Float32Array[]
}

/** Largest differences up to where the tokens part, that step included. */
function differences(own: readonly Said[], theirs: readonly Said[]) {
  let [logits, probabilities, ties] = [0, 0, 0]
  own.forEach(({ ids, logits: mine }, i) => {
    const parted = ids.findIndex((id, t) => id !== theirs[i]!.ids[t])
    for (let t = 0; t < (parted < 0 ? ids.length : parted + 1); t++) {
      const [a, b] = [mine[t]!, theirs[i]!.logits[t]!]
      const [p, q] = [softmax(a), softmax(b)]
      for (let v = 0; v < a.length; v++) {
        logits = Math.max(logits, Math.abs(a[v]! - b[v]!))
        probabilities = Math.max(probabilities, Math.abs(p[v]! - q[v]!))
      }
    }
    if (parted >= 0 && mine[parted]![ids[parted]!]! - mine[parted]![theirs[i]!.ids[parted]!]! < TIE) ties++
  })
  return { logits, probabilities, ties }
}

function softmax(logits: Float32Array): Float64Array {
  const top = logits.reduce((a, b) => Math.max(a, b), -Infinity)
  const weights = Float64Array.from(logits, (z) => Math.exp(z - top))
  const total = weights.reduce((a, b) => a + b, 0)
  return weights.map((w) => w / total)
}

function compareTokens(tokenizer: Tokenizer, llama: Llama) {
  const strings = testStrings()
  const mismatches: Record<string, number> = {}
  const specialMismatches: Record<string, number> = {}
  const examples: LlamaResult['examples'] = []
  for (const special of [false, true]) {
    for (const { kind, text } of strings) {
      const [ours, theirs] = [tokenizer.encode(text, { special }), Array.from(llama.tokenize(text, special))]
      if (ours.join() === theirs.join()) continue
      const counts = special ? specialMismatches : mismatches
      counts[kind] = (counts[kind] ?? 0) + 1
      if (examples.length < 20) examples.push({ text, ours, theirs })
    }
  }
  return { strings: strings.length, mismatches, specialMismatches, examples }
}

/** One column a language. */
export function llamaTable({ results, splits, blocks }: LlamaStudy): string {
  const count = (mismatches: Record<string, number>, of: number) => {
    const kinds = Object.entries(mismatches)
    const all = kinds.reduce((sum, [, n]) => sum + n, 0)
    return `${of - all} of ${of}${all > 0 ? ` (not: ${kinds.map(([kind, n]) => `${kind} ${n}`).join(', ')})` : ''}`
  }
  const row = (name: string, of: (r: LlamaResult) => string) => [name, ...results.map(of)]
  const rows = [
    row(`llama.cpp ${results[0]?.release}`, ({ language }) => `tiny, ${language}`),
    row('---', () => '---'),
    row('the same ids, strings', (r) => count(r.mismatches, r.strings)),
    row('the same, special tokens parsed', (r) => count(r.specialMismatches, r.strings)),
    row('the same with merges across every border', () => count(splits.mismatches, splits.encodings)),
    ...ggmlTypes.map((type) =>
      row(`the same ${TOKENS} greedy tokens as ours in f32, prompts: ${type}`, (r) => {
        const ties = type === 'f32' && r.ties > 0 ? ` (${r.ties} part at a tie)` : ''
        return `${r.same[type]} of ${r.prompts}${ties}`
      }),
    ),
    row('largest difference of a logit, f32', (r) => r.logits.toExponential(1)),
    row('largest difference of a probability, f32', (r) => r.probabilities.toExponential(1)),
  ]
  const table = rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
  const other = Object.entries(blocks?.different ?? {}).map(([type, count]) => `${type} ${count}`)
  return `${table}\n\nBlocks that are not ggml's to the byte, of ${blocks?.blocks ?? 'none, not asked'}: ${other.join(', ')}`
}
