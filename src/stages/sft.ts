/**
 * Supervised fine-tuning: the model studies worked examples, dialogues whose assistant turns it learns to write. The loss is
 * on the assistant's tokens only; dialogues are packed into rows, each with attention of its own.
 */
import { z } from 'zod'
import { generateBatch } from '../generate/index.ts'
import { createBatch, createTrainer, freeModel, initialize, type Model, tokenLosses, writeBatch } from '../nn/index.ts'
import { UserError } from '../run/index.ts'
import { random } from '../tensor/index.ts'
import { type Message, renderChat, stopIds, type Tokenizer, textStart } from '../tokenizer/index.ts'
import { reportDefects } from './defects.ts'
import { type Defect, dialogueSource, readDialogues } from './dialogues.ts'
import { loadModel, loadTokenizer, modelBefore, saveModel } from './model-folder.ts'
import { optimizerOf, trainingOptions, whole } from './options.ts'
import type { Language, Stage, StageContext } from './stage.ts'
import { joinRows, type Masked, packDialogues } from './tokens.ts'
import { expectChats } from './tokenizer-folder.ts'
import { train } from './train.ts'

const schema = trainingOptions.extend({
  epochs: z
    .number()
    .positive()
    .default(2)
    .describe('times every dialogue is read, when neither steps nor minutes are given'),
  matrixRate: z.number().positive().default(0.005),
  embeddingRate: z.number().positive().default(0.002),
  vectorRate: z.number().positive().default(0.002),
  data: z.array(dialogueSource).min(1).describe('where the dialogues come from'),
  heldOut: z.number().min(0).max(0.5).default(0.05).describe('share of the dialogues kept for measuring'),
  from: z
    .string()
    .default('latest')
    .describe('name of the stage to go on from, or latest; random: a control that starts from random weights'),
  prompts: z.array(z.string()).optional().describe('questions sampled at every evaluation'),
  sampleTokens: whole.max(256).default(48).describe('longest sample'),
})
type Config = z.infer<typeof schema>

const PROMPTS: Record<Language, string[]> = {
  zh: ['你好！', '你是谁？'],
  en: ['Hello!', 'Who are you?'],
}

export const sft: Stage<Config> = {
  kind: 'sft',
  config: schema,
  async run(context, options) {
    const before = modelBefore(context, options.from === 'random' ? 'latest' : options.from)
    const tokenizer = await loadTokenizer(before)
    const { training, heldOut, cut } = await prepare(context, options, tokenizer)
    const engine = await context.engine()
    const model = await loadModel(engine, before, { lora: options.lora && { ...options.lora, seed: context.seed } })
    if (options.from === 'random') initialize(model, context.seed)

    const endOfText = textStart(tokenizer)
    const perStep = options.rows * options.microBatches
    // Every epoch has as many rows, to a few: a step's rows come from the epoch that holds its first.
    const rowsAt = memoizeLast((epoch: number) => packDialogues(training, options.time, endOfText, context.seed, epoch))
    const rowsPerEpoch = rowsAt(0).length
    const steps = options.steps ?? Math.max(1, Math.round((options.epochs * rowsPerEpoch) / perStep))
    if (rowsPerEpoch < options.rows)
      throw new UserError(
        `the dialogues fill ${rowsPerEpoch} rows of ${options.time} tokens, less than one batch of ${options.rows}: give more dialogues, or lower rows or time`,
        `这些对话只够填 ${rowsPerEpoch} 行（每行 ${options.time} 个词元），不够一批 ${options.rows} 行：请增加对话，或调小 rows、time`,
      )
    const rowAt = (g: number) => {
      const rows = rowsAt(Math.floor(g / rowsPerEpoch))
      return rows[(g % rowsPerEpoch) % rows.length]!
    }
    const scorer = dialogueScorer(model, packDialogues(heldOut, options.time, endOfText, context.seed, 0), options)
    let heldOutLoss: number | null = null
    const result = await train(context, {
      trainer: createTrainer(model, options, optimizerOf(options)),
      tokenizerFolder: before,
      options: { ...options, steps },
      batches: (t) =>
        Array.from({ length: options.microBatches }, (_, i) => {
          const first = (t - 1) * perStep + i * options.rows
          return joinRows(Array.from({ length: options.rows }, (_unused, r) => rowAt(first + r)))
        }),
      async evaluate(step) {
        heldOutLoss = await scorer.score()
        context.emit({ type: 'metric', name: 'loss', value: heldOutLoss, step, split: 'heldout' })
      },
      sample: (step, prompt) => sampleAnswers(context, model, tokenizer, options, step, prompt),
    })
    scorer.free()
    await saveModel(context.folder, model, before)
    freeModel(model)
    return {
      dialogues: training.length,
      cut,
      tokens: result.tokens,
      steps,
      epochs: (steps * perStep) / rowsPerEpoch,
      loss: result.loss,
      heldOutLoss,
      tokensPerSecond: result.tokensPerSecond,
    }
  },
}

/** Reads and tokenises all sources; writes the defects of files to rejected.jsonl. */
async function prepare(context: StageContext, { data, heldOut: share, time }: Config, tokenizer: Tokenizer) {
  expectChats(tokenizer)
  const defects: Defect[] = []
  const dialogues: Message[][] = []
  for (const source of data) dialogues.push(...(await readDialogues(source, context, (defect) => defects.push(defect))))
  await reportDefects(context, defects)
  if (dialogues.length === 0)
    throw new UserError('there is no dialogue in the data of this stage', '这个阶段的数据里一段对话也没有')
  const rendered: Masked[] = dialogues.map((messages) => renderChat(tokenizer, messages))
  // By what is said, so that a dialogue that occurs twice stands on one side.
  const isHeldOut = ({ ids }: Masked) => random(0, `held-out dialogue ${ids.join()}`).uniform() < share
  return {
    training: rendered.filter((one) => !isHeldOut(one)),
    heldOut: rendered.filter(isHeldOut),
    cut: rendered.filter(({ ids }) => ids.length - 1 > time).length,
  }
}

/** Mean loss on the assistant's tokens of held-out dialogues; null when there are none. */
function dialogueScorer(model: Model, rows: ReturnType<typeof packDialogues>, shape: { rows: number; time: number }) {
  const tensors = createBatch(model.engine, 1, shape.time)
  const program = model.engine.capture(() => model.engine.noGrad(() => tokenLosses(model, tensors)))
  return {
    async score(): Promise<number | null> {
      let [nats, scored] = [0, 0]
      for (const row of rows.slice(0, 64)) {
        writeBatch(tensors, row, 1)
        program.run()
        const nll = await program.outputs.read()
        row.targets.forEach((target, i) => {
          if (target < 0) return
          nats += nll[i]!
          scored++
        })
      }
      return scored > 0 ? nats / scored : null
    },
    free() {
      program.free()
      for (const t of [tensors.ids, tensors.targets, tensors.starts, tensors.weights]) t.free()
    },
  }
}

async function sampleAnswers(
  context: StageContext,
  model: Model,
  tokenizer: Tokenizer,
  { prompts = PROMPTS[context.language], sampleTokens }: Config,
  step: number,
  asked?: string,
): Promise<void> {
  const questions = asked === undefined ? prompts : [asked]
  const room = model.config.maxPositions - sampleTokens
  const rendered = questions.map((content) =>
    renderChat(tokenizer, [{ role: 'user', content }], { generationPrompt: true }).ids.slice(-room),
  )
  const answers = await generateBatch(model, rendered, {
    maxTokens: sampleTokens,
    temperature: 0.7,
    seed: context.seed,
    stopIds: stopIds(tokenizer),
  })
  questions.forEach((prompt, i) =>
    context.emit({ type: 'sample', prompt, text: tokenizer.decode(answers[i]!.ids), step }),
  )
}

function memoizeLast<T>(make: (key: number) => T): (key: number) => T {
  let known: { key: number; value: T } | undefined
  return (key) => (known?.key === key ? known : (known = { key, value: make(key) })).value
}
