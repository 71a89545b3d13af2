/**
 * A little reading between exercises, so that practice does not wash out what was read: the gradient of the language-modelling loss on some rows of the
 * corpus is added to that of every update (PPO-ptx: Ouyang et al., "Training language models to follow instructions with human feedback", 2022, 3.5).
 */
import { countScored, createBatch, languageModelLoss, type Model, writeBatch } from '../../nn/index.ts'
import { backward } from '../../tensor/index.ts'
import { UserError } from '../../run/index.ts'
import type { StageContext } from '../stage.ts'
import { corpusTokens, refuseSmall } from '../token-source.ts'
import { readRows } from '../tokens.ts'
import type { RlOptions } from './options.ts'

export interface Replay {
  /** Adds the gradient for an update (from 1) to the model's; its loss, nats a token, not weighted. */
  accumulate(update: number): Promise<number>
  free(): void
}

/** `folder` holds the tokenizer. */
export async function openReplay(
  context: StageContext,
  model: Model,
  folder: string,
  { replay, rows, time }: Pick<RlOptions, 'replay' | 'rows' | 'time'>,
): Promise<Replay> {
  const corpus = context.find('corpus')
  if (corpus === undefined)
    throw new UserError(
      'rl: replay reads the corpus again, and no earlier stage made one: add a corpus stage, or leave replay out',
      'rl：replay 要重读语料，可前面没有 corpus 阶段：请加上，或去掉 replay',
    )
  const tokens = await corpusTokens(corpus, folder, () => context.border({ step: 0, save: async () => {} }))
  refuseSmall(tokens, { rows, time })
  const reader = readRows(tokens, time, context.seed)
  const { engine } = model
  const batch = createBatch(engine, rows, time)
  const nll = engine.keep(engine.zeros([rows * time]))
  const program = engine.capture(() => {
    const loss = languageModelLoss(model, batch, nll)
    backward(loss)
    return loss
  })
  return {
    async accumulate(update) {
      const read = reader.batch((update - 1) * rows, rows)
      writeBatch(batch, read, countScored(read) / replay) // a loss has to be the last operation: its weight goes into those of its tokens
      program.run()
      return (await program.outputs.item()) / replay
    },
    free() {
      program.free()
      for (const t of [batch.ids, batch.targets, batch.starts, batch.weights, nll]) t.free()
      tokens.close()
    },
  }
}
