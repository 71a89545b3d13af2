/** xueba/nn: the transformer, its loss, optimizers and the captured training step. */
export * from './config.ts'
export * from './config-json.ts'
export * from './critic.ts'
export * from './dpo.ts'
export { roundModel } from './int8.ts'
export { attachAdapter, type LoraOptions, peftModules, type PeftTensor, peftTensors } from './lora.ts'
export * from './loss.ts'
export * from './optimizer.ts'
export { layOut, type Parameter, type ParameterRole, type Slab } from './parameters.ts'
export * from './reward.ts'
export { ropeDivisors } from './rope.ts'
export * from './schedule.ts'
export * from './temper.ts'
export * from './trainer.ts'
export * from './transformer.ts'
export {
  checkWeights,
  expectFilling,
  fillWeights,
  loadWeights,
  saveWeights,
  weightsOf,
  type WeightSource,
} from './weights.ts'
