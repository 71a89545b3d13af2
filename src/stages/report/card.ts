/**
 * The report card of a run as data: what `report.json` holds, and what the page and the Markdown are drawn from. These keys are
 * an interface: tests and other programs read them, so they are only ever added to. Numbers that are not known are null.
 */
import type { First } from '../aha/analysis.ts'
import type { Judged } from '../aha/file.ts'
import type { Language } from '../stage.ts'

export interface ReportCard {
  /** Version of these keys. */
  format: 1
  /** The recipe's name, and the language of the run. */
  name: string
  language: Language
  /** Version of xueba that ran it; null when nothing has started. */
  xueba: string | null
  /** ISO 8601, when the first attempt began; null when nothing has started. */
  started: string | null
  /** Whether every stage is done, this report's own aside. */
  finished: boolean
  /** Of all stages together, pauses included, time between attempts not. */
  seconds: number
  stages: StageCard[]
  comparisons: Comparison[]
  exams: Exam[]
  controls: ControlCard[]
  /** Of each RL stage that kept its answers. */
  aha: AhaCard[]
  curves: Curve[]
  samples: SampleSeries[]
  funnels: Funnel[]
  warnings: Warning[]
  /** The resolved recipe, as recipe.yaml has it; `yaml` is its text. */
  recipe: Record<string, unknown>
  yaml: string
  /** What the trainer said of the machine; null when nothing has started. */
  machine: Record<string, string | number> | null
}

export interface StageCard {
  name: string
  kind: string
  /** Its folder in the run: `03-pretrain`. */
  folder: string
  state: 'done' | 'unfinished' | 'waiting'
  /** Of an unfinished stage, so far; null of one that never began. */
  seconds: number | null
  /** As in its manifest; of an unfinished stage, the latest values of its events. */
  metrics: Record<string, number | null>
  /** 95 % intervals of those metrics that have one. */
  intervals: Record<string, Interval>
  /** The run that it was taken over from instead of being made: `runs/quickstart`. Null where it was made here. */
  takenFrom: string | null
  /** Wrote a model that the comparisons ask. */
  model: boolean
}

export interface Interval {
  low: number
  high: number
}

/** A question put to the model of each stage. */
export interface Comparison {
  question: string
  /** What a right answer holds, where there is a right answer. */
  expected: string | null
  answers: ModelAnswer[]
}

export interface ModelAnswer {
  /** Name of the stage whose model answers. */
  stage: string
  /** `text`: goes on writing after the question. `chat`: answers in the chat template. */
  manner: 'text' | 'chat'
  /** Always the likeliest token. */
  greedy: Spoken
  /** Drawn with `temperature` and the run's seed; null when not asked for. */
  sampled: (Spoken & { temperature: number }) | null
}

export interface Spoken {
  text: string
  /** Cut off at the most tokens allowed. */
  truncated: boolean
  /** Null where there is no right answer. */
  correct: boolean | null
}

/** What every model scored in an eval stage. */
export interface Exam {
  stage: string
  models: {
    stage: string
    /** `accuracy`, `bitsPerByte`, …; `accuracyGain` is what the stage added to the model it went on from. */
    metrics: Record<string, number | null>
    intervals: Record<string, Interval>
  }[]
}

/** A stage that is there to show what another one owes to something. */
export interface ControlCard {
  name: string
  kind: string
  /** What is missing in it. `weights`: it began from random weights. `reward`: its rewards went to random answers. */
  without: 'weights' | 'reward'
  /** The stage it is to be compared with; null when there is none. */
  of: string | null
  /** Its own, and as `exam.MEASURE` what its model scored in the last examination. */
  metrics: Record<string, number | null>
  intervals: Record<string, Interval>
}

/** Whether an “aha moment” happened in an RL stage (src/stages/aha/verdict.ts), and the first answers with a mark. */
export interface AhaCard extends Omit<Judged, 'analysis'> {
  firsts: First[]
}

export interface Curve {
  stage: string
  /** Of the metric: `loss`, `bitsPerByte`, `reward`, … */
  name: string
  /** `train`, `heldout`, a task's name; null when there is one only. */
  split: string | null
  /** By step. At most `CURVE_POINTS`, evenly thinned; the last is always there. */
  points: CurvePoint[]
}

export interface CurvePoint {
  step: number
  value: number
  /** Bounds of the 95 % interval. */
  low?: number
  high?: number
}

/** What a stage's model made of one prompt at each evaluation. */
export interface SampleSeries {
  stage: string
  prompt: string
  texts: { step: number; text: string }[]
}

/** Where the documents of a corpus stage went. */
export interface Funnel {
  stage: string
  /** Documents and bytes left after each step; the first is what was read. */
  steps: { step: string; documents: number; bytes: number }[]
  /** How many documents each rule refused, most first. */
  rules: { rule: string; documents: number }[]
}

export interface Warning {
  stage: string | null
  code: string
  message: { en: string; zh: string }
  /** How often it came. */
  count: number
}
