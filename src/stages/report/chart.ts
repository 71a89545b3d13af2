/**
 * A line chart as inline SVG: one metric of one stage, a line for each split. Colours are classes of the page's style, so that it
 * follows light and dark. Noisy lines are drawn faint under their moving average. No script: points name their values on hover.
 */
import type { Curve, CurvePoint } from './card.ts'
import { thin } from './curves.ts'
import { type Markup, markup } from './escape.ts'
import { formatNumber } from './format.ts'

const [WIDTH, HEIGHT] = [360, 190]
const [LEFT, RIGHT, TOP, BOTTOM] = [40, 10, 8, 22]
/** More points than pixels are of no use. */
const DRAWN = 300
const HOVERED = 40
/** From so many points on a line is smoothed, over this share of them. */
const NOISY = { points: 40, window: 1 / 15 }

interface Scales {
  x(step: number): number
  y(value: number): number
  written(value: number): string
}

/** `share`: values lie between 0 and 1 and the axis shows percent. */
export function lineChart(curves: readonly Curve[], { share, label }: { share: boolean; label: string }): Markup {
  const points = curves.flatMap((curve) => curve.points)
  const last = Math.max(1, ...points.map(({ step }) => step))
  const { low, high, ticks } = axisOf(points, share)
  const scales: Scales = {
    x: (step) => round(LEFT + (step / last) * (WIDTH - LEFT - RIGHT)),
    y: (value) => round(TOP + (1 - (value - low) / (high - low)) * (HEIGHT - TOP - BOTTOM)),
    written: (value) => (share ? `${Number((value * 100).toFixed(1))}%` : formatNumber(value)),
  }
  const lines = curves.map((curve, i) => series(curve, i, scales))
  return markup`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">
${ticks.map((value) => rule(value, scales))}${[0, last / 2, last].map((step, i) => foot(Math.round(step), i, scales))}
${lines}</svg>`
}

function rule(value: number, { y, written }: Scales): Markup {
  const at = y(value)
  return markup`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}"/>
<text x="${LEFT - 6}" y="${at + 4}" text-anchor="end">${written(value)}</text>`
}

function foot(step: number, place: number, { x }: Scales): Markup {
  const anchor = ['start', 'middle', 'end'][place]
  return markup`<text x="${x(step)}" y="${HEIGHT - 6}" text-anchor="${anchor}">${formatNumber(step)}</text>`
}

function series({ points }: Curve, index: number, scales: Scales): Markup {
  const { x, y } = scales
  const drawn = thin(points, DRAWN)
  const noisy = points.length >= NOISY.points
  const line = (all: readonly CurvePoint[]) => all.map(({ step, value }) => `${x(step)},${y(value)}`).join(' ')
  const bounded = drawn.filter((p): p is Required<CurvePoint> => p.low !== undefined && p.high !== undefined)
  const [above, below] = [bounded, bounded.toReversed()]
  const band = [...above.map((p) => `${x(p.step)},${y(p.high)}`), ...below.map((p) => `${x(p.step)},${y(p.low)}`)]
  const window = Math.max(3, Math.round(points.length * NOISY.window))
  const smooth = noisy ? thin(movingAverage(points, window), DRAWN) : drawn
  return markup`<g class="line line-${index % 4}">
${bounded.length > 1 && markup`<polygon class="band" points="${band.join(' ')}"/>`}
${noisy && markup`<polyline class="raw" points="${line(drawn)}"/>`}
<polyline points="${line(smooth)}"/>
${thin(points, HOVERED).map((point) => dot(point, noisy, scales))}</g>`
}

/** Shown, or only there to be pointed at. */
function dot({ step, value, low, high }: CurvePoint, hidden: boolean, { x, y, written }: Scales): Markup {
  const bounds = low === undefined || high === undefined ? '' : ` [${written(low)} – ${written(high)}]`
  const [kind, radius] = hidden ? ['hidden', 6] : ['dot', 2.5]
  const title = `${step}: ${written(value)}${bounds}`
  return markup`<circle class="${kind}" cx="${x(step)}" cy="${y(value)}" r="${radius}"><title>${title}</title></circle>`
}

/** Centered; shorter at both ends. */
export function movingAverage(points: readonly CurvePoint[], window: number): CurvePoint[] {
  const half = Math.floor(window / 2)
  const sums = [0]
  for (const { value } of points) sums.push(sums.at(-1)! + value)
  return points.map(({ step }, i) => {
    const reach = Math.min(half, i, points.length - 1 - i)
    return { step, value: (sums[i + reach + 1]! - sums[i - reach]!) / (2 * reach + 1) }
  })
}

/** Round numbers around the values. Shares begin at 0, and so does what comes near it. */
export function axisOf(points: readonly CurvePoint[], share: boolean): { low: number; high: number; ticks: number[] } {
  const values = points.flatMap(({ value, low = value, high = value }) => [low, high, value])
  const top = values.reduce((a, b) => Math.max(a, b), share ? 0.05 : Number.NEGATIVE_INFINITY)
  const bottom = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
  const from = share || (bottom >= 0 && bottom < top / 2) ? Math.min(0, bottom) : bottom
  // What hardly differs is drawn as a flat line.
  const size = Math.max(Math.abs(top), Math.abs(from))
  const span = [top - from, size, 1].find((one) => one > 1e-30 && one > 1e-6 * size)!
  const rough = span / 3.5
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 2.5, 5, 10].find((m) => m * power >= rough * (1 - 1e-9))! * power
  const first = Math.floor(from / step + 1e-9)
  const count = Math.max(1, Math.ceil((from + span) / step - 1e-9) - first)
  const ticks = Array.from({ length: count + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)))
  return { low: ticks[0]!, high: ticks.at(-1)!, ticks: share ? ticks.filter((tick) => tick <= 1) : ticks }
}

const round = (value: number) => Number(value.toFixed(1))
