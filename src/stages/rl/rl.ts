/**
 * Reinforcement learning on exercises with checkable answers, or on the judgement of a reward model (RLHF); by which algorithm is a few numbers
 * (algorithms.ts). At every step the model answers some exercises several times, and answers that earn more than was to be expected become likelier.
 * Groups that all earned the same teach nothing: they are counted, replaced or skipped, and when hardly any other is left the stage ends. Reads
 * a model of the run, before or after SFT; writes a model, and everything it answered on the way.
 */
import { createSession } from '../../generate/index.ts'
import { createRewardScorer, freeModel, rateAt, temper } from '../../nn/index.ts'
import { UserError } from '../../run/index.ts'
import type { Exercise } from '../../tasks/index.ts'
import { textStart } from '../../tokenizer/index.ts'
import { ask, asOnPage, inChat } from '../ask.ts'
import { phrasesOf } from '../aha/file.ts'
import { markFinder } from '../aha/marks.ts'
import { emitMarks, tellAha } from '../aha/tell.ts'
import { emitExaminations, type Examination, examinationMetrics, examine } from '../examination.ts'
import { goesOn, loadModel, loadTokenizer, modelBefore, rewardModelBefore, saveModel } from '../model-folder.ts'
import { scheduleOf } from '../options.ts'
import { overOptimised } from '../over-optimisation.ts'
import { openTasks } from '../practice.ts'
import { isTelling } from './credit.ts'
import { createCurriculum, type CurriculumState } from './curriculum.ts'
import { emitStep, refuseDivergence, warnOverOptimised, warnSilent, warnUnjudged } from './events.ts'
import { openLearner } from './learner.ts'
import { DEFAULT_STEPS, rlOptions, type RlOptions } from './options.ts'
import { openRolloutLog, type RolloutPosition, ROLLOUTS } from './rollout-log.ts'
import { drawStep, type Group, rollOut, summarize } from './rollout.ts'
import type { Stage, StageContext } from '../stage.ts'
import { mean } from '../statistics.ts'
import { refuseBrokenWeights, restoreTrainer, saveTrainer, speedometer } from '../train.ts'

/** The stage ends when over this share of the groups of so many steps taught nothing. */
const SILENT = { share: 0.9, steps: 20 }

/** Answers that are sampled at the same time, at most. */
const SLOTS = 128

/** What a checkpoint holds besides weights and optimizer. */
interface State {
  /** Updates of the weights so far: a step makes several, or none. */
  updates: number
  /** Share of skipped groups, of the last steps. */
  skipped: number[]
  /** Examinations before the first step, and the latest. */
  before: Examination[]
  latest: Examination[]
  rollouts?: RolloutPosition
  /** Answers that the task could not judge, so far; and groups that were replaced because they taught nothing. */
  unjudged?: number
  resampled?: number
  curriculum?: CurriculumState
  /** Of every step, where a reward model judges: what it thought, and the true reward. */
  judged?: { liked: number[]; worth: number[]; overOptimised?: number }
}

export const rl: Stage<RlOptions> = {
  kind: 'rl',
  config: rlOptions,
  async run(context, options) {
    const { seed } = context
    const { steps = DEFAULT_STEPS, maxTokens, promptsPerStep, groupSize, rolloutKeep = Infinity } = options
    const before = modelBefore(context, options.from)
    const tokenizer = await loadTokenizer(before)
    const tasks = await openTasks(context, options.tasks)
    const isBase = goesOn(context.earlier.find(({ folder }) => folder === before)?.kind, tokenizer)
    const manner = isBase ? asOnPage(tokenizer, tasks, { ...context, shots: options.shots }) : inChat(tokenizer)
    const weighted = tasks.map((task, i) => ({ task, weight: options.tasks[i]!.weight }))
    const engine = await context.engine()
    const model = await loadModel(engine, before, { lora: options.lora && { ...options.lora, seed } })
    const { maxPositions } = model.config
    if (options.time > maxPositions)
      throw new UserError(
        `rl: time is ${options.time}, the model holds ${maxPositions} tokens: lower time`,
        `rl：time 是 ${options.time}，而模型只能容纳 ${maxPositions} 个词元：请调小 time`,
      )
    const judge = await openJudge(context, options)
    const learner = await openLearner(context, options, before, model, textStart(tokenizer))
    const { trainer } = learner
    if (context.resume) {
      await restoreTrainer(trainer, context.resume.folder)
      await learner.restore(context.resume.folder)
    }
    const fresh: State = { updates: 0, skipped: [], before: [], latest: [] }
    const state = (context.resume?.state as State | undefined) ?? fresh
    const log = await openRolloutLog(context.folder, state.rollouts)
    const curriculum = options.curriculum === 'success' ? createCurriculum(state.curriculum) : undefined
    const sampler = temper(model, options.temperature)
    const session = createSession(
      sampler.model,
      Math.min(SLOTS, promptsPerStep * groupSize),
      Math.min(options.time + 1, maxPositions),
    )
    const schedule = scheduleOf({ ...options, steps })
    const marksOf = markFinder(phrasesOf(context.language, options.aha))
    const meter = speedometer()
    let done = context.resume?.step ?? 0
    let saved = done

    const fits = ({ prompt }: Exercise) => manner.prompt(prompt).length + maxTokens <= session.capacity
    const silent = () => state.skipped.length === SILENT.steps && mean(state.skipped) > SILENT.share
    const evaluate = async () => {
      const { evaluateProblems: count, passAtK: k } = options
      state.latest = await examine(model, tokenizer, tasks, { count, seed, maxTokens, k, manner })
      emitExaminations(context, state.latest, done)
    }
    const save = async () => {
      state.rollouts = await log.flush()
      await refuseBrokenWeights(model, done, saved)
      state.curriculum = curriculum?.state()
      await saveTrainer(context, trainer, done, before, state, await learner.files())
      saved = done
    }
    const sample = async (prompt?: string) => {
      const own = state.latest.flatMap(({ answers }) => answers.map((answer) => answer.prompt))
      const answers = await ask(model, manner, prompt === undefined ? own : [prompt], { maxTokens, temperature: 0 })
      for (const { question, text } of answers) context.emit({ type: 'sample', prompt: question, text, step: done })
    }
    /** Whole groups; those that teach nothing are replaced by others, some times. */
    const answer = async (step: number): Promise<{ groups: Group[]; resampled: number }> => {
      const groups: Group[] = []
      await sampler.refresh()
      for (let round = 0; round <= options.resample; round++) {
        const missing = promptsPerStep - groups.filter(isTelling).length
        if (missing === 0) break
        const draws = drawStep(weighted, missing, { seed, step, round }, fits, curriculum)
        const at = { seed, step, round, session, judge: judge?.score }
        groups.push(...(await rollOut(sampler.model, manner, draws, options, at)))
      }
      return { groups, resampled: groups.length - promptsPerStep }
    }
    /** The first time that a judge is pleased ever more by answers that are worth ever less. */
    const watch = (step: number, { credit, reward }: { credit: number; reward: number }) => {
      const judged = (state.judged ??= { liked: [], worth: [] })
      judged.liked.push(credit)
      judged.worth.push(reward)
      const found = judged.overOptimised === undefined ? overOptimised(judged.liked, judged.worth) : undefined
      if (!found) return
      judged.overOptimised = step
      warnOverOptimised(context, step, found)
    }
    const practise = async (step: number) => {
      const begin = performance.now()
      const { groups: sampled, resampled } = await answer(step)
      const { groups, policy, values } = await learner.learn(sampled, step, state.updates, rateAt(step, schedule))
      refuseDivergence(step, policy, saved)
      await refuseBrokenWeights(model, step, saved)
      const summary = summarize(groups)
      const { skipped, tokens, unjudged } = summary
      if (unjudged > 0 && !state.unjudged) warnUnjudged(context, step, groups)
      state.unjudged = (state.unjudged ?? 0) + unjudged
      state.resampled = (state.resampled ?? 0) + resampled
      state.updates += policy?.updates ?? 0
      state.skipped = [...state.skipped, skipped].slice(-SILENT.steps)
      curriculum?.learn(groups)
      const kept = groups.slice(0, rolloutKeep)
      const offset = await log.append(step, kept)
      meter.add(tokens, (performance.now() - begin) / 1000)
      const tokensPerSecond = meter.rate()
      const etaSeconds = ((steps - step) * tokens) / tokensPerSecond
      context.emit({ type: 'progress', step, steps, loss: policy?.loss ?? null, tokensPerSecond, etaSeconds })
      emitStep(context, step, groups, { policy, values, isJudged: judge !== null, resampled })
      emitMarks(context, step, groups, marksOf)
      if (kept.length > 0) context.emit({ type: 'rollout', step, file: ROLLOUTS, offset, groups: kept.length })
      if (judge && Number.isFinite(summary.reward)) watch(step, summary)
      if (silent()) warnSilent(context, step, state.skipped, groups)
    }

    try {
      if (!context.resume) {
        await evaluate()
        state.before = state.latest
      }
      while (done < steps && !silent()) {
        await practise(done + 1)
        done++
        if (done % options.evaluateEvery === 0 || done === steps || silent()) await evaluate()
        if (done % options.checkpointEvery === 0 && done < steps) await save()
        if (done < steps && !silent()) await context.border({ step: done, save, sample })
      }
      await log.flush()
      await tellAha(context, options)
      await saveModel(context.folder, model, before, isBase ? { shots: options.shots } : {})
    } finally {
      await log.close()
      session.free()
      sampler.free()
      learner.free()
      judge?.free()
      freeModel(model)
    }
    return {
      steps: done,
      updates: state.updates,
      stoppedEarly: Number(done < steps),
      ...(state.unjudged ? { unjudged: state.unjudged } : {}),
      ...(state.resampled ? { resampledGroups: state.resampled } : {}),
      ...(state.judged?.overOptimised ? { overOptimisedAt: state.judged.overOptimised } : {}),
      tokensPerSecond: meter.average(),
      ...examinationMetrics(state.before, 'Before'),
      ...examinationMetrics(state.latest),
    }
  },
}

/** The reward model that judges in a person's place, where the recipe names one. */
async function openJudge(context: StageContext, { rewardModel, rows, time }: RlOptions) {
  if (rewardModel === undefined) return null
  const model = await loadModel(await context.engine(), rewardModelBefore(context, rewardModel), { trainable: false })
  const scorer = createRewardScorer(model, { rows: Math.max(rows, 16), time })
  return {
    score: scorer.score,
    free() {
      scorer.free()
      freeModel(model)
    },
  }
}
