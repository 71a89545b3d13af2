/** Models that only count: what a neural one has to beat on the same text. */
export { type NgramModel, trainNgrams } from './ngram.ts'
export { Ppm, ppmOrder } from './ppm.ts'
