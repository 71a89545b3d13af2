/** xueba as a library: train by a recipe, load what came out, talk with it. The rooms (`xueba/nn`, `xueba/tensor`, …) have the rest. */
export { generate, type GenerateTextOptions } from './generate.ts'
export { load, type LoadedModel, type LoadOptions } from './load.ts'
export { train, type TrainOptions } from './train.ts'
export { type StageName } from './find-model.ts'
export { trainTokenizer, Tokenizer, type Turn } from '../tokenizer/index.ts'
export { type RunEvent, UserError } from '../run/index.ts'
