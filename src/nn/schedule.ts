/** Learning-rate schedule: linear warm-up, a plateau, linear decay (the "trapezoid" of Hägele et al., 2024; used by nanochat). */
export interface Schedule {
  steps: number
  warmup: number
  /** Share of the steps, at the end, over which the rate falls. */
  decay: number
  /** Share of the peak rate that is left at the end. */
  floor: number
}

/** Factor of the peak rate at step t = 1 … steps. */
export function rateAt(t: number, { steps, warmup, decay, floor }: Schedule): number {
  const rise = warmup > 0 ? Math.min(1, t / warmup) : 1
  const decaySteps = Math.round(decay * steps)
  const left = decaySteps > 0 ? Math.min(1, (steps - t + 1) / decaySteps) : 1
  return rise * (floor + (1 - floor) * left)
}
