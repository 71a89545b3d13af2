/** What the server says, as this page reads it. */
import type { Sentence } from './language.svelte.ts'

export interface StageCard {
  kind: string
  name: string
  folder: string
  done: boolean
  seconds: number | null
  /** The run beside this one that made it. */
  takenFrom: string | null
}

export interface Model {
  id: string
  stage: string
  kind: string
  step: number | null
}

export interface RunCard {
  id: string
  name: string
  language: 'zh' | 'en'
  recorded: boolean
  running: boolean
  stages: StageCard[]
  models: Model[]
  changed: number
}

export interface RunDetails extends RunCard {
  recipe: string
  hasReport: boolean
}

export interface Alternative {
  id: number
  text: string
  bytes: number[]
  probability: number
}

export interface Token extends Alternative {
  type: 'token'
  alternatives: Alternative[]
  finish: 'stop' | 'length' | null
}

export interface Answer {
  text: string
  truncated: boolean
  correct: boolean | null
}

export interface Comparison {
  question: string
  expected: string | null
  answers: { stage: string; manner: 'text' | 'chat'; greedy: Answer; sampled: Answer | null }[]
}

export interface Report {
  comparisons: Comparison[]
  seconds: number
  machine: Record<string, string | number> | null
}

export interface Document {
  id: string
  text?: string
  url?: string
  title?: string
  language?: string
  rule?: string
  detail?: string
  /** Of a duplicate: the document that stays. */
  of?: string
}

export interface Documents {
  rows: Document[]
  found: number
  partial: boolean
}

export interface RolloutAnswer {
  text: string
  reward: number
  credit?: number
  /** For the form, and for the answer; not of older runs. */
  parts?: { format: number; answer: number }
  correct: boolean
  advantage: number
  logProb: number
  finish: string
  ids: number[]
}

export interface RolloutGroup {
  step: number
  task: string
  id: string
  prompt: string
  expected: string
  kept: boolean
  answers: RolloutAnswer[]
}

export interface Rollouts {
  stage: string
  steps: number[]
  step: number
  groups: RolloutGroup[]
}

export interface Message {
  role: 'system' | 'user' | 'assistant'
  content: string
}

/** How margins lie around nought (src/stages/calibration.ts). */
export interface Margins {
  from: number
  width: number
  counts: number[]
}

export interface Calibration {
  step: number
  pairs: number
  error: number
  bins: {
    from: number
    to: number
    pairs: number
    confidence: number | null
    accuracy: number | null
    accuracyLow: number | null
    accuracyHigh: number | null
  }[]
  /** Not of older runs. */
  margins?: Margins
}

interface Mean {
  value: number
  low: number
  high: number
}

export interface Best {
  prompts: number
  best: Record<string, { reward: Mean; judged: Mean; divergence: number }>
  trained: Record<string, { reward: Mean; judged: Mean; divergence: number }>
}

export interface JudgeTables {
  calibration: Record<string, Calibration>
  best: Record<string, Best>
}

/** One exercise many times (src/lessons/randomness.ts). */
export interface Tired {
  exercise: { prompt: string; answer: string }
  times: number
  right: number
  outcomes: boolean[]
  low: number
  high: number
  rightAnswer?: string
  wrongAnswer?: string
  wrongTimes: number
}

export interface LifeCheck {
  rule: string
  name: Sentence
  passes: boolean
  value: number | null
  threshold: number
  wants: '≥' | '≤'
  quote: string | null
}

/** A document from page to verdict (src/server/studio/life.ts). */
export interface Life {
  id: string
  url: string | null
  html: string | null
  text: string
  rule: string | null
  detail: string | null
  steps: { step: string; checks: LifeCheck[]; failed: string | null }[]
  dropped: { rule: string; line: string }[]
}

/** Several runs in tables (src/server/studio/compared.ts). */
interface Table {
  title: string
  note?: string
  rows: { label: string; cells: string[] }[]
}

export interface ComparedTables {
  runs: string[]
  zh: Table[]
  en: Table[]
}
