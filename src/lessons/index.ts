/** The article's ideas that no stage shows by itself, as data: the terminal prints them, a page may draw them. */
export { type Fit, fitHouses, type House, HOUSES, type Line, type Look } from './house-price.ts'
export { readHouses } from './houses.node.ts'
export { type Costs, costsOf, familiarity, type Familiarity, recite, type Recital } from './memory.ts'
export { answerOften, type ManyAnswers, type Spread, tire, type TiredModel } from './randomness.ts'
export {
  ACCELERATOR,
  FINEWEB,
  LIFETIME_CHARACTERS,
  type Scale,
  type ScaleInputs,
  scaleOf,
  trainingFlops,
} from './scale.ts'
