/** Published benchmarks: CORE, BLiMP, MMLU, CMMLU, HumanEval, GSM8K. */
export { createScorer } from './scorer.ts'
export {
  runSuite,
  type SuiteName,
  suiteName,
  type SuiteOptions,
  type SuiteScore,
  type TaskScore,
  USUAL_DATA,
} from './suite.ts'
