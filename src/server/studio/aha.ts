/**
 * The shelf of moments in reinforcement learning that people call “aha”: for each rule, the first answer that it finds, and whether what it finds
 * is more frequent at the end than at the beginning, with intervals, and beside a control whose rewards meant nothing where the run has one.
 * A rule finds a form of words, not a thought; the first find may be chance, or what the model did before any exercise.
 */
import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { readJsonl } from '../../formats/index.ts'
import { readJson, type Run, type RunStage } from '../../run/index.ts'
import type { First } from '../../stages/aha/analysis.ts'
import { AHA, judgeRun } from '../../stages/aha/file.ts'
import type { Verdict } from '../../stages/aha/verdict.ts'
import { sayEvidence, sayVerdict } from '../../stages/aha/words.ts'
import { type RolloutLine, ROLLOUTS } from '../../stages/rl/rollout-log.ts'
import { type Interval, wilson } from '../../stages/statistics.ts'

/** What is looked for. */
const RULES: Record<string, (answer: RolloutLine['answers'][number]) => boolean> = {
  correct: ({ correct }) => correct,
  'self-check': ({ text }) =>
    /等等|不对|再检查|再算一|重新算|验算|\b(?:wait|let me check|check again|recheck|actually)\b/i.test(text),
}
/** Share of the steps at each end that is compared. */
const END = 0.2

export interface Frequency extends Interval {
  found: number
  answers: number
}

export interface Moment {
  rule: string
  task: string
  /** Undefined when nothing was found. */
  first?: { step: number; prompt: string; text: string }
  early: Frequency
  late: Frequency
  /** `more`: the interval at the end lies above that at the beginning. */
  verdict: 'more' | 'less' | 'same' | 'never'
  /** The end of a stage whose rewards were shuffled. */
  control?: Frequency & { stage: string }
}

/** The shelf of a stage: the finds, and what the stage's analysis comes to (src/stages/aha/), in both languages. */
export interface Shelf {
  moments: Moment[]
  /** Null of a stage that is not done, and of recordings that were made before there were verdicts. */
  told: { outcome: Verdict['verdict']; verdict: Told; evidence: Told[]; firsts: First[] } | null
}
type Told = ReturnType<typeof sayVerdict>

/** A recording keeps its shelf in `aha.json`, as its rollouts are a choice of those there were. */
export async function shelfOf(run: Run, stage: RunStage): Promise<Shelf> {
  const kept = await readJson(join(stage.folder, AHA))
  if (Array.isArray(kept)) return { moments: kept as Moment[], told: null }
  if (isShelf(kept)) return kept
  const judged = stage.manifest && (await judgeRun(run.language, run.stages)).find((one) => one.stage === stage.name)
  const told = judged && {
    outcome: judged.verdict.verdict,
    verdict: sayVerdict(judged),
    evidence: judged.verdict.evidence.map(sayEvidence),
    firsts: judged.analysis.firsts,
  }
  return { moments: await momentsOf(run, stage), told: told ?? null }
}

const isShelf = (kept: unknown): kept is Shelf => typeof kept === 'object' && kept !== null && 'moments' in kept

/** Groups are read once. */
export async function momentsOf(run: Run, stage: RunStage): Promise<Moment[]> {
  const moments = await countMoments(stage.folder)
  for (const control of run.stages) {
    const isControl = control !== stage && control.manifest?.config.rewardFrom === 'shuffled'
    if (!isControl || !existsSync(join(control.folder, ROLLOUTS))) continue
    for (const other of await countMoments(control.folder)) {
      const mine = moments.find(({ rule, task }) => rule === other.rule && task === other.task)
      if (mine) mine.control = { ...other.late, stage: basename(control.folder) }
    }
  }
  return moments
}

interface Found {
  first?: Moment['first']
  byStep: Map<number, { found: number; answers: number }>
}

async function countMoments(folder: string): Promise<Moment[]> {
  const groups = new Map<string, Found>()
  for await (const row of readJsonl(join(folder, ROLLOUTS))) {
    if ('defect' in row) continue
    const { step, task, prompt, answers } = row.value as RolloutLine
    for (const [rule, finds] of Object.entries(RULES)) {
      const key = `${rule}\n${task}`
      const group: Found = groups.get(key) ?? { byStep: new Map() }
      groups.set(key, group)
      const counts = group.byStep.get(step) ?? { found: 0, answers: 0 }
      group.byStep.set(step, counts)
      for (const answer of answers) {
        counts.answers++
        if (!finds(answer)) continue
        counts.found++
        group.first ??= { step, prompt, text: answer.text }
      }
    }
  }
  return Array.from(groups, ([key, { first, byStep }]) => {
    const [rule, task] = key.split('\n') as [string, string]
    const steps = [...byStep.keys()].sort((a, b) => a - b)
    const size = Math.max(1, Math.round(steps.length * END))
    const early = frequencyOf(steps.slice(0, size).map((step) => byStep.get(step)!))
    const late = frequencyOf(steps.slice(-size).map((step) => byStep.get(step)!))
    return {
      rule,
      task,
      ...(first ? { first } : {}),
      early,
      late,
      verdict: verdictOf(first !== undefined, early, late),
    }
  })
}

function frequencyOf(counts: readonly { found: number; answers: number }[]): Frequency {
  const [found, answers] = [sum(counts.map((c) => c.found)), sum(counts.map((c) => c.answers))]
  return { found, answers, ...wilson(found, answers) }
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)

function verdictOf(ever: boolean, early: Interval, late: Interval): Moment['verdict'] {
  if (!ever) return 'never'
  return late.low > early.high ? 'more' : late.high < early.low ? 'less' : 'same'
}
