/** The study behind the quickstart: its runs with controls, and what each claim of learning needs, as a Markdown table. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { smallInterval } from '../src/stages/statistics.ts'

const root = join(import.meta.dirname, '..')

export interface GateRun {
  language: string
  seed: number
  folder: string
}

/** Runs what is not finished yet, until one is interrupted, and returns the runs that are done. */
export function runGates(runs: readonly GateRun[], pins: readonly string[]): GateRun[] {
  const done: GateRun[] = []
  for (const run of runs) {
    const { language, seed, folder } = run
    const args = ['run', 'quickstart-controls', '--lang', language, '--seed', String(seed), '--out', folder]
    const set = pins.flatMap((pin) => ['--set', pin])
    const { status } = spawnSync(process.execPath, [join(root, 'src/cli/main.ts'), ...args, ...set], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    if (status === 0) done.push(run)
    if (status === null || status === INTERRUPTED) break
  }
  return done
}

/** Exit status of a run that Ctrl-C stopped. */
const INTERRUPTED = 130

type Metrics = Record<string, number | null>

/** A claim, the figures that decide it, and whether they do. */
interface Gate {
  name: string
  figures(m: Metrics): string
  holds(m: Metrics): boolean
}

const number = (m: Metrics, key: string): number => m[key] ?? NaN
const percent = (value: number) => (100 * value).toFixed(1)
/** `61.2 [57, 65]`, in per cent or points. */
const share = (m: Metrics, key: string) =>
  `${percent(number(m, key))} [${[`${key}Low`, `${key}High`].map((k) => (100 * number(m, k)).toFixed(0)).join(', ')}]`
const bits = (m: Metrics, key: string) => number(m, key).toFixed(3)

const GATES: Gate[] = [
  {
    name: 'reads: bits per byte, at least 10 % below the 5-gram and below PPM',
    figures: (m) =>
      `${bits(m, 'pretrain.bitsPerByte')}; 5-gram ${bits(m, '5-gram.bitsPerByte')}, PPM ${bits(m, 'PPM.bitsPerByte')}`,
    holds: (m) => isBelowCounters(m, 'bitsPerByte'),
  },
  {
    name: 'the same in lines that no page to be read has',
    figures: (m) =>
      `${bits(m, 'pretrain.bitsPerByteUnseen')}; 5-gram ${bits(m, '5-gram.bitsPerByteUnseen')}, PPM ${bits(m, 'PPM.bitsPerByteUnseen')}`,
    holds: (m) => isBelowCounters(m, 'bitsPerByteUnseen'),
  },
  {
    name: 'listens: untaught facts after SFT, at least 80 % (base model few-shot)',
    figures: (m) => `${share(m, 'sft.world.untaught')} (${share(m, 'pretrain.world.untaught')})`,
    holds: (m) => number(m, 'sft.world.untaught') >= 0.8,
  },
  {
    name: 'control no-reading: at most 20 %',
    figures: (m) => share(m, 'no-reading.world.untaught'),
    holds: (m) => number(m, 'no-reading.world.untaught') <= 0.2,
  },
  {
    name: 'practises: 500 unseen sums before RL, 20 to 60 %',
    figures: (m) => share(m, 'sft.arithmetic-2-digits.accuracy'),
    holds: (m) =>
      number(m, 'sft.arithmetic-2-digits.accuracy') >= 0.2 && number(m, 'sft.arithmetic-2-digits.accuracy') <= 0.6,
  },
  {
    name: 'after RL, at least 20 points more',
    figures: (m) =>
      `${share(m, 'rl.arithmetic-2-digits.accuracy')}, gain ${share(m, 'rl.arithmetic-2-digits.accuracyGain')}`,
    holds: (m) => number(m, 'rl.arithmetic-2-digits.accuracyGain') >= 0.2,
  },
]

/**
 * The control of shuffled rewards must not rise. Its weights walk at random, so that one run's greedy answers get a few points better or
 * worse by luck, which an interval over problems knows nothing of: it is judged over all runs.
 */
const SHUFFLED_GAIN = 'shuffled.arithmetic-2-digits.accuracyGain'

/** What stands beside the gates without being one. */
const BESIDE: Omit<Gate, 'holds'>[] = [
  {
    name: 'control shuffled rewards',
    figures: (m) => `${share(m, 'shuffled.arithmetic-2-digits.accuracy')}, gain ${share(m, SHUFFLED_GAIN)}`,
  },
  {
    name: 'more SFT for as long a time: sums; untaught facts',
    figures: (m) => `${share(m, 'more-sft.arithmetic-2-digits.accuracy')}; ${share(m, 'more-sft.world.untaught')}`,
  },
  { name: 'untaught facts after RL', figures: (m) => share(m, 'rl.world.untaught') },
  {
    name: 'countdown with two numbers: after SFT, after RL',
    figures: (m) => `${share(m, 'sft.countdown-2-numbers.accuracy')}, ${share(m, 'rl.countdown-2-numbers.accuracy')}`,
  },
]

/** One column a run, one row a gate; ✓ or ✗ before the figures. */
export function gatesTable(runs: readonly GateRun[]): string {
  const read = runs.map(({ folder }) => manifestsOf(folder))
  const exams = read.map((stages) => stages.find(({ kind }) => kind === 'eval')!.metrics)
  const rows = [
    ['95 % intervals', ...runs.map(({ language, seed }) => `${language}, seed ${seed}`)],
    runs.map(() => '---').concat('---'),
    ...GATES.map(({ name, figures, holds }) => [name, ...exams.map((m) => `${holds(m) ? '✓' : '✗'} ${figures(m)}`)]),
    ...BESIDE.map(({ name, figures }) => [name, ...exams.map((m) => figures(m))]),
    [
      'seconds, by stage',
      ...read.map((stages) => stages.map(({ name, seconds }) => `${name} ${seconds.toFixed(0)}`).join(', ')),
    ],
  ]
  const table = rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
  return `${table}\n\n${shuffledVerdict(exams)}`
}

/** Mean gain over the runs with Student's interval; needs two runs. */
function shuffledVerdict(exams: readonly Metrics[]): string {
  const { value, low, high } = smallInterval(exams.map((m) => number(m, SHUFFLED_GAIN)))
  return `${low <= 0 ? '✓' : '✗'} control shuffled rewards: must not rise, over all runs: gain ${percent(value)} [${percent(low)}, ${percent(high)}]`
}

// --- internal ---

function isBelowCounters(m: Metrics, measure: string): boolean {
  const own = number(m, `pretrain.${measure}`)
  return own <= 0.9 * number(m, `5-gram.${measure}`) && own < number(m, `PPM.${measure}`)
}

interface Manifest {
  kind: string
  name: string
  seconds: number
  metrics: Metrics
}

function manifestsOf(folder: string): Manifest[] {
  return readdirSync(folder)
    .sort()
    .map((stage) => join(folder, stage, 'manifest.json'))
    .filter((path) => existsSync(path))
    .map((path) => JSON.parse(readFileSync(path, 'utf8')) as Manifest)
}
