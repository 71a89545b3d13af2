/**
 * Pre-training: next-token prediction from random weights (or from an earlier model, to read on). Reads the corpus and the
 * tokenizer of the run, writes a base model. Measures bits per byte on held-out documents and lets the model go on from the
 * same prompts at every evaluation.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { generateBatch } from '../generate/index.ts'
import {
  configOfDepth,
  countParameters,
  createModel,
  createTrainer,
  freeModel,
  initialize,
  type ModelConfig,
} from '../nn/index.ts'
import { type Tokenizer, textStart, textStops } from '../tokenizer/index.ts'
import { heldOutScorer } from './held-out.ts'
import { loadModel, loadTokenizer, MODEL_KINDS, saveModel } from './model-folder.ts'
import { optimizerOf, type TrainingOptions, trainingOptions, whole } from './options.ts'
import type { Language, Stage, StageContext } from './stage.ts'
import { openingsOf } from './openings.ts'
import { corpusTokens, refuseSmall } from './token-source.ts'
import { epochTokens, readRows, streamOfDocuments, type TokenStream } from './tokens.ts'
import { textsOf } from './tokenizer.ts'
import { train } from './train.ts'

export const modelOptions = z
  .object({
    depth: whole.default(2).describe('the one dial: sets every size below'),
    dim: whole,
    layers: whole,
    heads: whole,
    kvHeads: whole,
    headDim: whole,
    ff: whole,
    ropeTheta: z.number().positive(),
    tied: z.boolean(),
    maxPositions: whole.describe('longest text the model can hold, in tokens'),
  })
  .partial()

const schema = trainingOptions.omit({ lora: true }).extend({
  prompts: z
    .array(z.string())
    .optional()
    .describe('gone on from at every evaluation; default: how three held-out documents begin'),
  sampleTokens: whole.max(256).default(48).describe('longest sample'),
  heldOutTokens: whole.default(20_000).describe('held-out tokens scored at each evaluation'),
})
export type PretrainConfig = z.infer<typeof schema>

/** Where no held-out document has an opening. */
const PROMPTS: Record<Language, string[]> = { zh: ['从前', '今天'], en: ['Once upon a time', 'Today'] }

/** The sizes of a model from its depth, each of which can be pinned. */
export function modelOf(
  { depth = 2, ...pinned }: z.infer<typeof modelOptions>,
  vocabSize: number,
  maxPositions: number,
): ModelConfig {
  return { ...configOfDepth(depth, vocabSize, maxPositions), ...pinned }
}

/** As many tokens as weights, times this: what a small budget buys (compute-optimal would be about 20; Hoffmann et al., 2022). */
const TOKENS_PER_PARAMETER = 10

export function defaultSteps(model: ModelConfig, { rows, time, microBatches }: TrainingOptions): number {
  return Math.ceil((TOKENS_PER_PARAMETER * countParameters(model)) / (rows * time * microBatches))
}

/** A document file of the corpus stage as a stream of tokens. */
export async function encodeDocuments(path: string, tokenizer: Tokenizer): Promise<TokenStream> {
  const ids: number[][] = []
  for await (const text of textsOf(path)) ids.push(tokenizer.encode(text))
  return streamOfDocuments(ids, textStart(tokenizer))
}

export const pretrain: Stage<PretrainConfig> = {
  kind: 'pretrain',
  config: schema,
  async run(context, options) {
    const before = context.find(...MODEL_KINDS)
    const tokenizerFolder = before ?? context.latest('tokenizer') // a model keeps its own
    const corpus = context.latest('corpus')
    const tokenizer = await loadTokenizer(tokenizerFolder)
    const tokens = await corpusTokens(corpus, tokenizerFolder, () => context.border({ step: 0, save: async () => {} }))
    const heldOutStream = await encodeDocuments(join(corpus, 'heldout.jsonl'), tokenizer)
    const openings = options.prompts ?? (await openingsOf(textsOf(join(corpus, 'heldout.jsonl')), 3))
    const prompts = openings.length > 0 ? openings : PROMPTS[context.language]
    const length = tokens.borders[tokens.borders.length - 1]!
    refuseSmall(tokens, options)
    const engine = await context.engine()
    const model = before
      ? await loadModel(engine, before)
      : createModel(
          engine,
          modelOf(modelOptions.parse(context.model), tokenizer.vocabSize, Math.max(512, options.time)),
        )
    if (!before) initialize(model, context.seed)

    const reader = readRows(tokens, options.time, context.seed)
    const heldOut = heldOutScorer(model, tokenizer, heldOutStream, { ...options, maxTokens: options.heldOutTokens })
    const perStep = options.rows * options.microBatches
    let bitsPerByte: number | null = null
    context.emit({ type: 'metric', name: 'parameters', value: countParameters(model.config) })
    const result = await train(context, {
      trainer: createTrainer(model, options, optimizerOf(options)),
      tokenizerFolder,
      options: { ...options, steps: options.steps ?? defaultSteps(model.config, options) },
      batches: (t) =>
        Array.from({ length: options.microBatches }, (_, i) =>
          reader.batch((t - 1) * perStep + i * options.rows, options.rows),
        ),
      async evaluate(step) {
        const score = await heldOut.score()
        if (!score) return
        bitsPerByte = score.bitsPerByte
        context.emit({ type: 'metric', name: 'bitsPerByte', value: score.bitsPerByte, step, split: 'heldout' })
        context.emit({ type: 'metric', name: 'loss', value: score.loss, step, split: 'heldout' })
      },
      sample: (step, prompt) =>
        goOn(context, model, tokenizer, { ...options, step, prompts: prompt === undefined ? prompts : [prompt] }),
    })
    heldOut.free()
    tokens.close()
    await saveModel(context.folder, model, tokenizerFolder)
    const metrics = {
      parameters: countParameters(model.config),
      tokens: result.tokens,
      tokensPerParameter: result.tokens / countParameters(model.config),
      corpusTokens: length,
      epochs: result.tokens / epochTokens(tokens),
      loss: result.loss,
      bitsPerByte,
      tokensPerSecond: result.tokensPerSecond,
    }
    freeModel(model)
    return metrics
  },
}

async function goOn(
  context: StageContext,
  model: Parameters<typeof generateBatch>[0],
  tokenizer: Tokenizer,
  { prompts, sampleTokens, step }: { prompts: string[]; sampleTokens: number; step: number },
): Promise<void> {
  const endOfText = textStart(tokenizer)
  const room = model.config.maxPositions - sampleTokens
  const answers = await generateBatch(
    model,
    prompts.map((p) => [endOfText, ...tokenizer.encode(p)].slice(-room)),
    { maxTokens: sampleTokens, temperature: 0.7, seed: context.seed, stopIds: textStops(tokenizer) },
  )
  prompts.forEach((prompt, i) =>
    context.emit({ type: 'sample', prompt, text: tokenizer.decode(answers[i]!.ids), step }),
  )
}
