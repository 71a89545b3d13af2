/**
 * Which rule moves which weight: Muon for the hidden matrices, AdamW for embeddings and norms, or AdamW for all. Both keep
 * their state in slabs of the weights' layout. Learning rates are written before each step, so the step can be replayed.
 */
import { adamw, clipScale, muon, sumSquares, type Tensor } from '../tensor/index.ts'
import type { Parameter } from './parameters.ts'
import type { Model } from './transformer.ts'

export interface OptimizerOptions {
  /** The rule of the hidden matrices. */
  matrices: 'muon' | 'adamw'
  /** Peak learning rates, before the schedule's factor. `matrixRate` is that of the rule above. */
  matrixRate: number
  embeddingRate: number
  vectorRate: number
  beta1: number
  beta2: number
  eps: number
  /** Decoupled, on matrices only. */
  weightDecay: number
  momentum: number
  /** Largest norm of all gradients together; 0 = never clip. */
  clip: number
}

export interface Optimizer {
  options: OptimizerOptions
  /** First and second moments (Muon's momentum lies in the first), in the weights' layout. */
  m: Tensor
  v: Tensor
  /** [factor that gradients were scaled by, their norm before that]. */
  clip: Tensor
  /** Sets the learning rates for step `t` (from 1) as `factor` × peak. */
  prepare(t: number, factor: number): void
  /** Commands of one update from the gradients, which it clears. */
  update(): void
  free(): void
}

export function createOptimizer(model: Model, options: OptimizerOptions): Optimizer {
  const { engine, adapter } = model
  const slab = adapter?.slab ?? model.slab
  const { weights, grads } = slab
  if (!grads) throw new Error('createOptimizer: this model was made without gradients (trainable: false)')
  const keep = (t: Tensor) => engine.keep(t)
  const m = keep(engine.zeros([weights.size]))
  const v = keep(engine.zeros([weights.size]))
  const clip = keep(engine.zeros([2]))
  const squares = keep(engine.zeros([1]))
  const rates = { matrix: options.matrixRate, embedding: options.embeddingRate, vector: options.vectorRate }
  const hyper = { matrix: keep(engine.zeros([4])), embedding: keep(engine.zeros([4])), vector: keep(engine.zeros([4])) }

  const step = ({ role, shape, offset }: Parameter) => {
    const part = (slabTensor: Tensor) => slabTensor.view(shape, offset)
    const [rows, columns] = shape as [number, number]
    if (role === 'matrix' && options.matrices === 'muon') {
      // sqrt(max(1, rows/columns)): the scale of Muon's reference implementation
      const muonState = { weights: part(weights), grads: part(grads), momentum: part(m), hyper: hyper.matrix, clip }
      return muon(muonState, { scale: Math.sqrt(Math.max(1, rows / columns)), weightDecay: options.weightDecay })
    }
    const { beta1, beta2, eps } = options
    const state = { weights: part(weights), grads: part(grads), m: part(m), v: part(v), hyper: hyper[role], clip }
    adamw(state, { beta1, beta2, eps, weightDecay: role === 'matrix' ? options.weightDecay : 0 })
  }

  return {
    options,
    m,
    v,
    clip,
    prepare(t, factor) {
      const corrections = [1 - options.beta1 ** t, 1 - options.beta2 ** t]
      const useMuon = options.matrices === 'muon'
      hyper.matrix.write([rates.matrix * factor, useMuon ? options.momentum : corrections[0]!, corrections[1]!, 0])
      hyper.embedding.write([rates.embedding * factor, ...corrections, 0])
      hyper.vector.write([rates.vector * factor, ...corrections, 0])
    },
    update() {
      sumSquares(grads, squares)
      clipScale(squares, clip, options.clip)
      adapter?.merge(-1)
      slab.parameters.forEach(step)
      adapter?.merge(1)
    },
    free: () => [m, v, clip, squares, ...Object.values(hyper)].forEach((t) => t.free()),
  }
}
