/** From a run's events to curves over steps and to samples over time. Superseded events must be dropped before. */
import type { RunEvent } from '../../run/index.ts'
import type { Curve, CurvePoint, SampleSeries } from './card.ts'

/** The most points of a curve that a report keeps. */
export const CURVE_POINTS = 1000

/** Of each prompt, the most texts that a report keeps: the first, the last, and evenly between. */
export const SAMPLE_TEXTS = 8

/** A stage's name by the folder that its events carry. */
export type NameOf = (folder: string | undefined) => string | undefined

/** One curve for each stage, metric and split that has values at steps; progress gives the training loss and the speed. */
export function curvesOf(events: readonly RunEvent[], nameOf: NameOf): Curve[] {
  const curves = new Map<string, Curve>()
  const add = (stage: string | undefined, name: string, split: string | null, point: Partial<CurvePoint>) => {
    const { step, value, low, high } = point
    if (stage === undefined || step === undefined || value == null) return
    const key = JSON.stringify([stage, name, split])
    if (!curves.has(key)) curves.set(key, { stage, name, split, points: [] })
    const bounds = low == null || high == null ? {} : { low, high }
    curves.get(key)!.points.push({ step, value, ...bounds })
  }
  for (const event of events) {
    const stage = nameOf(event.stage)
    if (event.type === 'progress') {
      add(stage, 'loss', 'train', { step: event.step, value: event.loss ?? undefined })
      add(stage, 'tokensPerSecond', null, { step: event.step, value: event.tokensPerSecond ?? undefined })
    } else if (event.type === 'metric') {
      const { name, split = null, step } = event
      const [value, low, high] = [event.value, event.low, event.high].map((n) => n ?? undefined)
      add(stage, name, split, { step, value, low, high })
    }
  }
  return [...curves.values()].map((curve) => ({ ...curve, points: thin(inOrder(curve.points), CURVE_POINTS) }))
}

/** What each prompt was answered with, evaluation by evaluation. */
export function samplesOf(events: readonly RunEvent[], nameOf: NameOf): SampleSeries[] {
  const series = new Map<string, SampleSeries>()
  for (const event of events) {
    const stage = nameOf(event.stage)
    if (event.type !== 'sample' || stage === undefined) continue
    const { prompt, text, step = 0 } = event
    const key = JSON.stringify([stage, prompt])
    if (!series.has(key)) series.set(key, { stage, prompt, texts: [] })
    const { texts } = series.get(key)!
    if (texts.at(-1)?.step === step) texts.pop()
    texts.push({ step, text })
  }
  return [...series.values()].map((one) => ({ ...one, texts: thin(one.texts, SAMPLE_TEXTS) }))
}

/** By step; of two points at one step the later stands. */
function inOrder(points: readonly CurvePoint[]): CurvePoint[] {
  const byStep = new Map(points.map((point) => [point.step, point]))
  return [...byStep.values()].sort((a, b) => a.step - b.step)
}

/** At most so many items, evenly taken, with the first and the last. */
export function thin<T>(items: readonly T[], most: number): T[] {
  if (items.length <= most) return items.slice()
  return Array.from({ length: most }, (_, i) => items[Math.round((i * (items.length - 1)) / (most - 1))]!)
}
