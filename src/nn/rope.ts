/**
 * Rotary positions (Su et al., "RoFormer", 2021), rotate-half convention: pair j of a head turns by position · frequency j, with
 * frequency j = theta^(−2j/D); and Llama 3's stretch of the slow frequencies (`rope_type: llama3`).
 */
import type { ModelConfig, RopeScaling } from './config.ts'

/** (maxPositions, D): D/2 cosines, then D/2 sines for each position. */
export function ropeTable(config: Pick<ModelConfig, 'maxPositions' | 'headDim' | 'ropeTheta' | 'ropeScaling'>) {
  const { maxPositions, headDim, ropeTheta, ropeScaling } = config
  const half = headDim / 2
  const divisors = ropeScaling ? ropeDivisors(config) : null
  const table = new Float64Array(maxPositions * headDim)
  for (let p = 0; p < maxPositions; p++)
    for (let j = 0; j < half; j++) {
      const angle = (p * ropeTheta ** (-j / half)) / (divisors ? divisors[j]! : 1)
      table[p * headDim + j] = Math.cos(angle)
      table[p * headDim + half + j] = Math.sin(angle)
    }
  return table
}

/**
 * (D/2): what each frequency is divided by. Frequencies whose wave is longer than the context that the model was first trained on, divided by
 * lowFreqFactor, are slowed down by `factor`; those that turn highFreqFactor times or more in it stay; between the two the change is smooth
 * (transformers, modeling_rope_utils.py, `_compute_llama3_parameters`).
 */
export function ropeDivisors(config: Pick<ModelConfig, 'headDim' | 'ropeTheta' | 'ropeScaling'>): Float64Array {
  const half = config.headDim / 2
  const scaling = config.ropeScaling
  if (!scaling) return new Float64Array(half).fill(1)
  return Float64Array.from({ length: half }, (_, j) => divisorOf(config.ropeTheta ** (-j / half), scaling))
}

function divisorOf(frequency: number, s: RopeScaling): number {
  const turns = (s.originalMaxPositions * frequency) / (2 * Math.PI) // of this frequency in the first context
  if (turns < s.lowFreqFactor) return s.factor
  if (turns > s.highFreqFactor) return 1
  const smooth = (turns - s.lowFreqFactor) / (s.highFreqFactor - s.lowFreqFactor)
  return 1 / ((1 - smooth) / s.factor + smooth)
}
