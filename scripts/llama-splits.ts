/**
 * Do both programs split texts into the same words before they merge? A trained vocabulary hides most differences, since it has no merges
 * across the borders it was trained with. So this one merges every pair of bytes that stands in any of the texts, also across borders,
 * in several orders: a border more or less then gives other ids.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ggufOf } from '../src/export/index.ts'
import { writeGguf } from '../src/formats/index.ts'
import { configOfDepth, layOut } from '../src/nn/index.ts'
import { random } from '../src/tensor/random.ts'
import { type Merge, SPECIAL_TOKENS, Tokenizer } from '../src/tokenizer/index.ts'
import { openLlama } from './llama-peer.ts'
import type { TestString } from './llama-texts.ts'

const ORDERS = 3

/** How many encodings there were, and how many differ, by kind of string. `pre` is llama.cpp's name of a pre-split. */
export async function compareSplits(library: string, strings: readonly TestString[], pre = 'qwen2') {
  const folder = mkdtempSync(join(tmpdir(), 'xueba-splits-'))
  const mismatches: Record<string, number> = {}
  try {
    for (let order = 0; order < ORDERS; order++) {
      const tokenizer = everyPair(strings, order)
      const file = join(folder, `${order}.gguf`)
      const { metadata, tensors } = ggufOf(emptyModel(tokenizer), { type: 'f32', name: 'pairs', base: false })
      metadata.set('tokenizer.ggml.pre', { type: 'string', value: pre })
      writeFileSync(file, writeGguf(metadata, tensors))
      const llama = await openLlama(library, file, 1, { exact: true })
      for (const { kind, text } of strings)
        if (tokenizer.encode(text).join() !== Array.from(llama.tokenize(text, false)).join())
          mismatches[kind] = (mismatches[kind] ?? 0) + 1
      await llama.close()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return { encodings: ORDERS * strings.length, mismatches }
}

/** The bytes, every pair of them in the texts, the special tokens; the merges in a random order. */
function everyPair(strings: readonly TestString[], order: number): Tokenizer {
  const pairs = new Set<number>()
  for (const { text } of strings) {
    const bytes = new TextEncoder().encode(text)
    for (let i = 1; i < bytes.length; i++) pairs.add(bytes[i - 1]! * 256 + bytes[i]!)
  }
  const shuffled = random(order, 'orders').shuffle([...pairs])
  const merges = shuffled.map((pair, i): Merge => [pair >> 8, pair & 255, 256 + i])
  const tokens = [
    ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
    ...merges.map(([left, right]) => Uint8Array.of(left, right)),
  ]
  const special = SPECIAL_TOKENS.map((text, i) => ({ text, id: tokens.length + i }))
  return new Tokenizer({ tokens: [...tokens, ...special.map(({ text }) => Buffer.from(text))], merges, special })
}

/** A model of zeros: only its vocabulary matters. */
function emptyModel(tokenizer: Tokenizer) {
  const config = configOfDepth(1, tokenizer.vocabSize, 512)
  const weights = new Map(
    layOut(config).parameters.map(({ name, shape }) => {
      return [name, { shape, data: new Float32Array(shape.reduce((a, b) => a * b)) }] as const
    }),
  )
  return { config, weights, tokenizer }
}
