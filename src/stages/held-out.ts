/**
 * Bits per byte on held-out documents: −log2 p of their tokens over the bytes these tokens stand for. The measure does not
 * depend on the tokenizer. The end-of-text token is neither counted as bits nor as bytes (as in nanochat's loss_eval).
 */
import { createBatch, tokenLosses, writeBatch, type Model } from '../nn/index.ts'
import type { Program, Tensor } from '../tensor/index.ts'
import { type Tokenizer, textStart } from '../tokenizer/index.ts'
import { readRows, type TokenStream } from './tokens.ts'

export interface HeldOutScore {
  bitsPerByte: number
  /** On the marked tokens only; null without marks, or when none of the scored tokens is marked. */
  bitsPerByteMarked: number | null
  /** Mean nats per token, the end of a document included. */
  loss: number
  tokens: number
  bytes: number
}

export interface HeldOut {
  /** null when there is too little held-out text. */
  score(): Promise<HeldOutScore | null>
  free(): void
}

/** How many tokens are scored of a stream of `length`: whole rows, from the second token on (the first has nothing before it). */
export function scoredTokens(length: number, { time, maxTokens }: { time: number; maxTokens: number }): number {
  const row = Math.min(time, length - 1)
  if (row < 1) return 0
  return row * Math.min(Math.floor((length - 1) / row), Math.max(1, Math.floor(maxTokens / row)))
}

/**
 * Captures a forward pass over `rows` × `time` tokens and scores at most `maxTokens` of the stream with it; those that `marks` (one
 * for each token of the stream) sets to 1 also by themselves.
 */
export function heldOutScorer(
  model: Model,
  tokenizer: Tokenizer,
  stream: TokenStream,
  shape: { rows: number; time: number; maxTokens: number },
  marks?: Uint8Array,
): HeldOut {
  const { engine } = model
  const { rows } = shape
  const time = Math.min(shape.time, stream.tokens.length - 1)
  if (time < 1) return { score: () => Promise.resolve(null), free() {} }
  const reader = readRows(stream, time, 0, { shuffle: false })
  const total = scoredTokens(stream.tokens.length, shape) / time
  const endOfText = textStart(tokenizer)
  const tensors = createBatch(engine, rows, time)
  const program: Program<Tensor> = engine.capture(() => engine.noGrad(() => tokenLosses(model, tensors)))
  return {
    async score() {
      let [all, tokens] = [0, 0]
      const [every, marked] = [bits(), bits()]
      for (let first = 0; first < total; first += rows) {
        const batch = reader.batch(first, rows)
        if (first + rows > total) batch.targets.fill(-1, (total - first) * time)
        writeBatch(tensors, batch, 1)
        program.run()
        const nll = await program.outputs.read()
        batch.targets.forEach((target, i) => {
          if (target < 0) return
          tokens++
          all += nll[i]!
          if (target === endOfText) return
          const bytes = tokenizer.bytesOf(target).length
          every.add(nll[i]!, bytes)
          if (marks?.[first * time + i + 1]) marked.add(nll[i]!, bytes)
        })
      }
      const bitsPerByte = every.perByte()
      if (bitsPerByte === null) return null
      return { bitsPerByte, bitsPerByteMarked: marked.perByte(), loss: all / tokens, tokens, bytes: every.bytes }
    },
    free() {
      program.free()
      for (const t of [tensors.ids, tensors.targets, tensors.starts, tensors.weights]) t.free()
    },
  }
}

// --- internal ---

function bits() {
  let nats = 0
  return {
    bytes: 0,
    add(more: number, bytes: number) {
      nats += more
      this.bytes += bytes
    },
    perByte(): number | null {
      return this.bytes === 0 ? null : nats / Math.LN2 / this.bytes
    },
  }
}
