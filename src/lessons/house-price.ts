/**
 * Lesson zero: what training is, on a model of two parameters. price = w · area + b: guess, look how wrong the guess is, see which
 * way is downhill (the gradient), take a step, guess again. A language model does the same with millions of parameters.
 *
 * It runs on the engine that trains language models: the same tensors, the same automatic gradients.
 */
import { add, backward, type Engine, mean, multiply, subtract, type Tensor } from '../tensor/index.ts'

export interface House {
  area: number
  price: number
}

/** A small town's sales: square metres, and thousands. Made up: about 4 · area + 60, give or take. */
export const HOUSES: readonly House[] = [
  [45, 262],
  [52, 251],
  [60, 318],
  [64, 300],
  [71, 365],
  [78, 351],
  [85, 420],
  [90, 402],
  [98, 470],
  [106, 466],
  [115, 541],
  [124, 540],
  [138, 632],
  [150, 645],
].map(([area, price]) => ({ area: area!, price: price! }))

/** One look at the houses: with these w and b, how wrong, and which way is downhill. */
export interface Look {
  step: number
  w: number
  b: number
  /** What these w and b say the shown house costs. */
  guess: number
  /** Mean squared error over all houses, and its root (in units of the price). */
  loss: number
  error: number
  /** The slope of the loss when w, when b grows. */
  gradW: number
  gradB: number
}

/** price = w · area + b. */
export interface Line {
  w: number
  b: number
}

export interface Fit {
  /** The house whose price is guessed at every step. */
  shown: House
  /**
   * Areas and prices are counted in tens, hundreds, … so that numbers stay near 1 and one step size suits both w and b. All values of
   * a `Look` are in the caller's own units again.
   */
  units: { area: number; price: number }
  /** Share of the gradient that is stepped against, in those units. */
  rate: number
  /** The best line there is, by formula, and its error: what the steps should arrive at. */
  best: Line & { error: number }
  /** The first guess, then one look a step. */
  looks: AsyncGenerator<Look, void, void>
}

/** `from`: the first guess. Throws a RangeError when there are fewer than two houses, or all have the same area. */
export function fitHouses(engine: Engine, houses: readonly House[], steps: number, from = { w: 0, b: 0 }): Fit {
  if (houses.length < 2 || houses.every(({ area }) => area === houses[0]!.area))
    throw new RangeError('a line needs two houses of different area')
  const units = { area: unitOf(houses.map((h) => h.area)), price: unitOf(houses.map((h) => h.price)) }
  const [areas, prices] = [houses.map((h) => h.area / units.area), houses.map((h) => h.price / units.price)]
  const rate = 1 / steepest(areas)
  const shown = houses.toSorted((a, b) => a.area - b.area)[houses.length >> 1]!
  return {
    shown,
    units,
    rate,
    best: bestLine(houses),
    looks: descend(engine, areas, prices, { steps, rate, units, shown, from }),
  }
}

async function* descend(
  engine: Engine,
  areas: readonly number[],
  prices: readonly number[],
  { steps, rate, units, shown, from }: Pick<Fit, 'rate' | 'units' | 'shown'> & { steps: number; from: Line },
): AsyncGenerator<Look, void, void> {
  const [x, y] = [areas, prices].map((values) => engine.keep(engine.tensor(values, [values.length])))
  const parameter = (value: number): Tensor => {
    const t = engine.keep(engine.tensor([value], [1]))
    t.requiresGrad = true
    t.grad = engine.keep(engine.zeros([1]))
    return t
  }
  const [w, b] = [parameter((from.w * units.area) / units.price), parameter(from.b / units.price)]
  try {
    for (let step = 0; step <= steps; step++) {
      for (const { grad } of [w, b]) grad!.write([0])
      const loss = engine.scope(() => {
        const off = subtract(add(multiply(x!, w), b), y!)
        const loss = mean(multiply(off, off))
        backward(loss)
        return loss
      })
      const numbers = await Promise.all([w, b, w.grad!, b.grad!, loss].map(async (t) => (await t.read())[0]!))
      const [wNow, bNow, gradW, gradB, lossNow] = numbers as [number, number, number, number, number]
      loss.free()
      yield {
        step,
        w: (wNow * units.price) / units.area,
        b: bNow * units.price,
        guess: ((wNow * shown.area) / units.area + bNow) * units.price,
        loss: lossNow * units.price ** 2,
        error: Math.sqrt(lossNow) * units.price,
        gradW: gradW * units.price * units.area,
        gradB: gradB * units.price,
      }
      w.write([wNow - rate * gradW])
      b.write([bNow - rate * gradB])
    }
  } finally {
    for (const t of [x!, y!, w, b, w.grad!, b.grad!]) t.free()
  }
}

/** The power of ten next to the mean size. */
function unitOf(values: readonly number[]): number {
  const size = values.reduce((sum, v) => sum + Math.abs(v), 0) / values.length
  return size > 0 ? 10 ** Math.round(Math.log10(size)) : 1
}

/** The largest curvature of the loss: a step of its inverse never overshoots. */
function steepest(x: readonly number[]): number {
  const [m1, m2] = [1, 2].map((power) => x.reduce((sum, v) => sum + v ** power, 0) / x.length) as [number, number]
  return m2 + 1 + Math.sqrt((m2 - 1) ** 2 + 4 * m1 ** 2)
}

/** Least squares by formula. */
function bestLine(houses: readonly House[]): Fit['best'] {
  const n = houses.length
  const [mx, my] = [houses.reduce((s, h) => s + h.area, 0) / n, houses.reduce((s, h) => s + h.price, 0) / n]
  const w =
    houses.reduce((s, h) => s + (h.area - mx) * (h.price - my), 0) / houses.reduce((s, h) => s + (h.area - mx) ** 2, 0)
  const b = my - w * mx
  const error = Math.sqrt(houses.reduce((s, h) => s + (w * h.area + b - h.price) ** 2, 0) / n)
  return { w, b, error }
}
