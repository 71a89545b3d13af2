/**
 * Reinforcement learning: GRPO, on exercises with checkable answers or on the judgement of a reward model (RLHF). At every step the model answers some exercises several
 * times; answers that earn more than their group's mean become likelier. Groups that all earned the same teach nothing:
 * they are counted and skipped, and when hardly any other is left the stage ends. Reads the latest model of the run, before
 * or after SFT; writes a model, and everything it answered on the way.
 */
import { createSession } from '../../generate/index.ts'
import { createRewardScorer, freeModel, rateAt } from '../../nn/index.ts'
import { UserError } from '../../run/index.ts'
import type { Exercise } from '../../tasks/index.ts'
import { textStart } from '../../tokenizer/index.ts'
import { ask, asOnPage, inChat } from '../ask.ts'
import { phrasesOf } from '../aha/file.ts'
import { markFinder } from '../aha/marks.ts'
import { emitMarks, tellAha } from '../aha/tell.ts'
import { emitExaminations, type Examination, examinationMetrics, examine } from '../examination.ts'
import { goesOn, loadModel, loadTokenizer, modelBefore, rewardModelBefore, saveModel } from '../model-folder.ts'
import { optimizerOf, scheduleOf } from '../options.ts'
import { openTasks } from '../practice.ts'
import { createPolicyTrainer } from './policy.ts'
import { emitStep, refuseDivergence, warnSilent, warnUnjudged } from './events.ts'
import { DEFAULT_STEPS, rlOptions, type RlOptions } from './options.ts'
import { openRolloutLog, type RolloutPosition, ROLLOUTS } from './rollout-log.ts'
import { drawStep, rollOut, summarize } from './rollout.ts'
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
  /** Answers that the task could not judge, so far. */
  unjudged?: number
}

export const rl: Stage<RlOptions> = {
  kind: 'rl',
  config: rlOptions,
  async run(context, options) {
    const { seed } = context
    const { steps = DEFAULT_STEPS, maxTokens, promptsPerStep, groupSize, rolloutKeep = promptsPerStep } = options
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
    const reference = options.beta > 0 ? await loadModel(engine, before, { trainable: false }) : null
    const padding = textStart(tokenizer)
    const trainer = createPolicyTrainer(model, reference, { ...options, padding, seed }, optimizerOf(options))
    if (context.resume) await restoreTrainer(trainer, context.resume.folder)
    const fresh: State = { updates: 0, skipped: [], before: [], latest: [] }
    const state = (context.resume?.state as State | undefined) ?? fresh
    const log = await openRolloutLog(context.folder, state.rollouts)
    const session = createSession(
      model,
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
      await saveTrainer(context, trainer, done, before, state)
      saved = done
    }
    const sample = async (prompt?: string) => {
      const own = state.latest.flatMap(({ answers }) => answers.map((answer) => answer.prompt))
      const answers = await ask(model, manner, prompt === undefined ? own : [prompt], { maxTokens, temperature: 0 })
      for (const { question, text } of answers) context.emit({ type: 'sample', prompt: question, text, step: done })
    }
    const practise = async (step: number) => {
      const begin = performance.now()
      const draws = drawStep(weighted, promptsPerStep, seed, step, fits)
      const groups = await rollOut(model, manner, draws, options, { seed, step, session, judge: judge?.score })
      const learned = await trainer.step(groups, step, state.updates, rateAt(step, schedule))
      refuseDivergence(step, learned, saved)
      await refuseBrokenWeights(model, step, saved)
      const { skipped, tokens, unjudged } = summarize(groups)
      if (unjudged > 0 && !state.unjudged) warnUnjudged(context, step, groups)
      state.unjudged = (state.unjudged ?? 0) + unjudged
      state.updates += learned?.updates ?? 0
      state.skipped = [...state.skipped, skipped].slice(-SILENT.steps)
      const kept = groups.slice(0, rolloutKeep)
      const offset = await log.append(step, kept)
      meter.add(tokens, (performance.now() - begin) / 1000)
      const tokensPerSecond = meter.rate()
      const etaSeconds = ((steps - step) * tokens) / tokensPerSecond
      context.emit({ type: 'progress', step, steps, loss: learned?.loss ?? null, tokensPerSecond, etaSeconds })
      emitStep(context, step, groups, learned, judge !== null)
      emitMarks(context, step, groups, marksOf)
      if (kept.length > 0) context.emit({ type: 'rollout', step, file: ROLLOUTS, offset, groups: kept.length })
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
      trainer.free()
      judge?.free()
      for (const one of [model, reference]) if (one) freeModel(one)
    }
    return {
      steps: done,
      updates: state.updates,
      stoppedEarly: Number(done < steps),
      ...(state.unjudged ? { unjudged: state.unjudged } : {}),
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
