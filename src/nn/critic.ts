/**
 * A critic: what is still to be earned from each place of a text on, by a model of its own with a scalar head. Its loss is half the squared error, with PPO's clip
 * of how far a value may move from the one that the advantages were made with (Schulman et al., 2017; the larger of both errors counts, as in their code):
 *   loss = Σ weight · ½·max((V − R)², (clip(V, old − ε, old + ε) − R)²)
 * It is a copy of the model and no second head on it: what is learnt about values must not move the policy, and the loss needs no weight against the policy's.
 */
import { backward, combine, copy, type FloatArray, linear, type Tensor } from '../tensor/index.ts'
import { type Batch, createBatch } from './loss.ts'
import { createOptimizer, type Optimizer, type OptimizerOptions } from './optimizer.ts'
import { attendRows, hiddenStates, type Model } from './transformer.ts'

/** For each place of a batch; weights are 0 where there is nothing to learn. */
export interface ValueTargets {
  returns: ArrayLike<number>
  oldValues: ArrayLike<number>
  weights: ArrayLike<number>
}

export interface ValueStatistics {
  loss: number
  /** Weight of the places whose value moved further than the clip and does not get better. */
  clipped: number
}

export interface Critic {
  model: Model
  optimizer: Optimizer
  /** (rows · time): the value at every place. */
  values(batch: Batch): Promise<FloatArray>
  /** Adds the gradient of a batch's loss. `clip` 0 = a value may move any distance. */
  accumulate(batch: Batch, targets: ValueTargets, clip: number): Promise<ValueStatistics>
  /** Updates the weights from the gradients; update t (from 1), rates at `factor` × peak. */
  update(t: number, factor: number): void
  free(): void
}

/** `model` has a head (`score`). */
export function createCritic(
  model: Model,
  { rows, time }: { rows: number; time: number },
  optimizerOptions: OptimizerOptions,
): Critic {
  const { engine, score } = model
  if (!score) throw new Error('a critic needs a scalar head: its config needs score: true')
  const optimizer = createOptimizer(model, optimizerOptions)
  const tensors = createBatch(engine, rows, time)
  const coefficients = engine.keep(engine.zeros([1, rows * time]))
  const shown = engine.keep(engine.zeros([rows * time]))
  const valuesOf = (): Tensor =>
    linear(hiddenStates(model, tensors.ids, attendRows(model, tensors.starts, rows, time)), score)
  const look = engine.capture(() => engine.noGrad(() => copy(valuesOf(), shown)))
  // The loss is linear in the values once its derivative is known: the sum of coefficient · value has its gradient.
  const learn = engine.capture(() => backward(combine(coefficients, valuesOf())))
  const step = engine.capture(() => optimizer.update())

  async function values({ ids, starts }: Batch): Promise<FloatArray> {
    tensors.ids.write(ids)
    tensors.starts.write(starts)
    look.run()
    return shown.read()
  }

  return {
    model,
    optimizer,
    values,
    async accumulate(batch, targets, clip) {
      const { loss, clipped, derivative } = valueLoss(await values(batch), targets, clip)
      coefficients.write(derivative)
      learn.run()
      return { loss, clipped }
    },
    update(t, factor) {
      optimizer.prepare(t, factor)
      step.run()
    },
    free() {
      for (const program of [look, learn, step]) program.free()
      const { ids, targets, starts, weights } = tensors
      for (const t of [ids, targets, starts, weights, coefficients, shown]) t.free()
      optimizer.free()
    },
  }
}

/** The loss, and its derivative by each value. */
export function valueLoss(
  values: ArrayLike<number>,
  { returns, oldValues, weights }: ValueTargets,
  clip: number,
): ValueStatistics & { derivative: Float64Array } {
  const derivative = new Float64Array(values.length)
  let [loss, clipped] = [0, 0]
  for (let i = 0; i < values.length; i++) {
    const weight = weights[i]!
    if (weight === 0) continue
    const [v, old, r] = [values[i]!, oldValues[i]!, returns[i]!]
    const near = clip > 0 ? Math.min(Math.max(v, old - clip), old + clip) : v
    const isClipped = (near - r) ** 2 > (v - r) ** 2
    loss += weight * 0.5 * Math.max((v - r) ** 2, (near - r) ** 2)
    clipped += isClipped ? weight : 0
    derivative[i] = isClipped ? 0 : weight * (v - r)
  }
  return { loss, clipped, derivative }
}
