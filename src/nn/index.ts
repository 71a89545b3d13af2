/** xueba/nn: the transformer, its loss, optimizers and the captured training step. */
export * from './config.ts'
export * from './loss.ts'
export * from './optimizer.ts'
export { layOut, type Parameter, type ParameterRole, type Slab } from './parameters.ts'
export * from './schedule.ts'
export * from './trainer.ts'
export * from './transformer.ts'
export { loadWeights, saveWeights, weightsOf } from './weights.ts'
