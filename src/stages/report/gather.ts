/**
 * Everything a run directory says about itself, as a report card: recipe, events, manifests. Reads what is there, whatever
 * state the run is in; answers to questions come from elsewhere (interview.ts).
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { parse } from 'yaml'
import { dropSuperseded, readEvents, readRun, type RunEvent, runFiles, type RunStage } from '../../run/index.ts'
import { judgeRun } from '../aha/file.ts'
import type { Comparison, ControlCard, Exam, Funnel, Interval, ReportCard, StageCard, Warning } from './card.ts'
import { curvesOf, samplesOf } from './curves.ts'
import { examsOf, withExam } from './measures.ts'

export const REPORT = 'report'

export interface Known {
  comparisons?: Comparison[]
  /** The stage that makes the report, by its folder: it is as good as done, but has no manifest yet. */
  self?: { folder: string; seconds: number; metrics: Record<string, number | null> }
}

/** The card of a run. Throws a UserError when the folder is no run. */
export async function gather(run: string, { comparisons = [], self }: Known = {}): Promise<ReportCard> {
  const { name, language, stages } = await readRun(run)
  const files = runFiles(run)
  const yaml = await readFile(files.recipe, 'utf8')
  const recipe = parse(yaml) as Record<string, unknown>
  const events = dropSuperseded(readEvents(files.events).events)
  const names = new Map(stages.map((stage) => [basename(stage.folder), stage.name]))
  const nameOf = (folder: string | undefined) => (folder === undefined ? undefined : names.get(folder))
  const cards = stages.map((stage): StageCard => {
    const card = stageCard(stage, events)
    return card.folder === self?.folder ? { ...card, ...self, state: 'done' } : card
  })
  const exams = examsOf(cards)
  const started = events.find((event) => event.type === 'started')
  return {
    format: 1,
    name,
    language,
    xueba: lastStart(events)?.version ?? null,
    started: started ? new Date(started.time).toISOString() : null,
    finished: cards.every(({ kind, state }) => state === 'done' || kind === REPORT),
    seconds: cards.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0),
    stages: cards,
    comparisons,
    exams,
    controls: controlsOf(recipe, cards, exams),
    aha: (await judgeRun(language, stages)).map(({ analysis: { firsts }, ...judged }) => ({ ...judged, firsts })),
    curves: curvesOf(events, nameOf),
    samples: samplesOf(events, nameOf),
    funnels: cards.flatMap(funnelOf),
    warnings: warningsOf(events, nameOf),
    recipe,
    yaml,
    machine: lastStart(events)?.machine ?? null,
  }
}

/** The options of the recipe's stages, by name; checked by nobody. */
export function stageOptions(recipe: Record<string, unknown>): Map<string, Record<string, unknown>> {
  const stages = Array.isArray(recipe.stages) ? (recipe.stages as Record<string, unknown>[]) : []
  return new Map(stages.map((stage) => [String(stage.name ?? stage.kind), stage]))
}

const lastStart = (events: readonly RunEvent[]) =>
  events.findLast((event): event is Extract<RunEvent, { type: 'started' }> => event.type === 'started')

function stageCard({ kind, name, folder, manifest }: RunStage, events: readonly RunEvent[]): StageCard {
  const own = events.filter((event) => event.stage === basename(folder))
  const measured = own.filter((event) => event.type === 'metric')
  const metrics = manifest?.metrics ?? Object.fromEntries(measured.map((event) => [keyOf(event), event.value]))
  return {
    name,
    kind,
    folder: basename(folder),
    state: manifest ? 'done' : own.length > 0 ? 'unfinished' : 'waiting',
    seconds: manifest?.seconds ?? secondsOf(own),
    metrics,
    intervals: intervalsOf(metrics, measured),
    takenFrom: manifest?.takenFrom ?? null,
    model: manifest !== undefined && existsSync(join(folder, 'model.safetensors')),
  }
}

type MetricEvent = Extract<RunEvent, { type: 'metric' }>

/** A metric event's name among a stage's metrics: with its split, unless that is the usual one. */
function keyOf({ name, split }: MetricEvent): string {
  return split === undefined || split === 'train' ? name : split === 'heldout' ? `${name}.heldout` : `${name}.${split}`
}

/** Time between neighbouring events of one attempt, of an unfinished stage. */
function secondsOf(own: readonly RunEvent[]): number | null {
  if (own.length === 0) return null
  return own.reduce((sum, event, i) => {
    const before = own[i - 1]
    return before?.attempt === event.attempt ? sum + Math.max(0, event.time - before.time) / 1000 : sum
  }, 0)
}

/** From the metrics beside it (`accuracyLow`, `accuracyHighBefore`), or from an event with bounds and the same value. */
function intervalsOf(metrics: Record<string, number | null>, events: readonly MetricEvent[]): Record<string, Interval> {
  return Object.fromEntries(
    Object.entries(metrics).flatMap(([key, value]) => {
      const bare = key.replace(/Before$/, '')
      const beside = (bound: 'Low' | 'High') => metrics[`${bare}${bound}${key.slice(bare.length)}`]
      const event = events.find(
        (e) => e.value === value && (e.name === bare || bare.endsWith(`.${e.name}`) || keyOf(e) === bare),
      )
      const [low, high] = [beside('Low') ?? event?.low, beside('High') ?? event?.high]
      return value !== null && low != null && high != null ? [[key, { low, high }] as const] : []
    }),
  )
}

/** Stages whose options take something away on purpose. */
function controlsOf(
  recipe: Record<string, unknown>,
  cards: readonly StageCard[],
  exams: readonly Exam[],
): ControlCard[] {
  const options = stageOptions(recipe)
  const without = ({ name }: StageCard): ControlCard['without'] | undefined => {
    const { from, rewardFrom } = options.get(name) ?? {}
    return from === 'random' ? 'weights' : rewardFrom === 'shuffled' ? 'reward' : undefined
  }
  return cards.flatMap((card, i): ControlCard[] => {
    const missing = without(card)
    if (missing === undefined) return []
    const { name, kind } = card
    const peers = cards.filter((other) => other.kind === kind && without(other) === undefined)
    const nearest = peers.toSorted((a, b) => Math.abs(cards.indexOf(a) - i) - Math.abs(cards.indexOf(b) - i))[0]
    return [{ name, kind, without: missing, of: nearest?.name ?? null, ...withExam(card, exams) }]
  })
}

/** From the metrics `funnel.STEP.documents`, `funnel.STEP.bytes` and `rejected.RULE` of a corpus stage. */
function funnelOf({ name, metrics }: StageCard): Funnel[] {
  const steps = Object.keys(metrics).flatMap((key) => {
    const step = /^funnel\.(.+)\.documents$/.exec(key)?.[1]
    if (step === undefined) return []
    return [{ step, documents: metrics[key] ?? 0, bytes: metrics[`funnel.${step}.bytes`] ?? 0 }]
  })
  const rules = Object.entries(metrics)
    .flatMap(([key, documents]) =>
      key.startsWith('rejected.') ? [{ rule: key.slice(9), documents: documents ?? 0 }] : [],
    )
    .sort((a, b) => b.documents - a.documents)
  return steps.length === 0 ? [] : [{ stage: name, steps, rules }]
}

function warningsOf(
  events: readonly RunEvent[],
  nameOf: (folder: string | undefined) => string | undefined,
): Warning[] {
  const found = new Map<string, Warning>()
  for (const event of events) {
    if (event.type !== 'warning') continue
    const { code, message } = event
    const stage = nameOf(event.stage) ?? null
    const key = JSON.stringify([stage, code])
    found.set(key, { stage, code, message, count: (found.get(key)?.count ?? 0) + 1 })
  }
  return [...found.values()]
}
