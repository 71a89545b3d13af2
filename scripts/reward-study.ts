/** What studies of reward models share: a stage run by itself, and intervals that know which pairs belong together. */
import { mkdirSync } from 'node:fs'
import { random } from '../src/tensor/index.ts'
import type { Engine } from '../src/tensor/index.ts'
import type { Language, StageContext } from '../src/stages/stage.ts'

/** A stage's context outside a run: earlier folders by kind, no checkpoints, progress to the terminal. */
export function lonely(
  engine: Engine,
  folder: string,
  earlier: StageContext['earlier'],
  { seed = 1, language = 'en' as Language, model = {} as Record<string, unknown> } = {},
): StageContext {
  mkdirSync(folder, { recursive: true })
  const find = (...kinds: string[]) => earlier.findLast(({ kind }) => kinds.includes(kind))?.folder
  return {
    run: folder,
    folder,
    seed,
    language,
    model,
    strict: false,
    engine: () => Promise.resolve(engine),
    peakFlops: () => Promise.resolve(0),
    find,
    latest: (...kinds) => find(...kinds)!,
    earlier,
    emit(event) {
      if (event.type === 'progress') process.stderr.write(`\r${folder}: ${event.step}/${event.steps}  `)
    },
    resume: undefined,
    save: () => Promise.resolve(),
    border: () => Promise.resolve(),
  }
}

/** A pair as a study counts it: what belongs together has one origin. */
export interface Judged {
  origin: string
  source: string
  /** Reward of the chosen minus that of the rejected answer; 0 is half right. */
  margin: number
  /** The same of the judge that looks at lengths. */
  length: number
}

const rightness = (margin: number) => (margin > 0 ? 1 : margin === 0 ? 0.5 : 0)

/**
 * Accuracy of the judge and of the lengths, and their difference, with 95 % intervals of a bootstrap over origins (Efron and Tibshirani,
 * "An introduction to the bootstrap", 1993): pairs of one prompt are not independent.
 */
export function accuracies(pairs: readonly Judged[], draws = 2000) {
  const groups = [...Map.groupBy(pairs, ({ origin }) => origin).values()].map((own) => ({
    pairs: own.length,
    judge: own.reduce((sum, { margin }) => sum + rightness(margin), 0),
    length: own.reduce((sum, { length }) => sum + rightness(length), 0),
  }))
  const share = (some: readonly (typeof groups)[number][]) => {
    const sum = (of: (one: (typeof groups)[number]) => number) => some.reduce((total, one) => total + of(one), 0)
    const count = sum((one) => one.pairs)
    const [judge, length] = [sum((one) => one.judge) / count, sum((one) => one.length) / count]
    return { judge, length, gain: judge - length }
  }
  const r = random(1, 'bootstrap')
  const drawn = Array.from({ length: draws }, () => share(groups.map(() => r.pick(groups))))
  const value = share(groups)
  const interval = (key: 'judge' | 'length' | 'gain') => {
    const sorted = drawn.map((one) => one[key]).sort((a, b) => a - b)
    return { value: value[key], low: sorted[Math.floor(0.025 * draws)]!, high: sorted[Math.floor(0.975 * draws)]! }
  }
  return {
    pairs: pairs.length,
    origins: groups.length,
    judge: interval('judge'),
    length: interval('length'),
    gain: interval('gain'),
  }
}

const percent = ({ value, low, high }: { value: number; low: number; high: number }) =>
  `${(100 * value).toFixed(1)} % (${(100 * low).toFixed(1)}–${(100 * high).toFixed(1)})`

export function accuracyRow(name: string, pairs: readonly Judged[]): string {
  const { origins, judge, length, gain } = accuracies(pairs)
  return `| ${name} | ${pairs.length} | ${origins} | ${percent(judge)} | ${percent(length)} | ${percent(gain)} |`
}

export const ACCURACY_HEAD = `| what | pairs | prompts | judge | length alone | difference |\n|---|---|---|---|---|---|`
