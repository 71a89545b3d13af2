/** Every operation, and the reference kernels of all of them. */
import { attentionKernels } from './attention.ts'
import { cacheKernels } from './cache.ts'
import { crossEntropyKernels } from './cross_entropy.ts'
import { elementwiseKernels } from './elementwise.ts'
import { embeddingKernels } from './embedding.ts'
import { int8Kernels } from './int8.ts'
import { linearKernels } from './linear.ts'
import { optimizerKernels } from './optimizer.ts'
import { policyLossKernels } from './policy_loss.ts'
import type { ReferenceKernels } from './reference.ts'
import { rmsNormKernels } from './rmsnorm.ts'
import { sampleKernels } from './sample.ts'
import { swigluKernels } from './swiglu.ts'

export { attention, type AttentionInputs, type AttentionShape } from './attention.ts'
export { cachedAttention, type CacheInputs } from './cache.ts'
export { crossEntropy, type HeadInputs, negativeLogProbs } from './cross_entropy.ts'
export { add, copy, mean, multiply, scale, subtract, sum } from './elementwise.ts'
export { embedding, gatherRows } from './embedding.ts'
export { INT8_ROWS, int8Of, roundToInt8 } from './int8.ts'
export { combine, gemm, type GemmOptions, linear } from './linear.ts'
export { adamw, type AdamWOptions, clipScale, muon, sumSquares } from './optimizer.ts'
export { type PolicyInputs, policyLoss, policyStatistics } from './policy_loss.ts'
export { rmsNorm } from './rmsnorm.ts'
export { sample, sampleFinish, type SampleInputs, sampleSettings, sampleState } from './sample.ts'
export { swiglu } from './swiglu.ts'

export const referenceKernels: ReferenceKernels = {
  ...attentionKernels,
  ...cacheKernels,
  ...crossEntropyKernels,
  ...elementwiseKernels,
  ...embeddingKernels,
  ...int8Kernels,
  ...linearKernels,
  ...optimizerKernels,
  ...policyLossKernels,
  ...rmsNormKernels,
  ...sampleKernels,
  ...swigluKernels,
}
