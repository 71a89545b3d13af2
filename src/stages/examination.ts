/** Examinations of a model on several tasks, as events while a stage runs and as metrics when it is done. */
import type { Model } from '../nn/index.ts'
import type { Task } from '../tasks/index.ts'
import type { Tokenizer } from '../tokenizer/index.ts'
import { evaluateExercises, type ExerciseOptions, type ExerciseScore } from './exercises.ts'
import type { Metrics, StageContext } from './stage.ts'

export interface Examination extends ExerciseScore {
  task: string
}

/** Of the answers, only the first few are kept. */
export async function examine(
  model: Model,
  tokenizer: Tokenizer,
  tasks: readonly Task[],
  options: ExerciseOptions,
): Promise<Examination[]> {
  const examinations: Examination[] = []
  for (const task of tasks) {
    const score = await evaluateExercises(model, tokenizer, task, options)
    examinations.push({ task: task.name, ...score, answers: score.answers.slice(0, 4) })
  }
  return examinations
}

/** As `metric` events (`split` is the task), and the answers as samples. */
export function emitExaminations(context: StageContext, examinations: readonly Examination[], step: number): void {
  for (const { task, accuracy, low, high, passAt, meanLength, reward, answers } of examinations) {
    const metric = { type: 'metric', step, split: task } as const
    if (reward) context.emit({ ...metric, name: 'reward', ...reward })
    context.emit({ ...metric, name: 'accuracy', value: accuracy, low, high })
    for (const [k, { value, low, high }] of Object.entries(passAt))
      context.emit({ ...metric, name: `pass@${k}`, value, low, high })
    context.emit({ ...metric, name: 'answerLength', value: meanLength })
    for (const { prompt, text } of answers) context.emit({ type: 'sample', prompt, text, step })
  }
}

/** As a manifest's metrics: `accuracy` and so on; of several tasks, `countdown-3-numbers.accuracy`. */
export function examinationMetrics(examinations: readonly Examination[], suffix = ''): Metrics {
  const metrics: Metrics = {}
  for (const { task, accuracy, low, high, passAt, problems, reward } of examinations) {
    const prefix = examinations.length > 1 ? `${task}.` : ''
    const put = (name: string, value: number) => (metrics[`${prefix}${name}${suffix}`] = value)
    if (reward) {
      put('reward', reward.value)
      put('rewardLow', reward.low)
      put('rewardHigh', reward.high)
    }
    put('accuracy', accuracy)
    put('accuracyLow', low)
    put('accuracyHigh', high)
    for (const [k, { value }] of Object.entries(passAt)) put(`pass@${k}`, value)
    put('problems', problems)
  }
  return metrics
}
