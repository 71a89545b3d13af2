/**
 * A model at a temperature: the same weights, but logits are divided by it, so that sampling at temperature 1 draws from the sharper or flatter
 * distribution and gives its log-probabilities. The logits are linear in the last norm's weights: only those are copied.
 */
import type { Model } from './transformer.ts'

export interface TemperedModel {
  model: Model
  /** Takes over the last norm's weights; to be called when the model's weights have changed. */
  refresh(): Promise<void>
  free(): void
}

/** At temperature 1 it is the model itself. */
export function temper(model: Model, temperature: number): TemperedModel {
  if (temperature === 1) return { model, refresh: async () => {}, free: () => {} }
  const norm = model.engine.keep(model.engine.zeros([...model.norm.shape]))
  return {
    model: { ...model, norm },
    refresh: async () => norm.write((await model.norm.read()).map((weight) => weight / temperature)),
    free: () => norm.free(),
  }
}
