/**
 * The loop that every stage with a gradient step shares: batches in, events out, checkpoints, resume, control requests, and
 * the guard against divergence. What a stage adds is where its batches come from and what it measures at an evaluation.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readSafetensors, writeSafetensors } from '../formats/index.ts'
import { type Batch, flopsPerToken, loadWeights, type Model, rateAt, type Trainer } from '../nn/index.ts'
import { type Content, UserError } from '../run/index.ts'
import { sumSquares, type Tensor } from '../tensor/index.ts'
import { modelFiles } from './model-folder.ts'
import { scheduleOf, type Stepped } from './options.ts'
import type { StageContext } from './stage.ts'

export interface TrainingLoop<B = Batch> {
  /** Freed at the end. */
  trainer: Trainer<B>
  /** Where the tokenizer's files lie: a checkpoint is a model folder, too. */
  tokenizerFolder: string
  options: Stepped
  /** The micro-batches of step t (from 1): a pure function of t, so that a resumed run reads the same. */
  batches(t: number): B[]
  /** After step t: measures and emits. */
  evaluate(t: number): Promise<void>
  sample?(t: number, prompt?: string): Promise<void>
}

/** A loss this many times that of a uniform guess over the vocabulary counts as exploded. */
const EXPLODED = 2

export interface TrainingResult {
  /** Mean loss of the last tenth of the steps of this attempt, nats per scored token. */
  loss: number
  tokens: number
  tokensPerSecond: number
}

/** Trains to the last step. Throws a UserError when the loss is not finite or explodes: the last checkpoint stays. */
export async function train<B>(context: StageContext, loop: TrainingLoop<B>): Promise<TrainingResult> {
  const { trainer, options } = loop
  const { model } = trainer
  const schedule = scheduleOf(options)
  let done = 0
  if (context.resume) {
    await restoreTrainer(trainer, context.resume.folder)
    done = context.resume.step
  }
  const save = () => saveTrainer(context, trainer, done, loop.tokenizerFolder)
  const perStep = options.rows * options.time * options.microBatches
  const flops = flopsPerToken(model.config, options.time)
  const meter = speedometer()
  const recent: number[] = []
  let saved = done
  try {
    while (done < options.steps) {
      const t = done + 1
      const begin = performance.now()
      const result = await trainer.step(loop.batches(t), t, rateAt(t, schedule))
      refuseDivergence(t, result.loss, result.gradNorm, model.config.vocabSize, saved)
      done = t
      meter.add(perStep, (performance.now() - begin) / 1000)
      recent.push(result.loss)
      if (recent.length > Math.max(1, options.steps / 10)) recent.shift()
      if (meter.due() || done === options.steps) {
        const tokensPerSecond = meter.rate()
        const peak = await context.peakFlops()
        context.emit({
          type: 'progress',
          step: done,
          steps: options.steps,
          loss: result.loss,
          tokensPerSecond,
          etaSeconds: ((options.steps - done) * perStep) / tokensPerSecond,
          peakShare: peak > 0 ? (tokensPerSecond * flops) / peak : null,
        })
        context.emit({ type: 'metric', name: 'gradNorm', value: result.gradNorm, step: done, split: 'train' })
      }
      const evaluates = done % options.evaluateEvery === 0 || done === options.steps
      const saves = done % options.checkpointEvery === 0 && done < options.steps
      if (evaluates || saves) await refuseBrokenWeights(model, done, saved)
      if (evaluates) {
        await loop.evaluate(done)
        if (loop.sample) await loop.sample(done)
      }
      if (saves) {
        await save()
        saved = done
      }
      // After the last step the stage is all but done: the next one's first border obeys.
      if (done < options.steps)
        await context.border({
          step: done,
          save: async () => {
            await refuseBrokenWeights(model, done, saved)
            await save()
          },
          sample: (prompt) => loop.sample?.(done, prompt) ?? Promise.resolve(),
        })
    }
  } finally {
    trainer.free()
  }
  const loss = recent.reduce((a, b) => a + b, 0) / Math.max(1, recent.length)
  return { loss, tokens: options.steps * perStep, tokensPerSecond: meter.average() }
}

function refuseDivergence(t: number, loss: number, gradNorm: number, vocabulary: number, saved: number): void {
  const limit = EXPLODED * Math.log(vocabulary)
  if (Number.isFinite(loss) && Number.isFinite(gradNorm) && loss <= limit) return
  const what = Number.isFinite(loss) ? `loss ${loss.toFixed(2)}, gradient norm ${gradNorm}` : `loss ${loss}`
  const guess = Math.log(vocabulary).toFixed(2)
  throw diverged(t, [`${what}; a uniform guess has ${guess}`, `${what}；瞎猜的损失是 ${guess}`], saved)
}

/**
 * The loss of step t is that before its update; what the update made of the weights shows at step t + 1. Before weights are used or
 * saved they are looked at, so that no checkpoint holds broken ones.
 */
export async function refuseBrokenWeights({ engine, slab }: Model, t: number, saved: number): Promise<void> {
  const squares = engine.zeros([1])
  sumSquares(slab.weights, squares)
  const [sum] = await squares.read()
  squares.free()
  if (Number.isFinite(sum)) return
  throw diverged(t, ['the weights are not finite numbers', '参数已经不是有限的数'], saved)
}

/** What to say when numbers explode at step t; `what` in English and Chinese, `saved` the step of the last checkpoint. */
export function diverged(t: number, what: readonly [string, string], saved: number): UserError {
  const keeps =
    saved > 0
      ? [`the checkpoint of step ${saved} is kept`, `第 ${saved} 步的检查点仍在`]
      : ['nothing had been saved yet', '此前还没有检查点']
  return new UserError(
    `training diverged at step ${t} (${what[0]}); ${keeps[0]}. Try lower learning rates (matrixRate, embeddingRate) or a longer warmup.`,
    `训练在第 ${t} 步发散（${what[1]}），${keeps[1]}。可以调低学习率（matrixRate、embeddingRate）或延长 warmup。`,
  )
}

export type Trained = Pick<Trainer, 'model' | 'optimizer'>

/** Saves the model and the optimizer's state as a checkpoint, with what else the stage needs to go on: JSON, and files. */
export async function saveTrainer(
  context: StageContext,
  { model, optimizer }: Trained,
  step: number,
  tokenizerFolder: string,
  state: unknown = {},
  more: Record<string, Content> = {},
): Promise<void> {
  const moments = new Map(
    await Promise.all(
      Object.entries(stateOf({ model, optimizer })).map(async ([name, tensor]) => {
        const data = Float32Array.from(await tensor.read())
        return [name, { dtype: 'F32' as const, shape: [data.length] as number[], data }] as const
      }),
    ),
  )
  await context.save(step, state, {
    ...(await modelFiles(model, tokenizerFolder)),
    'optimizer.safetensors': writeSafetensors(moments),
    ...more,
  })
}

/** What an update reads besides gradients and the model's weights, which hold an adapter merged. */
function stateOf({ model, optimizer }: Trained): Record<string, Tensor> {
  return { m: optimizer.m, v: optimizer.v, ...(model.adapter ? { adapter: model.adapter.slab.weights } : {}) }
}

/** Reads a checkpoint's weights and optimizer state. */
export async function restoreTrainer({ model, optimizer }: Trained, folder: string): Promise<void> {
  await loadWeights(model, await readFile(join(folder, 'model.safetensors')))
  const { tensors } = readSafetensors(await readFile(join(folder, 'optimizer.safetensors')))
  for (const [name, tensor] of Object.entries(stateOf({ model, optimizer }))) {
    const found = tensors.get(name)
    if (!found) throw new Error(`${folder}/optimizer.safetensors: "${name}" is missing`)
    tensor.write(found.data)
  }
}

/** Tokens a second, of the last second or so and on average, of the time spent on steps alone. */
export function speedometer(intervalSeconds = 1) {
  const now = { tokens: 0, seconds: 0 }
  const before = { tokens: 0, seconds: 0 }
  let last = 0
  return {
    add(tokens: number, seconds: number): void {
      now.tokens += tokens
      now.seconds += seconds
    },
    due: () => now.seconds >= intervalSeconds,
    /** Rate since the last call. */
    rate(): number {
      if (now.seconds > 0) last = now.tokens / now.seconds
      before.tokens += now.tokens
      before.seconds += now.seconds
      now.tokens = now.seconds = 0
      return last
    },
    average: () => (before.tokens + now.tokens) / Math.max(1e-9, before.seconds + now.seconds),
  }
}
